import { formatAddress, parseAddress } from '../model/address.ts';
import type { SourcePosition } from '../model/errors.ts';
import type { ScanPolicy } from '../model/register.ts';
import { looksLikeAddress, readCidr } from './addresses.ts';
import type { ConfigReader, Said } from './config-reader.ts';
import { configSchema } from './config-schema.ts';
import { type Issue, take } from './issues.ts';
import { cut, type Read } from './times.ts';

/** What one config says of network scans; a rate that it does not say is absent. */
export interface ScanLayer {
  readonly rate?: Said<number>;
  readonly ratePerHost?: Said<number>;
  readonly exclude: ScanPolicy['exclude'];
  readonly incomplete?: true;
}

/**
 * Reads `scan`; each limit and each exclusion is judged by itself. `isWhole`: every part of the file could be read so
 * far; else an exclusion may be missing, as it may where one of them is wrong, and nothing may be scanned.
 */
export function readScanPolicy(read: ConfigReader, isWhole: boolean): ScanLayer | undefined {
  const raw = read.raw('scan');
  if (raw === undefined) return isWhole ? undefined : { exclude: [], incomplete: true };
  const { shape } = configSchema.shape.scan.unwrap();
  let isRead = isWhole;
  const exclude: { target: string; reason: string }[] = [];
  const rates: { rate?: Said<number>; ratePerHost?: Said<number> } = {};
  const members = raw !== null && typeof raw === 'object' && !Array.isArray(raw) ? Object.entries(raw) : null;
  if (members === null) {
    read.value(['scan'], raw, configSchema.shape.scan.unwrap(), () => null);
    isRead = false;
  }
  for (const [key, member] of members ?? []) {
    const at: SourcePosition = read.at(['scan', key]);
    if (key === 'rate' || key === 'ratePerHost') {
      const value = read.value(['scan', key], member, shape[key].unwrap(), Number);
      if (value === undefined) isRead = false;
      else rates[key] = { value, at };
    } else if (key === 'exclude' && Array.isArray(member)) {
      for (const [i, item] of member.entries()) {
        const exclusion = read.value(
          ['scan', 'exclude', i],
          item,
          shape.exclude.unwrap().element,
          ({ target, reason }, issues: Issue[]) => ({
            target: take(readTarget(target.trim()), ['target'], issues) ?? '',
            reason: reason.trim(),
          }),
        );
        if (exclusion) exclude.push(exclusion);
        else isRead = false;
      }
    } else {
      // A key that does not exist, or a list that is none: the schema of the whole says so.
      read.value(['scan'], { [key]: member }, configSchema.shape.scan.unwrap(), () => null);
      isRead = false;
    }
  }
  return { ...rates, exclude, ...(isRead ? {} : { incomplete: true }) };
}

const NAME = /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_])?\.?$/;

/** An address, a CIDR, a range `10.0.0.1-10.0.0.9` or `10.0.0.1-9`, or a name; canonical text. */
function readTarget(text: string): Read<string> {
  const dash = text.indexOf('-');
  const first = dash < 0 ? null : parseAddress(text.slice(0, dash).trim());
  if (first) {
    const end = text.slice(dash + 1).trim();
    const isShort = first.family === 'ipv4' && /^\d{1,3}$/.test(end);
    const last = parseAddress(isShort ? formatAddress(first).replace(/\d+$/, end) : end);
    if (last && last.family === first.family && last.value >= first.value)
      return { value: `${formatAddress(first)}-${formatAddress(last)}` };
    return { code: 'bad-target', message: `"${cut(text)}" is no range of addresses, such as 10.20.0.1-10.20.0.9` };
  }
  if (looksLikeAddress(text) || text.includes('/')) return readCidr(text);
  if (NAME.test(text)) return { value: text };
  return { code: 'bad-target', message: `expected an address, a CIDR, a range or a name, not "${cut(text)}"` };
}

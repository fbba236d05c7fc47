import { TRANSPORTS } from '../model/endpoint.ts';
import { parsePorts } from '../model/port-ranges.ts';
import { compareText } from '../util/compare.ts';
import { readCidr } from './addresses.ts';
import { readHost, readSha256, readSource } from './normalise.ts';
import { entrySchema } from './schema.ts';
import { type Read, readDatetime, readDays, writeDatetime, writeDays } from './times.ts';

const { process, approval, review } = entrySchema.shape;

/** Canonical order of keys, by the key of the map; `''` is the entry itself. */
export const KEY_ORDER: Readonly<Record<string, readonly string[]>> = {
  '': Object.keys(entrySchema.shape),
  process: Object.keys(process.unwrap().shape),
  approval: Object.keys(approval.unwrap().shape),
  review: Object.keys(review.unwrap().shape),
};

/** Returns the one spelling of a single value of an entry; the text itself where it has no other, or cannot be read. */
export function canonicalText(path: string, text: string, transport: string): string {
  switch (path) {
    case 'hosts':
      return readOr(readHost(text), text);
    case 'sources':
      return readOr(readSource(text), text);
    case 'port':
      return portTexts([text], transport)?.[0] ?? text;
    case 'bind': {
      const address = readOr(readCidr(text), text);
      return address === '0.0.0.0' || address === '::' ? 'any' : address;
    }
    case 'data':
      return text.trim().toLowerCase();
    case 'process.sha256':
      return readOr(readSha256(text), text);
    case 'expires':
    case 'approval.at':
    case 'review.last': {
      const time = readDatetime(text);
      return 'value' in time ? writeDatetime(time.value) : text;
    }
    case 'review.every': {
      const days = readDays(text);
      return 'value' in days ? writeDays(days.value) : text;
    }
    default:
      return text;
  }
}

/** Says whether an entry, as it was parsed, has its keys in order and its values in their one spelling. */
export function isCanonical(entry: unknown, prefix = '', transport = 'tcp'): boolean {
  if (entry === null || typeof entry !== 'object') return false;
  const order = KEY_ORDER[prefix === '' ? '' : prefix.slice(0, -1)];
  const known = prefix === '' ? String((entry as { transport?: unknown }).transport ?? 'tcp') : transport;
  let rank = -1;
  return Object.entries(entry).every(([key, value]) => {
    const next = order?.indexOf(key) ?? rank;
    const isNext = next >= rank;
    rank = next;
    if (!isNext || value === null) return isNext;
    if (typeof value === 'string') return canonicalText(prefix + key, value, known) === value;
    if (!Array.isArray(value)) return prefix === '' && isCanonical(value, `${key}.`, known);
    const canonical = canonicalList(prefix + key, value, known);
    return canonical === null || (canonical.length === value.length && canonical.every((item, i) => item === value[i]));
  });
}

/** Returns a list in its one order and spelling, or null where the order of the list is its writer's. */
export function canonicalList(path: string, items: readonly string[], transport: string): readonly string[] | null {
  if (path === 'port') return portTexts(items, transport);
  if (!['hosts', 'sources', 'data', 'process.sha256'].includes(path)) return null;
  return [...new Set(items.map((item) => canonicalText(path, item, transport)))].sort(compareText);
}

function portTexts(items: readonly string[], transport: string): string[] | null {
  const known = TRANSPORTS.find((name) => name === transport);
  const { ranges, problems } = parsePorts(items, known);
  if (problems.length > 0) return null;
  return ranges.map(({ from, to }) => (from === to ? `${from}` : `${from}-${to}`));
}

function readOr(read: Read<string>, text: string): string {
  return 'value' in read ? read.value : text;
}

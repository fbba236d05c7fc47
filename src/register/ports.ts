import type { Transport } from '../model/endpoint.ts';
import type { PortRange } from '../model/observation.ts';
import { cut, type Read } from './times.ts';

const PORT = /^\d{1,10}$/;
const RANGE = /^(\d{1,10})\s*-\s*(\d{1,10})$/;

/** Reads `5432` or `6000-6010`. For `raw` the number is an IP protocol, 0 to 255; else a port, 1 to 65535. */
export function readPortRange(text: string, transport: Transport): Read<PortRange> {
  const [least, most] = transport === 'raw' ? [0, 255] : [1, 65535];
  const what = transport === 'raw' ? 'an IP protocol number' : 'a port';
  const written = text.trim();
  const m = RANGE.exec(written);
  if (!m && !PORT.test(written)) {
    if (/^[\d\s,-]+$/.test(written) && written.includes(','))
      return { code: 'bad-port', message: `"${cut(text)}" is one text`, hint: `write a list: [${cut(written)}]` };
    const read = `expected ${what} (${least} to ${most}) or a range such as "6000-6010", not "${cut(text)}"`;
    return { code: 'bad-port', message: read };
  }
  const from = Number(m?.[1] ?? written);
  const to = Number(m?.[2] ?? written);
  for (const n of [from, to])
    if (n < least || n > most) return { code: 'bad-port', message: `${n} is not ${what}: expected ${least} to ${most}` };
  if (from > to)
    return { code: 'reversed-range', message: `the range ${from}-${to} is reversed`, hint: `did you mean "${to}-${from}"?` };
  return { value: { from, to } };
}

/** Sorts ranges and joins those that overlap or touch: the one canonical form of a set of ports. */
export function mergeRanges(ranges: readonly PortRange[]): PortRange[] {
  const merged: PortRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.from - b.from || a.to - b.to)) {
    const last = merged.at(-1);
    if (last && range.from <= last.to + 1) merged[merged.length - 1] = { from: last.from, to: Math.max(last.to, range.to) };
    else merged.push({ from: range.from, to: range.to });
  }
  return merged;
}

/** `5432` or `6000-6010`, as a register writes it. */
export function writePortRange(range: PortRange): string {
  return range.from === range.to ? String(range.from) : `${range.from}-${range.to}`;
}

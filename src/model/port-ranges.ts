import type { Transport } from './endpoint.ts';
import type { PortRange } from './observation.ts';

/** Something that is no port. `item` names it as it was given, quoted; the message says what was expected. */
export interface PortProblem {
  readonly item: string;
  readonly message: string;
}

/** The ports that could be read, sorted and merged, and what could not. */
export interface ParsedPorts {
  readonly ranges: readonly PortRange[];
  readonly problems: readonly PortProblem[];
}

const RANGE = /^\s*(0|[1-9]\d*)\s*(?:-\s*(0|[1-9]\d*)\s*)?$/;

/** Names a value that is neither number nor text; it may be deep or cyclic, so its content is not shown. */
function nameOfKind(item: unknown): string {
  if (item === null || item === undefined) return 'nothing';
  return Array.isArray(item) ? 'a list inside the list' : typeof item === 'object' ? 'a map' : `"${String(item)}"`;
}

function readItem(item: unknown, least: number, most: number): PortRange | PortProblem {
  const text = typeof item === 'string' || typeof item === 'number' ? String(item) : null;
  const shown = text === null ? nameOfKind(item) : `"${text.length > 40 ? `${text.slice(0, 40)}…` : text}"`;
  const problem = (why: string): PortProblem => ({ item: shown, message: `${shown} ${why}` });
  const found = text === null ? null : RANGE.exec(text);
  if (found === null)
    return problem(`is not a port; expected a number from ${least} to ${most}, a range such as "6000-6010", or a list`);
  const from = Number(found[1]);
  const to = found[2] === undefined ? from : Number(found[2]);
  for (const port of [from, to])
    if (port < least || port > most)
      return problem(`is outside the ports there are; expected a number from ${least} to ${most}`);
  if (from > to) return problem(`is a reversed range; did you mean "${to}-${from}"`);
  return { from, to };
}

/**
 * Reads what a register says of ports: a number, a text such as `443`, `6000-6010` or `80, 443`, or a list of these.
 * Ports are 1 to 65535 (RFC 6335: 0 is reserved); for `raw` they are IP protocol numbers, 0 to 255. Never throws.
 */
export function parsePorts(value: unknown, transport: Transport = 'tcp'): ParsedPorts {
  const items: unknown[] = (Array.isArray(value) ? value : [value]).flatMap((item: unknown) =>
    typeof item === 'string' ? item.split(',') : [item],
  );
  const ranges: PortRange[] = [];
  const problems: PortProblem[] = [];
  if (items.length === 0) problems.push({ item: '[]', message: 'the list of ports is empty; expected at least one' });
  for (const item of items) {
    const read = transport === 'raw' ? readItem(item, 0, 255) : readItem(item, 1, 65535);
    if ('message' in read) problems.push(read);
    else ranges.push(read);
  }
  return { ranges: mergePorts(ranges), problems };
}

/** Returns the same ports as the fewest ranges, ascending; neighbours are joined. */
export function mergePorts(ranges: readonly PortRange[]): readonly PortRange[] {
  const merged: PortRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last && range.from <= last.to + 1) {
      if (range.to > last.to) merged[merged.length - 1] = { from: last.from, to: range.to };
    } else merged.push({ from: range.from, to: range.to });
  }
  return merged;
}

/** `443`, `6000-6010`, `80, 443`. Empty text for no ports. */
export function formatPorts(ranges: readonly PortRange[]): string {
  return ranges.map((r) => (r.from === r.to ? `${r.from}` : `${r.from}-${r.to}`)).join(', ');
}

/** Returns the ports in both; each side sorted and merged, and so is the result. */
export function intersectPorts(a: readonly PortRange[], b: readonly PortRange[]): readonly PortRange[] {
  const common: PortRange[] = [];
  let i = 0;
  let j = 0;
  for (let x = a[0], y = b[0]; x && y; x = a[i], y = b[j]) {
    const from = Math.max(x.from, y.from);
    const to = Math.min(x.to, y.to);
    if (from <= to) common.push({ from, to });
    if (x.to < y.to) i++;
    else j++;
  }
  return common;
}

/** Says whether two sorted lists have a port in common. */
export function portsOverlap(a: readonly PortRange[], b: readonly PortRange[]): boolean {
  return intersectPorts(a, b).length > 0;
}

/** Says whether every port of `inner` is in `outer`; both sorted and merged. */
export function portsContain(outer: readonly PortRange[], inner: readonly PortRange[]): boolean {
  return inner.every((i) => outer.some((o) => o.from <= i.from && i.to <= o.to));
}

import type { Transport } from '../model/endpoint.ts';
import type { PortRange } from '../model/observation.ts';
import { mergePorts } from '../model/port-ranges.ts';

const TRANSPORTS: ReadonlySet<string> = new Set(['tcp', 'udp', 'sctp']);

/** The transport that a scanner names; null for any other. */
export function transportOf(protocol: string): Transport | null {
  return TRANSPORTS.has(protocol) ? (protocol as Transport) : null;
}

/** A port from 0 to 65535 in decimal digits; null for any other text. */
export function portOf(text: string): number | null {
  return /^\d{1,5}$/.test(text) && Number(text) <= 65_535 ? Number(text) : null;
}

/** Reads `1-21,23` into sorted and merged ranges, null where it is none. Hosts of a scan repeat the same text. */
export function rangesCache(): (text: string) => readonly PortRange[] | null {
  const known = new Map<string, readonly PortRange[] | null>();
  return (text) => {
    let ranges = known.get(text);
    if (ranges === undefined) {
      ranges = parseRanges(text);
      if (known.size >= 64) known.clear();
      known.set(text, ranges);
    }
    return ranges;
  };
}

function parseRanges(text: string): readonly PortRange[] | null {
  if (text === '') return [];
  const ranges: PortRange[] = [];
  for (const part of text.split(',')) {
    const [first = '', last = first, ...more] = part.split('-');
    const [from, to] = [portOf(first), portOf(last)];
    if (from === null || to === null || from > to || more.length > 0) return null;
    ranges.push({ from, to });
  }
  return mergePorts(ranges);
}

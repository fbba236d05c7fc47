import { ACTION, DIRECTION } from '../model/flow.ts';
import { createAddressIds } from './address-ids.ts';
import type { FlowRecord, FlowSink } from './flow-format.ts';

/** A sink that keeps what it is given, for tests. */
export interface KeptFlows {
  readonly sink: FlowSink;
  readonly records: FlowRecord[];
  /** `10.0.0.1:40000 > 10.0.0.2:443/6`, action, direction, connections, packets, bytes. */
  readonly lines: string[];
  readonly problems: string[];
  readonly skipped: string[];
  readonly coverage: string[];
}

const nameOf = (codes: Readonly<Record<string, number>>, code: number) =>
  Object.keys(codes).find((name) => codes[name] === code) ?? '?';

export function keepFlows(): KeptFlows {
  const ids = createAddressIds();
  const words = new Uint32Array(4);
  const text = (address: number): string => {
    ids.words(address, words, 0);
    const [low = 0] = words;
    if (address < 2 ** 32) return [24, 16, 8, 0].map((shift) => (low >>> shift) & 255).join('.');
    return [...words]
      .reverse()
      .flatMap((word) => [word >>> 16, word & 0xffff])
      .map((group) => group.toString(16))
      .join(':');
  };
  const record: FlowRecord = {
    ...{ start: 0, end: 0, src: 0, dst: 0, srcPort: -1, dstPort: -1, protocol: 0 },
    ...{ action: 0, direction: 0, connections: 1, packets: 0, bytes: 0 },
  };
  const kept = {
    records: [] as FlowRecord[],
    lines: [] as string[],
    problems: [] as string[],
    skipped: [] as string[],
    coverage: [] as string[],
  };
  let feed = '';
  const sink: FlowSink = {
    record,
    ids,
    add() {
      kept.records.push({ ...record });
      const { src, dst, srcPort, dstPort, protocol, action, direction, connections, packets, bytes } = record;
      kept.lines.push(
        `${feed} ${text(src)}:${srcPort} > ${text(dst)}:${dstPort}/${protocol} ${nameOf(ACTION, action)} ${nameOf(DIRECTION, direction)} ${connections} ${packets} ${bytes}`,
      );
    },
    problem: (message) => void kept.problems.push(message),
    skip: (what) => void kept.skipped.push(what),
    coverage: (name, from, until, kind, lost) => void kept.coverage.push(`${name} ${from}-${until} ${kind} ${lost}`),
    feed(name) {
      feed = name;
      return 0;
    },
  };
  return { sink, ...kept };
}

/** Bytes of a datagram from hexadecimal digits and remarks: what is behind `;` on a line is one. */
export function datagram(text: string): Uint8Array {
  const digits = text.replace(/;.*$/gm, '').replace(/\s+/g, '');
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Numbers as bytes in network order: [value, length] in turn. */
export function packed(...fields: readonly (readonly [value: number, length: number])[]): number[] {
  return fields.flatMap(([value, length]) =>
    Array.from({ length }, (_, i) => Math.floor(value / 256 ** (length - 1 - i)) % 256),
  );
}

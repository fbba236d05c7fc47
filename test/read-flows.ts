import assert from 'node:assert/strict';
import { createAddressIds } from '../src/flows/address-ids.ts';
import type { FlowFormat, FlowFormatOptions, FlowRecord } from '../src/flows/flow-format.ts';
import { ACTION, DIRECTION } from '../src/model/flow.ts';

/** 2026-11-22T12:00:00Z. */
export const REFERENCE = Date.UTC(2026, 10, 22, 12);

/** A record in words: `09:43:03 tcp 10.0.0.1:4000 > 10.0.0.2:80 accepted 1c 2p 3b`; `?` for `>`: direction unknown. */
interface ReadFlows {
  readonly records: string[];
  readonly starts: number[];
  readonly ends: number[];
  readonly problems: { message: string; line: number; column: number }[];
  /** How often each was passed over. */
  readonly skipped: Record<string, number>;
  readonly coverage: string[];
  readonly feeds: string[];
  /** Lines that the parser says it read. */
  readonly lines: number;
}

function ipv4Text(value: number): string {
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

function ipv6Text(words: Uint32Array): string {
  const groups: string[] = [];
  for (const w of [3, 2, 1, 0]) {
    const word = words[w] as number;
    groups.push((word >>> 16).toString(16), (word & 0xffff).toString(16));
  }
  return `[${groups.join(':').replace(/(?:^|:)0(?::0)+(?:$|:)/, '::')}]`;
}

export function flowOptions(options: Partial<FlowFormatOptions> = {}): FlowFormatOptions {
  return { reference: REFERENCE, utcOffsetMinutes: 0, mapping: new Map(), prefixes: new Map(), ...options };
}

/** Reads bytes with a format as an import does: in pieces of whole lines, `piece` bytes and more. */
export function readFlows(
  format: FlowFormat,
  input: string | Uint8Array,
  options: Partial<FlowFormatOptions> = {},
  piece = Number.POSITIVE_INFINITY,
): ReadFlows {
  const bytes = typeof input === 'string' ? new TextEncoder().encode(input) : input;
  const ids = createAddressIds();
  const record: FlowRecord = {
    start: 0,
    end: 0,
    src: 0,
    dst: 0,
    srcPort: -1,
    dstPort: -1,
    protocol: 0,
    action: 0,
    direction: 0,
    connections: 0,
    packets: 0,
    bytes: 0,
  };
  const found = {
    records: [] as string[],
    starts: [] as number[],
    ends: [] as number[],
    problems: [] as ReadFlows['problems'],
    skipped: {} as Record<string, number>,
    coverage: [] as string[],
    feeds: [] as string[],
    lines: 0,
  };
  const address = (value: number) => {
    if (value < 2 ** 32) return ipv4Text(value);
    const words = new Uint32Array(4);
    ids.words(value, words, 0);
    return ipv6Text(words);
  };
  const end = (value: number, port: number) => address(value) + (port < 0 ? '' : `:${port}`);
  const names = { 1: 'icmp', 6: 'tcp', 17: 'udp', 58: 'icmp6', 132: 'sctp' } as Record<number, string>;
  const parser = format.open(
    {
      record,
      ids,
      add() {
        const { start, src, srcPort, dst, dstPort, protocol, action, direction } = record;
        assert.ok(Number.isFinite(start) && start >= 0 && record.end >= start, `times ${start} ${record.end}`);
        for (const n of [record.connections, record.packets, record.bytes])
          assert.ok(Number.isSafeInteger(n) && n >= 0, `a count is ${n}`);
        for (const port of [srcPort, dstPort]) assert.ok(Number.isInteger(port) && port >= -1 && port <= 65_535);
        assert.ok(Number.isInteger(protocol) && protocol >= 0 && protocol <= 255);
        const time = new Date(Math.floor(start) * 1000).toISOString().slice(11, 19);
        const arrow = direction === DIRECTION.forward ? '>' : direction === DIRECTION.reply ? '<' : '?';
        const word = Object.entries(ACTION).find(([, code]) => code === action)?.[0];
        found.starts.push(start);
        found.ends.push(record.end);
        found.records.push(
          `${time} ${names[protocol] ?? protocol} ${end(src, srcPort)} ${arrow} ${end(dst, dstPort)} ${word} ${record.connections}c ${record.packets}p ${record.bytes}b`,
        );
      },
      problem(message, line, column) {
        assert.ok(Number.isInteger(line) && line >= 0 && Number.isInteger(column) && column >= 0);
        found.problems.push({ message, line, column });
      },
      skip(what) {
        found.skipped[what] = (found.skipped[what] ?? 0) + 1;
      },
      coverage(feed, from, until, kind, lost) {
        assert.ok(until >= from);
        found.coverage.push(`${feed} ${from}-${until} ${kind} ${lost}`);
      },
      feed(name) {
        if (found.feeds.at(-1) !== name) found.feeds.push(name);
      },
    },
    flowOptions(options),
  );
  let at = 0;
  while (at < bytes.length) {
    let to = Math.min(bytes.length, at + piece);
    while (to < bytes.length && bytes[to - 1] !== 10) to++;
    // The bytes of another piece are behind this one's in the buffer: a parser must not look at them.
    const buffer = new Uint8Array(to - at + 32).fill(0x39);
    buffer.set(bytes.subarray(at, to), 16);
    found.lines += parser.lines(buffer, 16, 16 + to - at, found.lines + 1);
    at = to;
  }
  parser.end();
  return found;
}

/** Lines of an input: as many as there are line feeds, and one more if it does not end with one. */
export function lineCount(bytes: Uint8Array): number {
  let lines = 0;
  for (const byte of bytes) if (byte === 10) lines++;
  return bytes.length > 0 && bytes.at(-1) !== 10 ? lines + 1 : lines;
}

/** Every line is a record, was passed over, or is a problem. */
export function accountedFor(found: ReadFlows): number {
  const passed = Object.values(found.skipped).reduce((sum, n) => sum + n, 0);
  return found.records.length + passed + found.problems.length;
}

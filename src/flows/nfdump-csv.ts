import { ACTION, DIRECTION, PROTOCOL } from '../model/flow.ts';
import type { FlowFormat, FlowFormatOptions, FlowParser, FlowSink } from './flow-format.ts';
import { isIcmp } from './icmp.ts';
import { protocolAt } from './protocols.ts';
import {
  addressAt,
  ascii,
  decimalAt,
  fieldEnd,
  lineEnd,
  quoteAt,
  rfc3339At,
  sameText,
  skipBlanks,
  startsWith,
  twoDigitsAt,
  uintAt,
  uintUpTo,
  withoutReturn,
} from './scan.ts';
import { createWordTable } from './word-table.ts';

const COMMA = 44;
const COLON = 58;
const SPACE = 32;

/** Columns that are read, with their names in releases up to 1.7.3 and after. */
const COLUMNS = [
  ['ts', 'firstSeen'],
  ['te', 'lastSeen'],
  ['td', 'duration'],
  ['sa', 'srcAddr'],
  ['da', 'dstAddr'],
  ['sp', 'srcPort'],
  ['dp', 'dstPort'],
  ['pr', 'proto'],
  ['flg', 'flags'],
  ['fwd', 'fwdStatus'],
  ['ipkt', 'packets', 'inPackets', 'pkt'],
  ['ibyt', 'bytes', 'inBytes', 'byt'],
  ['opkt', 'outPackets'],
  ['obyt', 'outBytes'],
  ['fl', 'flows'],
  ['ra', 'routerIP'],
] as const;
const START = 0;
const END = 1;
const DURATION = 2;
const SRC = 3;
const DST = 4;
const SRC_PORT = 5;
const DST_PORT = 6;
const PROTO = 7;
const FLAGS = 8;
const FORWARDING = 9;
const PACKETS = 10;
const BYTES = 11;
const OUT_PACKETS = 12;
const OUT_BYTES = 13;
const FLOWS = 14;
const ROUTER = 15;
const COUNTS = [PACKETS, BYTES, OUT_PACKETS, OUT_BYTES, FLOWS];
const NEEDED = [START, SRC, DST, SRC_PORT, DST_PORT, PROTO, PACKETS, BYTES];

const names = COLUMNS.flatMap((list, column) => list.map((name) => ({ name, column })));
const table = createWordTable(names.map(({ name }) => name));
const summary = ascii('Summary');
const noMatch = ascii('No match');
const noRouter = ascii('0.0.0.0');
/** Later than any time in seconds: from here on a number is in milliseconds (-o csv-fast). */
const MILLISECONDS = 1e11;

/** Which of COLUMNS each column of a header is, -1 for others; null: it is no header of nfdump. */
function readHeader(bytes: Uint8Array, from: number, to: number): Int8Array | null {
  const found: number[] = [];
  for (let at = from; at <= to && found.length < 200; ) {
    const end = fieldEnd(bytes, at, to, COMMA);
    const name = table.indexOf(bytes, at, end);
    found.push(name < 0 ? -1 : (names[name]?.column ?? -1));
    at = end + 1;
  }
  return found.includes(START) && found.filter((column) => column >= 0).length >= 4 ? Int8Array.from(found) : null;
}

/**
 * Rows of `nfdump -o csv`: one way of a flow each, as an exporter saw it. Who opened it a row seldom shows, for the flags are
 * those of all its packets: a SYN and no ACK is the client; a SYN ACK in one packet is the server; the rest is unknown.
 * Neither does it show what a filter made of it, unless the exporter gave a forwarding status (RFC 7270, 4.12).
 */
function open(sink: FlowSink, options: FlowFormatOptions): FlowParser {
  const { record, ids } = sink;
  let columns: Int8Array | null = null;
  let lacking = '';
  let isSummary = false;
  let router = new Uint8Array(0);
  const starts = new Int32Array(COLUMNS.length);
  const ends = new Int32Array(COLUMNS.length);

  function has(column: number): boolean {
    return (starts[column] as number) >= 0;
  }

  function fail(bytes: Uint8Array, from: number, line: number, column: number, expected: string): boolean {
    const at = starts[column] as number;
    const found = quoteAt(bytes, at, ends[column] as number);
    sink.problem(`expected ${expected} in ${COLUMNS[column]?.[0]}, found "${found}"`, line, at - from + 1);
    return false;
  }

  /** UTC seconds of a time in the exporter's zone, or of a number; NaN: it is none. */
  function time(bytes: Uint8Array, column: number): number {
    const from = starts[column] as number;
    const to = ends[column] as number;
    const number = decimalAt(bytes, from, to);
    if (number >= 0) return number >= MILLISECONDS ? number / 1000 : number;
    return rfc3339At(bytes, from, to, options.utcOffsetMinutes);
  }

  /** Seconds, or hours, minutes and seconds; -1: they are none. */
  function duration(bytes: Uint8Array): number {
    const from = starts[DURATION] as number;
    const to = ends[DURATION] as number;
    if (to - from > 8 && bytes[from + 2] === COLON && bytes[from + 5] === COLON) {
      const seconds = decimalAt(bytes, from + 6, to);
      const hours = twoDigitsAt(bytes, from);
      const minutes = twoDigitsAt(bytes, from + 3);
      return seconds < 0 || hours < 0 || minutes < 0 ? -1 : hours * 3600 + minutes * 60 + seconds;
    }
    return decimalAt(bytes, from, to);
  }

  function count(bytes: Uint8Array, column: number): number {
    return has(column) ? uintAt(bytes, starts[column] as number, ends[column] as number) : 0;
  }

  function one(bytes: Uint8Array, from: number, to: number, line: number): void {
    if (skipBlanks(bytes, from, to) === to) {
      sink.skip('empty lines');
      return;
    }
    if (startsWith(bytes, from, to, summary)) {
      isSummary = true;
      sink.skip('summaries');
      return;
    }
    const first = bytes[from] as number;
    const isText = !(first >= 48 && first <= 57) && first !== SPACE;
    const header = isText ? readHeader(bytes, from, to) : null;
    if (header !== null) {
      columns = header;
      lacking = NEEDED.filter((column) => !header.includes(column))
        .map((column) => COLUMNS[column]?.[0])
        .join(', ');
      isSummary = false;
      sink.skip('headers');
    } else if (isSummary || startsWith(bytes, from, to, noMatch)) sink.skip('summaries');
    else if (columns === null) sink.problem('expected the header line of nfdump -o csv', line, 1);
    else if (lacking !== '') sink.problem(`expected the columns ${lacking} in the header`, line, 1);
    else if (findFields(bytes, from, to, line, columns) && readRow(bytes, from, line)) {
      readRouter(bytes);
      sink.add();
    }
  }

  function findFields(bytes: Uint8Array, from: number, to: number, line: number, of: Int8Array): boolean {
    starts.fill(-1);
    let at = from;
    for (let n = 0; n < of.length; n++) {
      if (at > to) {
        sink.problem(`expected ${of.length} columns, found ${n}`, line, to - from + 1);
        return false;
      }
      let end = fieldEnd(bytes, at, to, COMMA);
      const next = end + 1;
      const column = of[n] as number;
      if (column >= 0) {
        at = skipBlanks(bytes, at, end);
        while (end > at && bytes[end - 1] === SPACE) end--;
        starts[column] = at;
        ends[column] = end;
      }
      at = next;
    }
    if (at > to) return true;
    sink.problem(`expected ${of.length} columns, found more`, line, at - from + 1);
    return false;
  }

  function readRow(bytes: Uint8Array, from: number, line: number): boolean {
    const start = time(bytes, START);
    if (!(start >= 0)) return fail(bytes, from, line, START, 'a time');
    let end = start;
    if (has(DURATION)) {
      const seconds = duration(bytes);
      if (seconds < 0) return fail(bytes, from, line, DURATION, 'seconds');
      end = start + seconds;
    } else if (has(END)) {
      end = time(bytes, END);
      if (!(end >= 0)) return fail(bytes, from, line, END, 'a time');
    }
    const src = addressAt(bytes, starts[SRC] as number, ends[SRC] as number, ids);
    if (src < 0) return fail(bytes, from, line, SRC, 'an address');
    const dst = addressAt(bytes, starts[DST] as number, ends[DST] as number, ids);
    if (dst < 0) return fail(bytes, from, line, DST, 'an address');
    const protocol = protocolAt(bytes, starts[PROTO] as number, ends[PROTO] as number);
    if (protocol < 0) return fail(bytes, from, line, PROTO, 'a protocol');
    if (protocol === 0) return fail(bytes, from, line, PROTO, 'a protocol (-A leaves out what it does not name)');
    if (dst === 0) return fail(bytes, from, line, DST, 'an address (-A leaves out what it does not name)');
    let srcPort = -1;
    let dstPort = -1;
    if (!isIcmp(protocol)) {
      srcPort = uintUpTo(bytes, starts[SRC_PORT] as number, ends[SRC_PORT] as number, 65_535);
      if (srcPort < 0) return fail(bytes, from, line, SRC_PORT, 'a port from 0 to 65535');
      dstPort = uintUpTo(bytes, starts[DST_PORT] as number, ends[DST_PORT] as number, 65_535);
      if (dstPort < 0) return fail(bytes, from, line, DST_PORT, 'a port from 0 to 65535');
    }
    for (const column of COUNTS)
      if (count(bytes, column) < 0) return fail(bytes, from, line, column, 'a whole number (nfdump -N)');
    const outPackets = count(bytes, OUT_PACKETS);
    record.packets = count(bytes, PACKETS) + outPackets;
    record.bytes = count(bytes, BYTES) + count(bytes, OUT_BYTES);
    if (!Number.isSafeInteger(record.packets)) return fail(bytes, from, line, PACKETS, 'a smaller number');
    if (!Number.isSafeInteger(record.bytes)) return fail(bytes, from, line, BYTES, 'a smaller number');
    record.start = start;
    record.end = Math.max(start, end);
    record.src = src;
    record.dst = dst;
    record.srcPort = srcPort;
    record.dstPort = dstPort;
    record.protocol = protocol;
    record.connections = has(FLOWS) ? count(bytes, FLOWS) : 1;
    record.direction = DIRECTION.unknown;
    // -b and -B put two ways together, the lower port as the server's: that decides nothing.
    if (protocol === PROTOCOL.tcp && outPackets === 0) readFlags(bytes);
    record.action = forwarding(bytes);
    return true;
  }

  function readFlags(bytes: Uint8Array): void {
    let isSyn = false;
    let isAck = false;
    let isReset = false;
    for (let i = starts[FLAGS] as number; i >= 0 && i < (ends[FLAGS] as number); i++) {
      const letter = bytes[i];
      if (letter === 83) isSyn = true;
      else if (letter === 65) isAck = true;
      else if (letter === 82) isReset = true;
    }
    if (!isSyn) return;
    if (!isAck) record.direction = DIRECTION.forward;
    else if (record.packets === 1 && !isReset) {
      record.direction = DIRECTION.reply;
      record.connections = 0;
    }
  }

  /** The two highest bits: forwarded, dropped, consumed by the device itself, or not known. */
  function forwarding(bytes: Uint8Array): number {
    const status = has(FORWARDING) ? uintUpTo(bytes, starts[FORWARDING] as number, ends[FORWARDING] as number, 255) : 0;
    if (status < 64) return ACTION.unknown;
    return status >= 128 && status < 192 ? ACTION.denied : ACTION.accepted;
  }

  function readRouter(bytes: Uint8Array): void {
    if (!has(ROUTER)) return;
    const from = starts[ROUTER] as number;
    const to = ends[ROUTER] as number;
    if (sameText(bytes, from, to, router)) return;
    router = bytes.slice(from, to);
    sink.feed(sameText(bytes, from, to, noRouter) ? 'nfdump' : `nfdump:${quoteAt(bytes, from, to)}`);
  }

  return {
    lines(bytes, from, to, number) {
      let read = 0;
      for (let at = from; at < to; read++) {
        const end = lineEnd(bytes, at, to);
        one(bytes, at, withoutReturn(bytes, at, end), number + read);
        at = end + 1;
      }
      return read;
    },
    end() {},
  };
}

/** The first line is a header with the columns that are needed. */
function detect(head: Uint8Array): boolean {
  const header = readHeader(head, 0, withoutReturn(head, 0, lineEnd(head, 0, head.length)));
  return header !== null && NEEDED.every((column) => header.includes(column));
}

export const nfdumpCsv: FlowFormat = {
  name: 'nfdump',
  title: 'nfdump -o csv',
  detect,
  open,
};

import { FIRST_IPV6_ID } from './address-ids.ts';
import type { FlowFormat, FlowParser, FlowSink } from './flow-format.ts';
import { ICMP, ICMPV6, isIcmp } from './icmp.ts';
import { protocolAt } from './protocols.ts';
import {
  addressAt,
  ascii,
  decimalAt,
  fieldEnd,
  hexAt,
  lineEnd,
  quoteAt,
  sameText,
  startsWith,
  uintAt,
  uintUpTo,
  withoutReturn,
} from './scan.ts';
import { createWordTable } from './word-table.ts';
import { readZeekOutcome, ZEEK_FIELDS } from './zeek-conn.ts';

const HASH = 35;
const TAB = 9;
const LF = 10;
const SPACE = 32;

const F = Object.fromEntries(ZEEK_FIELDS.map((name, n) => [name, n])) as Record<(typeof ZEEK_FIELDS)[number], number>;
const NEEDED = ['ts', 'id.orig_h', 'id.orig_p', 'id.resp_h', 'id.resp_p', 'proto'] as const;
const fields = createWordTable(ZEEK_FIELDS);

const separatorWord = ascii('#separator ');
const UNSET = ascii('-');
const unknownTransport = ascii('unknown_transport');
const conn = ascii('conn');
const headers = createWordTable([
  '#fields',
  '#path',
  '#unset_field',
  '#set_separator',
  '#empty_field',
  '#open',
  '#close',
  '#types',
]);
const HEADER = { fields: 0, path: 1, unset: 2 } as const;

function open(sink: FlowSink): FlowParser {
  const { record, ids } = sink;
  let separator = TAB;
  let unset = UNSET;
  /** What is asked of each column, -1 for nothing; null: no #fields line was read. */
  let columns: Int8Array | null = null;
  /** Columns that are not there and without which nothing can be read. */
  let lacking = '';
  let otherLog = '';
  const starts = new Int32Array(ZEEK_FIELDS.length);
  const ends = new Int32Array(ZEEK_FIELDS.length);

  /** Says whether a field of this line has a value. */
  function isSet(bytes: Uint8Array, field: number): boolean {
    const from = starts[field] as number;
    return from >= 0 && !sameText(bytes, from, ends[field] as number, unset);
  }

  function header(bytes: Uint8Array, from: number, to: number): void {
    sink.skip('headers');
    if (startsWith(bytes, from, to, separatorWord)) {
      // Written as "\x09", or as the character itself.
      const at = from + separatorWord.length;
      const isEscape = to - at === 4 && bytes[at] === 92 && ((bytes[at + 1] as number) | 32) === 120;
      const byte = isEscape ? hexAt(bytes, at + 2, to) : to - at === 1 ? (bytes[at] as number) : -1;
      if (byte >= 0) separator = byte;
      // A new file begins: nothing that the last one said counts.
      columns = null;
      lacking = '';
      otherLog = '';
      unset = UNSET;
      return;
    }
    const wordEnd = fieldEnd(bytes, from, to, separator);
    const word = headers.indexOf(bytes, from, wordEnd);
    if (word === HEADER.fields) readFields(bytes, wordEnd + 1, to);
    else if (word === HEADER.unset) unset = bytes.slice(Math.min(wordEnd + 1, to), to);
    else if (word === HEADER.path)
      otherLog = sameText(bytes, wordEnd + 1, to, conn) ? '' : quoteAt(bytes, Math.min(wordEnd + 1, to), to);
  }

  function readFields(bytes: Uint8Array, from: number, to: number): void {
    const found: number[] = [];
    for (let at = from; at <= to; ) {
      const end = fieldEnd(bytes, at, to, separator);
      found.push(fields.indexOf(bytes, at, end));
      at = end + 1;
    }
    columns = Int8Array.from(found);
    starts.fill(-1); // of the fields that no column has; the others are found in every row
    lacking = NEEDED.filter((name) => !found.includes(F[name])).join(', ');
  }

  function one(bytes: Uint8Array, from: number, to: number, line: number): void {
    if (from === to) {
      sink.skip('empty lines');
      return;
    }
    if (bytes[from] === HASH) {
      header(bytes, from, to);
      return;
    }
    if (otherLog !== '') {
      sink.skip(`records of ${otherLog}.log`);
      return;
    }
    if (columns === null) {
      sink.problem('expected a #fields line before the first record (a file that was cut?)', line, 1);
      return;
    }
    if (lacking !== '') {
      sink.problem(`expected the columns ${lacking} in #fields`, line, 1);
      return;
    }
    if (!findFields(bytes, from, to, line, columns)) return;
    readRecord(bytes, from, line);
  }

  /**
   * Where the fields of the row that begins at `from` are, and its end, in one go; -1: it has fewer or more columns than it
   * should have, which findFields() tells.
   */
  function findRow(bytes: Uint8Array, from: number, to: number, of: Int8Array): number {
    const last = of.length - 1;
    const split = separator;
    let at = from;
    for (let column = 0; column < last; column++) {
      let i = at;
      while (i < to && bytes[i] !== split && bytes[i] !== LF) i++;
      if (i === to || bytes[i] === LF) return -1;
      const field = of[column] as number;
      if (field >= 0) {
        starts[field] = at;
        ends[field] = i;
      }
      at = i + 1;
    }
    let i = at;
    while (i < to && bytes[i] !== split && bytes[i] !== LF) i++;
    if (i < to && bytes[i] !== LF) return -1;
    const field = of[last] as number;
    if (field >= 0) {
      starts[field] = at;
      ends[field] = withoutReturn(bytes, at, i);
    }
    return i;
  }

  /** Where the fields of a row are that are asked for. */
  function findFields(bytes: Uint8Array, from: number, to: number, line: number, of: Int8Array): boolean {
    const count = of.length;
    const split = separator;
    let at = from;
    let column = 0;
    for (let i = from; i <= to; i++) {
      if (i < to && bytes[i] !== split) continue;
      const field = column < count ? (of[column] as number) : -1;
      if (field >= 0) {
        starts[field] = at;
        ends[field] = i;
      }
      at = i + 1;
      column++;
      if (column === count) break;
    }
    if (column < count) {
      sink.problem(`expected ${count} columns, found ${column}`, line, to - from + 1);
      return false;
    }
    if (at <= to) {
      sink.problem(`expected ${count} columns, found more`, line, at - from + 1);
      return false;
    }
    return true;
  }

  function fail(bytes: Uint8Array, from: number, line: number, field: number, expected: string): void {
    const at = starts[field] as number;
    const found = quoteAt(bytes, at, ends[field] as number);
    sink.problem(`expected ${expected} in ${ZEEK_FIELDS[field]}, found "${found}"`, line, at - from + 1);
  }

  function readRecord(bytes: Uint8Array, from: number, line: number): void {
    const start = decimalAt(bytes, starts[F.ts] as number, ends[F.ts] as number);
    if (start < 0) {
      fail(bytes, from, line, F.ts, 'seconds since 1970');
      return;
    }
    const src = addressAt(bytes, starts[F['id.orig_h']] as number, ends[F['id.orig_h']] as number, ids);
    if (src < 0) {
      fail(bytes, from, line, F['id.orig_h'], 'an address');
      return;
    }
    const dst = addressAt(bytes, starts[F['id.resp_h']] as number, ends[F['id.resp_h']] as number, ids);
    if (dst < 0) {
      fail(bytes, from, line, F['id.resp_h'], 'an address');
      return;
    }
    let protocol = protocolAt(bytes, starts[F.proto] as number, ends[F.proto] as number);
    if (protocol === ICMP && dst >= FIRST_IPV6_ID) protocol = ICMPV6; // Zeek calls both of them icmp
    if (protocol < 0 && isSet(bytes, F.ip_proto))
      protocol = uintUpTo(bytes, starts[F.ip_proto] as number, ends[F.ip_proto] as number, 255);
    if (protocol < 0) {
      if (sameText(bytes, starts[F.proto] as number, ends[F.proto] as number, unknownTransport))
        sink.skip('records of a protocol that Zeek does not name');
      else fail(bytes, from, line, F.proto, 'a protocol');
      return;
    }
    let srcPort = -1;
    let dstPort = -1;
    if (!isIcmp(protocol)) {
      srcPort = uintUpTo(bytes, starts[F['id.orig_p']] as number, ends[F['id.orig_p']] as number, 65_535);
      dstPort = uintUpTo(bytes, starts[F['id.resp_p']] as number, ends[F['id.resp_p']] as number, 65_535);
      if (srcPort < 0 || dstPort < 0) {
        fail(bytes, from, line, srcPort < 0 ? F['id.orig_p'] : F['id.resp_p'], 'a port from 0 to 65535');
        return;
      }
    }
    let duration = 0;
    if (isSet(bytes, F.duration)) {
      duration = decimalAt(bytes, starts[F.duration] as number, ends[F.duration] as number);
      if (duration < 0) {
        fail(bytes, from, line, F.duration, 'seconds');
        return;
      }
    }
    // Bytes with their IP headers, as other sources count them; else those of the payload.
    const isWithHeaders = isSet(bytes, F.orig_ip_bytes) || isSet(bytes, F.resp_ip_bytes);
    const octets = sum(
      bytes,
      from,
      line,
      isWithHeaders ? F.orig_ip_bytes : F.orig_bytes,
      isWithHeaders ? F.resp_ip_bytes : F.resp_bytes,
    );
    if (octets < 0) return;
    const packets = sum(bytes, from, line, F.orig_pkts, F.resp_pkts);
    if (packets < 0) return;

    record.start = start;
    record.end = start + duration;
    record.src = src;
    record.dst = dst;
    record.srcPort = srcPort;
    record.dstPort = dstPort;
    record.protocol = protocol;
    record.connections = 1;
    record.packets = packets;
    record.bytes = octets;
    readZeekOutcome(
      record,
      bytes,
      starts[F.conn_state] as number,
      (starts[F.conn_state] as number) < 0 ? -1 : (ends[F.conn_state] as number),
      starts[F.history] as number,
      (starts[F.history] as number) < 0 ? -1 : (ends[F.history] as number),
    );
    sink.add();
  }

  /** The sum of two counts, those that are not set as nothing; -1: one is no count, which was said. */
  function sum(bytes: Uint8Array, from: number, line: number, a: number, b: number): number {
    let total = 0;
    for (let turn = 0; turn < 2; turn++) {
      const field = turn === 0 ? a : b;
      if (!isSet(bytes, field)) continue;
      const count = uintAt(bytes, starts[field] as number, ends[field] as number);
      if (count < 0 || !Number.isSafeInteger(total + count)) {
        fail(bytes, from, line, field, 'a whole number');
        return -1;
      }
      total += count;
    }
    return total;
  }

  return {
    lines(bytes, from, to, number) {
      let read = 0;
      for (let at = from; at < to; read++) {
        if (columns !== null && lacking === '' && otherLog === '' && bytes[at] !== HASH && bytes[at] !== LF) {
          const end = findRow(bytes, at, to, columns);
          if (end >= 0) {
            readRecord(bytes, at, number + read);
            at = end + 1;
            continue;
          }
        }
        const end = lineEnd(bytes, at, to);
        one(bytes, at, withoutReturn(bytes, at, end), number + read);
        at = end + 1;
      }
      return read;
    },
    end() {},
  };
}

/** The headers name the log, or its columns do. */
function detect(head: Uint8Array): boolean {
  let hasPath = false;
  let isConn = false;
  let hasColumns = false;
  let separator = TAB;
  for (let at = 0, n = 0; at < head.length && n < 20; n++) {
    const end = lineEnd(head, at, head.length);
    const to = withoutReturn(head, at, end);
    if (head[at] !== HASH) break;
    if (startsWith(head, at, to, separatorWord)) {
      const byte = hexAt(head, at + separatorWord.length + 2, to);
      if (byte >= 0) separator = byte;
    }
    const wordEnd = Math.min(fieldEnd(head, at, to, separator), fieldEnd(head, at, to, SPACE));
    const word = headers.indexOf(head, at, wordEnd);
    if (word === HEADER.path) {
      hasPath = true;
      isConn = sameText(head, wordEnd + 1, to, conn);
    }
    if (word === HEADER.fields) {
      let needed = 0;
      for (let from = wordEnd + 1; from <= to; ) {
        const fieldTo = fieldEnd(head, from, to, separator);
        const field = fields.indexOf(head, from, fieldTo);
        if (field >= 0 && (NEEDED as readonly string[]).includes(ZEEK_FIELDS[field] as string)) needed++;
        from = fieldTo + 1;
      }
      hasColumns = needed === NEEDED.length;
    }
    at = end + 1;
  }
  return hasPath ? isConn : hasColumns;
}

export const zeekTsv: FlowFormat = {
  name: 'zeek',
  title: 'Zeek conn.log, tab-separated',
  detect,
  open,
};

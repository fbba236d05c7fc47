import { FIRST_IPV6_ID } from './address-ids.ts';
import type { FlowFormat, FlowParser, FlowSink } from './flow-format.ts';
import { ICMP, ICMPV6, isIcmp } from './icmp.ts';
import { createJsonReader, JSON_KIND } from './json-reader.ts';
import { protocolAt } from './protocols.ts';
import { addressAt, ascii, eachLongLine, longLineEnd, quoteAt, rfc3339At, sameText, skipBlanks } from './scan.ts';
import { readZeekOutcome, ZEEK_FIELDS } from './zeek-conn.ts';

/** Later than any time in seconds: a number from here on is in milliseconds (json_timestamps = JSON::TS_MILLIS). */
const MILLISECONDS = 1e11;

const FIELDS = [...ZEEK_FIELDS, '_path'] as const;
const F = Object.fromEntries(FIELDS.map((name, n) => [name, n])) as Record<(typeof FIELDS)[number], number>;
const conn = ascii('conn');
const unknownTransport = ascii('unknown_transport');

function open(sink: FlowSink): FlowParser {
  const { record, ids } = sink;
  const json = createJsonReader(FIELDS);

  function fail(field: number, expected: string, from: number, to: number, line: number): void {
    const name = FIELDS[field] as string;
    if (json.kind[field] === JSON_KIND.missing) {
      sink.problem(`expected ${expected} in ${name}, which is missing`, line, to - from + 1);
      return;
    }
    const found = quoteAt(json.source, json.from[field] as number, json.to[field] as number);
    sink.problem(`expected ${expected} in ${name}, found "${found}"`, line, (json.place[field] as number) - from + 1);
  }

  /** The sum of two counts, those that are missing as nothing; -1: one is no count, which was said. */
  function sum(a: number, b: number, from: number, to: number, line: number): number {
    let total = 0;
    for (let turn = 0; turn < 2; turn++) {
      const field = turn === 0 ? a : b;
      const kind = json.kind[field];
      if (kind === JSON_KIND.missing || kind === JSON_KIND.null) continue;
      total += json.number(field);
      if (!Number.isSafeInteger(total) || total < 0) {
        fail(field, 'a whole number', from, to, line);
        return -1;
      }
    }
    return total;
  }

  /** UTC seconds; NaN: there is none. */
  function timeOf(field: number): number {
    if (json.kind[field] === JSON_KIND.text)
      return rfc3339At(json.source, json.from[field] as number, json.to[field] as number);
    const number = json.number(field);
    return number >= MILLISECONDS ? number / 1000 : number;
  }

  function portOf(field: number): number {
    const port = json.number(field);
    return Number.isInteger(port) && port >= 0 && port <= 65_535 ? port : -1;
  }

  function addressOf(field: number): number {
    return json.kind[field] === JSON_KIND.text
      ? addressAt(json.source, json.from[field] as number, json.to[field] as number, ids)
      : -1;
  }

  function one(bytes: Uint8Array, from: number, to: number, line: number): void {
    if (skipBlanks(bytes, from, to) === to) {
      sink.skip('empty lines');
      return;
    }
    if (!json.read(bytes, from, to)) {
      const found = quoteAt(bytes, json.problemAt, to);
      sink.problem(`expected ${json.problem}, found "${found}"`, line, json.problemAt - from + 1);
      return;
    }
    const { kind, source, from: starts, to: ends } = json;
    if (kind[F._path] === JSON_KIND.text) {
      const [at, end] = [starts[F._path] as number, ends[F._path] as number];
      if (!sameText(source, at, end, conn)) {
        sink.skip(`records of ${quoteAt(source, at, end)}.log`);
        return;
      }
    } else if (kind[F.conn_state] === JSON_KIND.missing) {
      sink.skip('records without conn_state (not of conn.log)');
      return;
    }
    const start = timeOf(F.ts);
    if (!(start >= 0)) {
      fail(F.ts, 'a time', from, to, line);
      return;
    }
    const src = addressOf(F['id.orig_h']);
    const dst = src < 0 ? -1 : addressOf(F['id.resp_h']);
    if (dst < 0) {
      fail(src < 0 ? F['id.orig_h'] : F['id.resp_h'], 'an address', from, to, line);
      return;
    }
    const isNamed = kind[F.proto] === JSON_KIND.text;
    let protocol = isNamed ? protocolAt(source, starts[F.proto] as number, ends[F.proto] as number) : -1;
    if (protocol === ICMP && dst >= FIRST_IPV6_ID) protocol = ICMPV6; // Zeek calls both of them icmp
    if (protocol < 0) {
      const number = json.number(F.ip_proto);
      if (Number.isInteger(number) && number >= 0 && number <= 255) protocol = number;
      else if (isNamed && sameText(source, starts[F.proto] as number, ends[F.proto] as number, unknownTransport)) {
        sink.skip('records of a protocol that Zeek does not name');
        return;
      } else {
        fail(F.proto, 'a protocol', from, to, line);
        return;
      }
    }
    let srcPort = -1;
    let dstPort = -1;
    if (!isIcmp(protocol)) {
      srcPort = portOf(F['id.orig_p']);
      dstPort = portOf(F['id.resp_p']);
      if (srcPort < 0 || dstPort < 0) {
        fail(srcPort < 0 ? F['id.orig_p'] : F['id.resp_p'], 'a port from 0 to 65535', from, to, line);
        return;
      }
    }
    let duration = 0;
    if (kind[F.duration] !== JSON_KIND.missing && kind[F.duration] !== JSON_KIND.null) {
      duration = json.number(F.duration);
      if (!(duration >= 0 && Number.isFinite(start + duration))) {
        fail(F.duration, 'seconds', from, to, line);
        return;
      }
    }
    // Bytes with their IP headers, as other sources count them; else those of the payload.
    const isWithHeaders = kind[F.orig_ip_bytes] !== JSON_KIND.missing || kind[F.resp_ip_bytes] !== JSON_KIND.missing;
    const octets = isWithHeaders
      ? sum(F.orig_ip_bytes, F.resp_ip_bytes, from, to, line)
      : sum(F.orig_bytes, F.resp_bytes, from, to, line);
    if (octets < 0) return;
    const packets = sum(F.orig_pkts, F.resp_pkts, from, to, line);
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
    const hasState = kind[F.conn_state] === JSON_KIND.text;
    const hasHistory = kind[F.history] === JSON_KIND.text;
    readZeekOutcome(
      record,
      source,
      hasState ? (starts[F.conn_state] as number) : -1,
      hasState ? (ends[F.conn_state] as number) : -1,
      hasHistory ? (starts[F.history] as number) : -1,
      hasHistory ? (ends[F.history] as number) : -1,
    );
    sink.add();
  }

  return {
    lines: (bytes, from, to, number) => eachLongLine(bytes, from, to, number, one),
    end() {},
  };
}

/** One of the first lines is a record with Zeek's own names of addresses, and a state of conn.log. */
function detect(head: Uint8Array): boolean {
  const json = createJsonReader(FIELDS);
  for (let at = 0, n = 0; at < head.length && n < 20; n++) {
    const end = longLineEnd(head, at, head.length);
    if (json.read(head, at, end) && [F['id.orig_h'], F['id.resp_h'], F.conn_state].every((f) => json.kind[f] !== 0))
      return true;
    at = end + 1;
  }
  return false;
}

export const zeekJson: FlowFormat = {
  name: 'zeek-json',
  title: 'Zeek conn.log, JSON lines',
  detect,
  open,
};

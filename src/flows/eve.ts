import { ACTION, DIRECTION, PROTOCOL } from '../model/flow.ts';
import type { FlowFormat, FlowFormatOptions, FlowParser, FlowSink } from './flow-format.ts';
import { isIcmp } from './icmp.ts';
import { createJsonReader, JSON_KIND, type JsonPath } from './json-reader.ts';
import { hasPorts, protocolAt } from './protocols.ts';
import { addressAt, ascii, eachLongLine, hexAt, longLineEnd, quoteAt, sameText, skipBlanks } from './scan.ts';
import { createTimeReader } from './time-reader.ts';
import { createWordTable } from './word-table.ts';

const PATHS = [
  'event_type',
  'src_ip',
  'src_port',
  'dest_ip',
  'dest_port',
  'proto',
  'host',
  ['flow', 'pkts_toserver'],
  ['flow', 'pkts_toclient'],
  ['flow', 'bytes_toserver'],
  ['flow', 'bytes_toclient'],
  ['flow', 'start'],
  ['flow', 'end'],
  ['flow', 'action'],
  ['netflow', 'pkts'],
  ['netflow', 'bytes'],
  ['netflow', 'start'],
  ['netflow', 'end'],
  ['tcp', 'tcp_flags'],
  ['tcp', 'tcp_flags_ts'],
  ['tcp', 'tcp_flags_tc'],
] as const satisfies readonly JsonPath[];
const NAMES = PATHS.map((path: JsonPath) => (typeof path === 'string' ? path : path.join('.')));
const at = (name: string) => {
  const n = NAMES.indexOf(name);
  if (n < 0) throw new RangeError(name);
  return n;
};
const EVENT = at('event_type');
const SRC = at('src_ip');
const SRC_PORT = at('src_port');
const DST = at('dest_ip');
const DST_PORT = at('dest_port');
const PROTO = at('proto');
const HOST = at('host');
const PACKETS_TO_SERVER = at('flow.pkts_toserver');
const PACKETS_TO_CLIENT = at('flow.pkts_toclient');
const BYTES_TO_SERVER = at('flow.bytes_toserver');
const BYTES_TO_CLIENT = at('flow.bytes_toclient');
const FLOW_START = at('flow.start');
const FLOW_END = at('flow.end');
const FLOW_ACTION = at('flow.action');
const NET_PACKETS = at('netflow.pkts');
const NET_BYTES = at('netflow.bytes');
const NET_START = at('netflow.start');
const NET_END = at('netflow.end');
const FLAGS = at('tcp.tcp_flags');
const FLAGS_TO_SERVER = at('tcp.tcp_flags_ts');
const FLAGS_TO_CLIENT = at('tcp.tcp_flags_tc');

/** Kinds of events, to be named where they are passed over. */
const KINDS = [
  'flow',
  'netflow',
  'alert',
  'anomaly',
  'dhcp',
  'dnp3',
  'dns',
  'drop',
  'fileinfo',
  'ftp',
  'ftp_data',
].concat(
  ['http', 'http2', 'ike', 'krb5', 'ldap', 'mdns', 'metadata', 'modbus', 'mqtt', 'nfs', 'packet', 'pgsql', 'quic'],
  ['rdp', 'rfb', 'sip', 'smb', 'smtp', 'snmp', 'ssh', 'stats', 'tftp', 'tls', 'arp', 'websocket', 'bittorrent_dht'],
);
const kinds = createWordTable(KINDS);
const FLOW = 0;
const NETFLOW = 1;
const SKIPPED = KINDS.map((kind) => `${kind} events`);

const drop = ascii('drop');
const SYN = 2;
const RST = 4;
const ACK = 16;

/**
 * Suricata's events of flows. In a flow event the source is the client, as Suricata saw it: of a TCP flow that it met in
 * the middle, that is whoever sent first, so there a SYN of the client or a SYN ACK of the server must have been seen.
 *
 * Denied: Suricata dropped the flow, or the server refused it with a reset. Accepted: the server answered.
 *
 * Netflow events are the two halves of what a flow event has in one. Where both kinds are written, those of the kind that
 * comes first count, and the other ones are passed over.
 */
function open(sink: FlowSink, options: FlowFormatOptions): FlowParser {
  const { record, ids } = sink;
  const json = createJsonReader(PATHS);
  const timeAt = createTimeReader(options.utcOffsetMinutes);
  let counted = -1;
  let host = new Uint8Array(0);

  function fail(n: number, expected: string, from: number, to: number, line: number): boolean {
    if (json.kind[n] === JSON_KIND.missing)
      sink.problem(`expected ${expected} in ${NAMES[n]}, which is missing`, line, to - from + 1);
    else {
      const found = quoteAt(json.source, json.from[n] as number, json.to[n] as number);
      sink.problem(`expected ${expected} in ${NAMES[n]}, found "${found}"`, line, (json.place[n] as number) - from + 1);
    }
    return false;
  }

  function count(n: number): number {
    const value = json.number(n);
    return Number.isSafeInteger(value) && value >= 0 ? value : -1;
  }

  function time(n: number): number {
    return json.kind[n] === JSON_KIND.text
      ? timeAt(json.source, json.from[n] as number, json.to[n] as number)
      : Number.NaN;
  }

  /** TCP flags, in hexadecimal; -1: they are not there. */
  function flags(n: number): number {
    return json.kind[n] === JSON_KIND.text ? hexAt(json.source, json.from[n] as number, json.to[n] as number) : -1;
  }

  function readEnds(from: number, to: number, line: number): boolean {
    const { kind, source, from: starts, to: ends } = json;
    record.src = kind[SRC] === JSON_KIND.text ? addressAt(source, starts[SRC] as number, ends[SRC] as number, ids) : -1;
    if (record.src < 0) return fail(SRC, 'an address', from, to, line);
    record.dst = kind[DST] === JSON_KIND.text ? addressAt(source, starts[DST] as number, ends[DST] as number, ids) : -1;
    if (record.dst < 0) return fail(DST, 'an address', from, to, line);
    record.protocol =
      kind[PROTO] === JSON_KIND.text ? protocolAt(source, starts[PROTO] as number, ends[PROTO] as number) : -1;
    if (record.protocol < 0) return fail(PROTO, 'a protocol', from, to, line);
    record.srcPort = -1;
    record.dstPort = -1;
    if (isIcmp(record.protocol) || (!hasPorts(record.protocol) && kind[SRC_PORT] === JSON_KIND.missing)) return true;
    record.srcPort = count(SRC_PORT);
    record.dstPort = count(DST_PORT);
    if (record.srcPort < 0 || record.srcPort > 65_535) return fail(SRC_PORT, 'a port from 0 to 65535', from, to, line);
    if (record.dstPort < 0 || record.dstPort > 65_535) return fail(DST_PORT, 'a port from 0 to 65535', from, to, line);
    return true;
  }

  function readTimes(first: number, last: number, from: number, to: number, line: number): boolean {
    record.start = time(first);
    if (!(record.start >= 0)) return fail(first, 'a time', from, to, line);
    const end = json.kind[last] === JSON_KIND.missing ? record.start : time(last);
    if (!(end >= 0)) return fail(last, 'a time', from, to, line);
    record.end = Math.max(end, record.start);
    return true;
  }

  function readFlow(from: number, to: number, line: number): boolean {
    const packetsToServer = count(PACKETS_TO_SERVER);
    const packetsToClient = count(PACKETS_TO_CLIENT);
    const bytesToServer = count(BYTES_TO_SERVER);
    const bytesToClient = count(BYTES_TO_CLIENT);
    if (packetsToServer < 0) return fail(PACKETS_TO_SERVER, 'a whole number', from, to, line);
    if (packetsToClient < 0) return fail(PACKETS_TO_CLIENT, 'a whole number', from, to, line);
    if (bytesToServer < 0) return fail(BYTES_TO_SERVER, 'a whole number', from, to, line);
    if (bytesToClient < 0) return fail(BYTES_TO_CLIENT, 'a whole number', from, to, line);
    if (!readTimes(FLOW_START, FLOW_END, from, to, line)) return false;
    record.packets = packetsToServer + packetsToClient;
    record.bytes = bytesToServer + bytesToClient;
    if (!Number.isSafeInteger(record.packets)) return fail(PACKETS_TO_SERVER, 'a smaller number', from, to, line);
    if (!Number.isSafeInteger(record.bytes)) return fail(BYTES_TO_SERVER, 'a smaller number', from, to, line);
    record.connections = 1;
    record.direction = DIRECTION.forward;
    record.action = packetsToServer > 0 && packetsToClient > 0 ? ACTION.accepted : ACTION.unknown;
    const ofClient = flags(FLAGS_TO_SERVER);
    const ofServer = flags(FLAGS_TO_CLIENT);
    if (record.protocol === PROTOCOL.tcp && ofClient >= 0 && ofServer >= 0) {
      const isOpened = (ofServer & SYN) !== 0;
      if (!isOpened && (ofClient & SYN) === 0) record.direction = DIRECTION.unknown;
      if (isOpened) record.action = ACTION.accepted;
      else record.action = (ofClient & SYN) !== 0 && (ofServer & RST) !== 0 ? ACTION.denied : ACTION.unknown;
    }
    const word = json.from[FLOW_ACTION] as number;
    if (json.kind[FLOW_ACTION] === JSON_KIND.text && sameText(json.source, word, json.to[FLOW_ACTION] as number, drop))
      record.action = ACTION.denied;
    return true;
  }

  function readNetflow(from: number, to: number, line: number): boolean {
    record.packets = count(NET_PACKETS);
    record.bytes = count(NET_BYTES);
    if (record.packets < 0) return fail(NET_PACKETS, 'a whole number', from, to, line);
    if (record.bytes < 0) return fail(NET_BYTES, 'a whole number', from, to, line);
    if (!readTimes(NET_START, NET_END, from, to, line)) return false;
    record.connections = 1;
    record.action = ACTION.unknown;
    record.direction = DIRECTION.unknown;
    // Flags of every packet of this half: with an ACK it may be either side, and only a SYN alone is surely the client.
    const seen = record.protocol === PROTOCOL.tcp ? flags(FLAGS) : -1;
    if (seen >= 0 && (seen & (SYN | ACK)) === SYN) record.direction = DIRECTION.forward;
    return true;
  }

  function readHost(): void {
    if (json.kind[HOST] !== JSON_KIND.text) return;
    const from = json.from[HOST] as number;
    const to = json.to[HOST] as number;
    if (sameText(json.source, from, to, host)) return;
    host = json.source.slice(from, to);
    sink.feed(`eve:${quoteAt(host, 0, host.length)}`);
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
    if (json.kind[EVENT] !== JSON_KIND.text) {
      fail(EVENT, 'a kind of event', from, to, line);
      return;
    }
    const kind = kinds.indexOf(json.source, json.from[EVENT] as number, json.to[EVENT] as number);
    if (kind !== FLOW && kind !== NETFLOW) {
      sink.skip(kind < 0 ? 'other events' : (SKIPPED[kind] as string));
      return;
    }
    if (counted < 0) counted = kind;
    if (kind !== counted) {
      sink.skip(kind === FLOW ? 'flow events, beside netflow events' : 'netflow events, beside flow events');
      return;
    }
    if (!readEnds(from, to, line)) return;
    if (!(kind === FLOW ? readFlow(from, to, line) : readNetflow(from, to, line))) return;
    readHost();
    sink.add();
  }

  return {
    lines: (bytes, from, to, number) => eachLongLine(bytes, from, to, number, one),
    end() {},
  };
}

/** One of the first lines is an event of a kind that Suricata writes, with its timestamp. */
function detect(head: Uint8Array): boolean {
  const json = createJsonReader(['event_type', 'timestamp']);
  for (let from = 0, n = 0; from < head.length && n < 20; n++) {
    const end = longLineEnd(head, from, head.length);
    if (
      json.read(head, from, end) &&
      json.kind[0] === JSON_KIND.text &&
      json.kind[1] === JSON_KIND.text &&
      kinds.indexOf(json.source, json.from[0] as number, json.to[0] as number) >= 0
    )
      return true;
    from = end + 1;
  }
  return false;
}

export const eve: FlowFormat = {
  name: 'eve',
  title: 'Suricata eve.json (flow and netflow events)',
  detect,
  open,
};

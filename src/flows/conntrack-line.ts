import type { AddressIds } from './flow-format.ts';
import { isIcmp } from './icmp.ts';
import { addressAt, decimalAt, fieldEnd, skipBlanks, uintAt, uintUpTo } from './scan.ts';
import { createWordTable } from './word-table.ts';

/** What a line of conntrack reports. `listing`: a connection that is in the table (`-L`). */
export const CONNTRACK_EVENT = { listing: 0, new: 1, update: 2, destroy: 3 } as const;

/** A line of conntrack. One object per run, filled again for each line. */
export interface ConntrackLine {
  /** CONNTRACK_EVENT. */
  event: number;
  /** UTC seconds of the event; NaN: the line says none (a listing, or `-E` without `-o timestamp`). */
  time: number;
  /** IANA protocol number. */
  protocol: number;
  /** Who opened the connection, as a number of a FlowRecord; its port, -1 for none. */
  client: number;
  clientPort: number;
  /** Whom it was meant for. */
  target: number;
  targetPort: number;
  /** Who answers: behind a destination NAT the real service, else the target. */
  service: number;
  servicePort: number;
  /** Both ways; 0 where accounting is off. */
  packets: number;
  bytes: number;
  /** Seconds that the connection has been there; -1: time stamping is off. */
  age: number;
  /** Number of the connection's tuple, zone and protocol: the same in each of its lines. 53 bits, never 0. */
  key: number;
  /** What was expected, and where (an index of `bytes`), after `unreadable`. */
  problem: string;
  problemAt: number;
}

export function emptyConntrackLine(): ConntrackLine {
  return {
    event: 0,
    time: Number.NaN,
    protocol: 0,
    client: 0,
    clientPort: -1,
    target: 0,
    targetPort: -1,
    service: 0,
    servicePort: -1,
    packets: 0,
    bytes: 0,
    age: -1,
    key: 0,
    problem: '',
    problemAt: 0,
  };
}

/** How a line was read. `expectation`: it announces a connection that a helper expects; there is none yet. */
export const CONNTRACK_READ = { connection: 0, expectation: 1, unreadable: 2 } as const;

const SPACE = 32;
const TAB = 9;
const OPEN = 91;
const CLOSE = 93;
const EQUALS = 61;
const DOT = 46;

const eventWords = createWordTable(['[NEW]', '[UPDATE]', '[DESTROY]']);
const EVENTS = [CONNTRACK_EVENT.new, CONNTRACK_EVENT.update, CONNTRACK_EVENT.destroy] as const;
const familyWords = createWordTable(['ipv4', 'ipv6']);
const keyWords = createWordTable([
  'src',
  'dst',
  'sport',
  'dport',
  'packets',
  'bytes',
  'delta-time',
  'zone',
  'id',
  'type',
  'code',
  'srckey',
  'dstkey',
  'mask-src',
  'master-src',
  'zone-orig',
  'zone-reply',
]);
const KEY = {
  src: 0,
  dst: 1,
  sport: 2,
  dport: 3,
  packets: 4,
  bytes: 5,
  deltaTime: 6,
  zone: 7,
  id: 8,
  type: 9,
  code: 10,
  srckey: 11,
  dstkey: 12,
  maskSrc: 13,
  masterSrc: 14,
  zoneOrig: 15,
  zoneReply: 16,
} as const;

/** Two hashes of 32 bits, of which the key of the line is made. */
let low = 0;
let high = 0;

function mix(bytes: Uint8Array, from: number, to: number): void {
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number;
    low = Math.imul(low ^ byte, 0x01000193);
    high = Math.imul(high ^ byte, 0x5bd1e995) ^ (high >>> 13);
  }
  low = Math.imul(low ^ 256, 0x01000193);
  high = Math.imul(high ^ 257, 0x5bd1e995) ^ (high >>> 15);
}

function tokenEnd(bytes: Uint8Array, from: number, to: number): number {
  let i = from;
  while (i < to && bytes[i] !== SPACE && bytes[i] !== TAB) i++;
  return i;
}

/**
 * Seconds and microseconds between the brackets. Not a decimal fraction: older releases write the microseconds as a
 * number, without leading zeros and filled up with spaces.
 */
function timeBetween(bytes: Uint8Array, from: number, to: number): number {
  const dot = fieldEnd(bytes, from, to, DOT);
  let end = to;
  while (end > dot && bytes[end - 1] === SPACE) end--;
  const seconds = uintAt(bytes, from, dot);
  if (seconds < 0) return Number.NaN;
  if (dot === to) return seconds;
  const micros = uintUpTo(bytes, dot + 1, end, 999_999);
  return micros < 0 ? Number.NaN : seconds + micros / 1e6;
}

function unreadable(out: ConntrackLine, problem: string, at: number): number {
  out.problem = problem;
  out.problemAt = at;
  return CONNTRACK_READ.unreadable;
}

/**
 * Reads a line (without its line end) of `conntrack -E` or `-L`, with or without `-o timestamp,extended,id`, or of
 * /proc/net/nf_conntrack. Returns one of CONNTRACK_READ. Makes no garbage.
 */
export function readConntrackLine(
  bytes: Uint8Array,
  from: number,
  to: number,
  ids: AddressIds,
  out: ConntrackLine,
): number {
  out.event = CONNTRACK_EVENT.listing;
  out.time = Number.NaN;
  out.clientPort = -1;
  out.targetPort = -1;
  out.servicePort = -1;
  out.packets = 0;
  out.bytes = 0;
  out.age = -1;
  out.problem = '';

  let at = skipBlanks(bytes, from, to);
  if (at < to && bytes[at] === OPEN && eventWords.indexOf(bytes, at, tokenEnd(bytes, at, to)) < 0) {
    const close = fieldEnd(bytes, at, to, CLOSE);
    if (close === to) return unreadable(out, 'a time between brackets', at);
    out.time = timeBetween(bytes, at + 1, close);
    if (Number.isNaN(out.time)) return unreadable(out, 'seconds since 1970 between brackets', at + 1);
    at = skipBlanks(bytes, close + 1, to);
  }
  let end = tokenEnd(bytes, at, to);
  const event = eventWords.indexOf(bytes, at, end);
  if (event >= 0) {
    out.event = EVENTS[event] as number;
    at = skipBlanks(bytes, end, to);
    end = tokenEnd(bytes, at, to);
  }
  if (familyWords.indexOf(bytes, at, end) >= 0) {
    at = skipBlanks(bytes, tokenEnd(bytes, skipBlanks(bytes, end, to), to), to);
    end = tokenEnd(bytes, at, to);
  }
  // A name ("tcp", "unknown"), then the number, which is what counts. An expectation begins with its timeout instead.
  const numberAt = skipBlanks(bytes, end, to);
  const numberEnd = tokenEnd(bytes, numberAt, to);
  const protocol = uintUpTo(bytes, numberAt, numberEnd, 255);
  if (protocol < 0) {
    return bytes.subarray(at, to).includes(EQUALS) && uintAt(bytes, at, end) >= 0
      ? CONNTRACK_READ.expectation
      : unreadable(out, 'the name and the number of a protocol', at);
  }
  out.protocol = protocol;
  low = 0x811c9dc5 ^ protocol;
  high = 0x9747b28c ^ protocol;

  let tuple = 0; // 1: the original one, 2: the reply
  let hasTarget = false;
  let hasReplySource = false;
  let isTupleOfIcmpIdentified = false;
  at = skipBlanks(bytes, numberEnd, to);
  while (at < to) {
    end = tokenEnd(bytes, at, to);
    const equals = fieldEnd(bytes, at, end, EQUALS);
    const key = equals === end ? -1 : keyWords.indexOf(bytes, at, equals);
    const valueAt = equals + 1;
    switch (key) {
      case KEY.src: {
        tuple++;
        if (tuple > 2) return CONNTRACK_READ.expectation;
        const address = addressAt(bytes, valueAt, end, ids);
        if (address < 0) return unreadable(out, 'an address after src=', valueAt);
        if (tuple === 1) {
          out.client = address;
          mix(bytes, valueAt, end);
        } else {
          out.service = address;
          hasReplySource = true;
          isTupleOfIcmpIdentified = false;
        }
        break;
      }
      case KEY.dst:
        if (tuple === 1) {
          const address = addressAt(bytes, valueAt, end, ids);
          if (address < 0) return unreadable(out, 'an address after dst=', valueAt);
          out.target = address;
          hasTarget = true;
          mix(bytes, valueAt, end);
        }
        break;
      case KEY.sport:
      case KEY.dport: {
        const port = uintUpTo(bytes, valueAt, end, 65_535);
        if (port < 0) return unreadable(out, 'a port from 0 to 65535', valueAt);
        if (tuple === 1) {
          if (key === KEY.sport) out.clientPort = port;
          else out.targetPort = port;
          mix(bytes, valueAt, end);
        } else if (key === KEY.sport) out.servicePort = port;
        break;
      }
      case KEY.packets:
      case KEY.bytes: {
        const count = uintAt(bytes, valueAt, end);
        if (count < 0) return unreadable(out, 'a whole number', valueAt);
        if (key === KEY.packets) out.packets += count;
        else out.bytes += count;
        break;
      }
      case KEY.deltaTime:
        out.age = decimalAt(bytes, valueAt, end);
        if (out.age < 0) return unreadable(out, 'a number of seconds', valueAt);
        break;
      case KEY.type:
      case KEY.code:
      case KEY.srckey:
      case KEY.dstkey:
        if (tuple === 1) mix(bytes, valueAt, end);
        break;
      case KEY.id:
        // The tuples of ICMP have an id of their own, before the one of the connection.
        if (isIcmp(protocol) && !isTupleOfIcmpIdentified) {
          isTupleOfIcmpIdentified = true;
          if (tuple === 1) mix(bytes, valueAt, end);
        }
        break;
      case KEY.zone:
      case KEY.zoneOrig:
      case KEY.zoneReply:
        mix(bytes, at, end);
        break;
      case KEY.maskSrc:
      case KEY.masterSrc:
        return CONNTRACK_READ.expectation;
      default: // states, flags, marks, contexts: they say nothing of who connects to what
    }
    at = skipBlanks(bytes, end, to);
  }
  if (tuple === 0) return unreadable(out, 'src= of the original direction', at);
  if (!hasTarget) return unreadable(out, 'dst= of the original direction', at);
  if (!hasReplySource) return unreadable(out, 'src= of the reply direction', at);
  out.key = (high >>> 11) * 4_294_967_296 + (low >>> 0) + 1;
  return CONNTRACK_READ.connection;
}

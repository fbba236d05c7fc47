import { DIRECTION, PROTOCOL } from '../model/flow.ts';
import type { AddressIds } from './flow-format.ts';
import { ICMP, isIcmp } from './icmp.ts';
import { protocolAt } from './protocols.ts';
import { addressAt, ascii, fieldEnd, sameText, skipBlanks, startsWith, uintAt, uintUpTo } from './scan.ts';
import { createWordTable } from './word-table.ts';

/** Where a packet was logged, by its interfaces. A bridge or a netdev chain may show neither. */
export const LOG_HOOK = { unknown: 0, input: 1, output: 2, forward: 3 } as const;

/** A packet as the kernel's LOG target writes it. One object per run, filled again for each line. */
export interface LogPacket {
  /** Where the prefix of the rule ends, and IN= begins. */
  prefixEnd: number;
  /** LOG_HOOK. */
  hook: number;
  src: number;
  dst: number;
  /** -1: the protocol has none, or the packet had no such header (a later fragment). */
  srcPort: number;
  dstPort: number;
  protocol: number;
  /** DIRECTION. */
  direction: number;
  /** 1: it opens a connection or asks for something; 0: it belongs to one that was opened. */
  connections: number;
  /** Of the whole packet. */
  bytes: number;
  problem: string;
  problemAt: number;
}

export function emptyLogPacket(): LogPacket {
  return {
    prefixEnd: 0,
    hook: 0,
    src: 0,
    dst: 0,
    srcPort: -1,
    dstPort: -1,
    protocol: 0,
    direction: 0,
    connections: 0,
    bytes: 0,
    problem: '',
    problemAt: 0,
  };
}

/** How a text was read. `other`: not IP (ARP). `unnamed`: the kernel itself could not tell the protocol. */
export const LOG_READ = { packet: 0, none: 1, other: 2, unnamed: 3, unreadable: 4 } as const;

const SPACE = 32;
const EQUALS = 61;
const OPEN = 91;
const CLOSE = 93;
const outWord = ascii(' OUT=');
const fragment = ascii('FRAG:');
const UDPLITE = PROTOCOL.udplite;

const words = createWordTable([
  'SRC',
  'DST',
  'LEN',
  'PROTO',
  'SPT',
  'DPT',
  'TYPE',
  'URGP',
  'SYN',
  'ACK',
  'RST',
  'INCOMPLETE',
  'TRUNCATED',
  'Unknown',
  'ARP',
  'MACPROTO',
]);
const WORD = {
  src: 0,
  dst: 1,
  len: 2,
  proto: 3,
  spt: 4,
  dpt: 5,
  type: 6,
  urgp: 7,
  syn: 8,
  ack: 9,
  rst: 10,
  incomplete: 11,
  truncated: 12,
  unknown: 13,
  arp: 14,
  macProto: 15,
} as const;

/** The first `IN=`, name of an interface, ` OUT=`; -1: there is none. */
export function findLogPacket(bytes: Uint8Array, from: number, to: number): number {
  for (let i = from; i + 8 <= to; i++) {
    if (bytes[i] !== 73 || bytes[i + 1] !== 78 || bytes[i + 2] !== EQUALS) continue;
    // Names of interfaces have at most 15 bytes.
    const end = fieldEnd(bytes, i + 3, Math.min(to, i + 19), SPACE);
    if (startsWith(bytes, end, to, outWord)) return i;
  }
  return -1;
}

/** Answers and requests of ICMP, by type: 1 asks, 2 answers, 3 reports an error of another packet. */
function icmpRole(protocol: number, type: number): number {
  if (protocol === ICMP) {
    if (type === 8 || type === 13 || type === 15 || type === 17) return 1;
    if (type === 0 || type === 14 || type === 16 || type === 18) return 2;
    return type === 3 || type === 4 || type === 5 || type === 11 || type === 12 ? 3 : 0;
  }
  if (type === 128) return 1;
  if (type === 129) return 2;
  return (type >= 1 && type <= 4) || type === 137 ? 3 : 0;
}

function unreadable(out: LogPacket, expected: string, at: number): number {
  out.problem = expected;
  out.problemAt = at;
  return LOG_READ.unreadable;
}

/**
 * Reads what the LOG target of iptables or nftables wrote: `prefix IN=eth0 OUT= MAC=… SRC=… DST=… LEN=60 … PROTO=TCP SPT=…
 * DPT=… WINDOW=… SYN URGP=0`. `start`: where IN= is (findLogPacket). Returns one of LOG_READ. Makes no garbage.
 *
 * What a packet counts as. TCP: 1 without ACK and RST, which is an attempt to open a connection (a SYN, or one of the
 * packets that scanners make up); else 0, for the connection was opened before. A SYN alone shows the client, a SYN ACK
 * the server. UDP and others have no such mark: each packet that was logged counts 1, except later fragments, answers and
 * errors of ICMP. What an ICMP error quotes in [brackets] is another packet, and not read.
 */
export function readLogPacket(bytes: Uint8Array, start: number, to: number, ids: AddressIds, out: LogPacket): number {
  out.prefixEnd = start;
  const inEnd = fieldEnd(bytes, start + 3, to, SPACE);
  const outAt = inEnd + outWord.length;
  const outEnd = fieldEnd(bytes, outAt, to, SPACE);
  const isIn = inEnd > start + 3;
  const isOut = outEnd > outAt;
  if (isIn) out.hook = isOut ? LOG_HOOK.forward : LOG_HOOK.input;
  else out.hook = isOut ? LOG_HOOK.output : LOG_HOOK.unknown;

  out.srcPort = -1;
  out.dstPort = -1;
  let src = -1;
  let dst = -1;
  let protocol = -1;
  let protocolPlace = to;
  let length = -1;
  let isWhole = false;
  let type = -1;
  let isSyn = false;
  let isAck = false;
  let isReset = false;
  let isLaterFragment = false;
  let isCutPacket = false;
  let isUnnamed = false;
  let isOther = false;

  let at = skipBlanks(bytes, outEnd, to);
  while (at < to) {
    if (bytes[at] === OPEN) {
      at = skipBlanks(bytes, fieldEnd(bytes, at, to, CLOSE) + 1, to);
      continue;
    }
    const end = fieldEnd(bytes, at, to, SPACE);
    const equals = fieldEnd(bytes, at, end, EQUALS);
    const valueAt = equals + 1;
    switch (words.indexOf(bytes, at, equals)) {
      case WORD.src:
        src = addressAt(bytes, valueAt, end, ids);
        if (src < 0) return unreadable(out, 'an address after SRC=', valueAt);
        break;
      case WORD.dst:
        dst = addressAt(bytes, valueAt, end, ids);
        if (dst < 0) return unreadable(out, 'an address after DST=', valueAt);
        break;
      case WORD.len:
        // UDP has a second one behind its ports, which is the last thing that is written of it.
        if (length >= 0) isWhole = true;
        else {
          length = uintAt(bytes, valueAt, end);
          if (length < 0) return unreadable(out, 'a whole number after LEN=', valueAt);
        }
        break;
      case WORD.proto:
        protocolPlace = valueAt;
        protocol = protocolAt(bytes, valueAt, end);
        if (protocol < 0) return unreadable(out, 'a protocol after PROTO=', valueAt);
        break;
      case WORD.spt:
        out.srcPort = uintUpTo(bytes, valueAt, end, 65_535);
        if (out.srcPort < 0) return unreadable(out, 'a port from 0 to 65535 after SPT=', valueAt);
        break;
      case WORD.dpt:
        out.dstPort = uintUpTo(bytes, valueAt, end, 65_535);
        if (out.dstPort < 0) return unreadable(out, 'a port from 0 to 65535 after DPT=', valueAt);
        break;
      case WORD.type:
        type = uintUpTo(bytes, valueAt, end, 255);
        break;
      case WORD.urgp:
        isWhole = true;
        break;
      case WORD.syn:
        isSyn = true;
        break;
      case WORD.ack:
        // The flag, not ACK=123 of a rule that logs sequence numbers.
        if (equals === end) isAck = true;
        break;
      case WORD.rst:
        isReset = true;
        break;
      case WORD.incomplete:
        isCutPacket = true;
        break;
      case WORD.truncated:
      case WORD.unknown:
        isUnnamed = true;
        break;
      case WORD.arp:
        isOther = true;
        break;
      case WORD.macProto:
        // 0800 and 86dd are IP.
        if (!sameText(bytes, valueAt, end, IPV4) && !sameText(bytes, valueAt, end, IPV6)) isOther = true;
        break;
      default:
        if (startsWith(bytes, at, end, fragment) && uintUpTo(bytes, at + fragment.length, end, 65_535) > 0)
          isLaterFragment = true;
    }
    at = skipBlanks(bytes, end, to);
  }

  if (isOther && src < 0) return LOG_READ.other;
  if (src < 0) return isUnnamed ? LOG_READ.unnamed : unreadable(out, 'SRC=', to);
  if (dst < 0) return unreadable(out, 'DST=', to);
  if (protocol < 0) return isUnnamed ? LOG_READ.unnamed : unreadable(out, 'PROTO=', to);
  if (length < 0) return unreadable(out, 'LEN=', to);
  const isTcp = protocol === PROTOCOL.tcp;
  const isUdp = protocol === PROTOCOL.udp || protocol === UDPLITE;
  const hasHeader = !isLaterFragment && !isCutPacket;
  if ((isTcp || isUdp) && hasHeader) {
    if (out.srcPort < 0 || out.dstPort < 0) return unreadable(out, 'SPT= and DPT=', protocolPlace);
    // A line that was cut may have lost digits of a port.
    if (!isWhole) return unreadable(out, isTcp ? 'URGP= at the end' : 'LEN= at the end', to);
  }
  out.src = src;
  out.dst = dst;
  out.protocol = protocol;
  out.bytes = length;
  out.direction = DIRECTION.unknown;
  out.connections = hasHeader ? 1 : 0;
  if (isTcp && hasHeader) {
    if (isSyn) out.direction = isAck ? DIRECTION.reply : isReset ? DIRECTION.unknown : DIRECTION.forward;
    if (isAck || isReset) out.connections = 0;
  } else if (isIcmp(protocol)) {
    const role = icmpRole(protocol, type);
    if (role === 1) out.direction = DIRECTION.forward;
    else if (role === 2) out.direction = DIRECTION.reply;
    if (role > 1) out.connections = 0;
  }
  return LOG_READ.packet;
}

const IPV4 = ascii('0800');
const IPV6 = ascii('86dd');

import { ACTION, DIRECTION } from '../model/flow.ts';
import type { FlowSink } from './flow-format.ts';
import { u32, unsigned } from './netflow-bytes.ts';
import { READ } from './netflow-elements.ts';
import type { MessageClock } from './netflow-exporter.ts';
import { type Template, VARIABLE } from './netflow-template.ts';
import { hasPorts } from './protocols.ts';

const TCP = 6;
const UDP = 17;
const SYN = 2;
const ACK = 16;
const RST = 4;
/** Seconds from 1900, where NTP counts from, to 1970. */
const NTP_TO_UNIX = 2_208_988_800;
/** Furthest that the times of a record may lie from the time it was sent, seconds. */
const OLDEST = 7 * 86_400;
const NEWEST = 300;

/** Values of one record, filled again for each; -1: it has none. */
const values = new Float64Array(64);
/** Where the addresses of IPv6 begin. */
let srcIpv6 = -1;
let dstIpv6 = -1;
let postDstIpv6 = -1;

/** What an options record says of the exporter. Null: nothing. */
export interface OptionsSaid {
  readonly sampling: number | null;
  /** UTC seconds. */
  readonly bootedAt: number | null;
}

function take(read: number, bytes: Uint8Array, at: number, length: number): boolean {
  switch (read) {
    case READ.skip:
      return true;
    case READ.srcIpv6:
      if (length === 16) srcIpv6 = at;
      return length === 16;
    case READ.dstIpv6:
      if (length === 16) dstIpv6 = at;
      return length === 16;
    case READ.postDstIpv6:
      if (length === 16) postDstIpv6 = at;
      return length === 16;
    case READ.startNtp:
    case READ.endNtp:
      if (length !== 8) return false;
      values[read] = u32(bytes, at) - NTP_TO_UNIX + u32(bytes, at + 4) / 2 ** 32;
      return true;
    case READ.srcIpv4:
    case READ.dstIpv4:
    case READ.postDstIpv4:
      if (length !== 4) return false;
      values[read] = u32(bytes, at);
      return true;
    default: {
      const value = unsigned(bytes, at, length);
      if (value < 0 && length !== 0) return false;
      values[read] = value;
      return true;
    }
  }
}

/**
 * Reads the fields of the record at `at` into what the other functions of this file look at. Returns where it ends; -1: it
 * goes beyond `to`; -2: a field has a length that its element cannot have.
 */
export function readFields(template: Template, bytes: Uint8Array, at: number, to: number): number {
  values.fill(-1);
  srcIpv6 = dstIpv6 = postDstIpv6 = -1;
  const { reads, lengths, wanted, offsets, fixedLength } = template;
  if (fixedLength > 0) {
    if (at + fixedLength > to) return -1;
    for (let i = 0; i < wanted.length; i++) {
      const field = wanted[i] as number;
      if (!take(reads[field] as number, bytes, at + (offsets[i] as number), lengths[field] as number)) return -2;
    }
    return at + fixedLength;
  }
  let place = at;
  for (let i = 0; i < reads.length; i++) {
    let length = lengths[i] as number;
    if (length === VARIABLE) {
      if (place + 1 > to) return -1;
      length = bytes[place++] as number;
      if (length === 255) {
        if (place + 2 > to) return -1;
        length = ((bytes[place] as number) << 8) | (bytes[place + 1] as number);
        place += 2;
      }
    }
    if (place + length > to) return -1;
    if (!take(reads[i] as number, bytes, place, length)) return -2;
    place += length;
  }
  return place;
}

function value(read: number): number {
  return values[read] as number;
}

/** The first of them that the record has; -1: none. */
function firstOf(a: number, b: number, c: number): number {
  const first = value(a);
  if (first >= 0) return first;
  return value(b) >= 0 ? value(b) : value(c);
}

/** Packets or bytes of both directions. */
function bothWays(forward: number, reverse: number): number {
  return forward < 0 ? Math.max(0, reverse) : forward + Math.max(0, reverse);
}

/** UTC seconds of one end of the flow; NaN: the record does not say. */
function timeOf(clock: MessageClock, bootedAt: number | null, isEnd: boolean, correction: number): number {
  const step = isEnd ? 1 : 0;
  const ms = value(READ.startMs + step);
  if (ms >= 0) return ms / 1000 + correction;
  const ntp = value(READ.startNtp + step);
  if (ntp >= 0) return ntp + correction;
  const seconds = value(READ.startSeconds + step);
  if (seconds >= 0) return seconds + correction;
  const delta = value(READ.startDelta + step);
  if (delta >= 0) return clock.sentAt - delta / 1e6;
  const uptime = value(isEnd ? READ.endUptime : READ.startUptime);
  if (uptime >= 0) {
    if (clock.uptime !== null) return uptimeToUtc(uptime, clock.uptime, clock.sentAt);
    const init = value(READ.systemInit);
    if (init >= 0) return (init + uptime) / 1000 + correction;
    // Uptime wraps every 49.7 days: the latest time that fits.
    if (bootedAt !== null) {
      const now = (clock.sentAt - bootedAt) * 1000;
      return uptimeToUtc(uptime, now % 2 ** 32, clock.sentAt);
    }
  }
  return Number.NaN;
}

/**
 * What is added to times that the record itself says. An exporter may write a wrong time into its headers and right ones
 * into its records (nfreplay does): where those are of the last hour, they are right.
 */
function correctionOf(clock: MessageClock): number {
  if (clock.correction === 0) return 0;
  const end = timeOf({ ...clock, uptime: null }, null, true, 0);
  return end > clock.sentAt - 3_600 && end <= clock.sentAt + NEWEST ? 0 : clock.correction;
}

/** UTC seconds of a time of uptime (ms), by the uptime at `sentAt`. Both wrap at 2^32, so they are compared modulo that. */
export function uptimeToUtc(uptime: number, uptimeNow: number, sentAt: number): number {
  const ago = (uptimeNow - uptime) | 0; // negative: a little after the header was written
  return sentAt - ago / 1000;
}

/** Fills in when the flow was; a sentence of what is wrong, or null. */
export function placeInTime(start: number, end: number, sentAt: number, sink: FlowSink): string | null {
  if (!(start >= sentAt - OLDEST && start <= sentAt + NEWEST && end >= sentAt - OLDEST && end <= sentAt + NEWEST))
    return 'a flow was expected to lie between 7 days before and 5 minutes after its record was sent';
  sink.record.start = start;
  sink.record.end = Math.max(start, end);
  return null;
}

/**
 * What is known to have become of the packets: what the exporter says; that the router chose an interface to send them
 * out; that TCP was answered. Without any of these it is unknown: a probe sees packets that a firewall behind it drops.
 */
export function actionOf(protocol: number, flags: number, egress: number, reversePackets: number): number {
  if (egress > 0) return ACTION.accepted;
  if (protocol === TCP && flags > 0 && (flags & ACK) !== 0 && (flags & RST) === 0) return ACTION.accepted;
  if (protocol === TCP && (flags & (SYN | ACK)) === (SYN | ACK)) return ACTION.accepted;
  return protocol !== TCP && reversePackets > 0 ? ACTION.accepted : ACTION.unknown;
}

/**
 * 0 where TCP flags show that the flow goes on from an earlier record: none of its packets was a SYN. A router that samples
 * may have passed over the SYN, and one that reports no flags says nothing: then the record counts as one connection.
 */
export function connectionsOf(protocol: number, flags: number, isSampled: boolean): number {
  return protocol === TCP && flags > 0 && (flags & SYN) === 0 && !isSampled ? 0 : 1;
}

/** A SYN and never an ACK: only who opens a connection sends that. Everything else may be of either side. */
export function directionOf(protocol: number, flags: number): number {
  return protocol === TCP && (flags & (SYN | ACK)) === SYN ? DIRECTION.forward : DIRECTION.unknown;
}

function actionSaid(protocol: number, flags: number, reversePackets: number): number {
  const event = value(READ.firewallEvent);
  if (event === 3) return ACTION.denied;
  if (event === 1 || event === 2 || event === 5) return ACTION.accepted;
  const status = value(READ.forwarding);
  if (status >= 0) {
    const kind = (status >> 6) & 3;
    if (kind === 1 || kind === 3) return ACTION.accepted; // forwarded, or taken by the router itself
    if (kind === 2) return ACTION.denied;
  }
  return actionOf(protocol, flags, value(READ.egress), reversePackets);
}

function addresses(bytes: Uint8Array, sink: FlowSink): boolean {
  const { record, ids } = sink;
  let src = value(READ.srcIpv4);
  let dst = value(READ.dstIpv4);
  // A template for both kinds sends zeros for the one that does not apply.
  const isIpv6 = srcIpv6 >= 0 && dstIpv6 >= 0 && !(src > 0 || dst > 0);
  if (isIpv6) {
    src = ids.ipv6(bytes, srcIpv6);
    dst = ids.ipv6(bytes, dstIpv6);
  }
  if (src < 0 || dst < 0) return false;
  // Translated destinations: the endpoint is the one that really answers.
  const translated = isIpv6
    ? postDstIpv6 >= 0 && !isZero(bytes, postDstIpv6)
      ? ids.ipv6(bytes, postDstIpv6)
      : 0
    : value(READ.postDstIpv4);
  record.src = src;
  record.dst = translated > 0 ? translated : dst;
  return true;
}

function isZero(bytes: Uint8Array, at: number): boolean {
  for (let i = at; i < at + 16; i++) if (bytes[i] !== 0) return false;
  return true;
}

/**
 * Counts the record whose fields were read. Returns what is wrong with it; null: nothing, or it is no flow and was told to
 * the sink as such.
 */
export function addFlow(
  bytes: Uint8Array,
  clock: MessageClock,
  bootedAt: number | null,
  isSampled: boolean,
  sink: FlowSink,
): string | null {
  const { record } = sink;
  const forwardPackets = firstOf(READ.packets, READ.initiatorPackets, READ.packetsTotal);
  const forwardBytes = firstOf(READ.bytes, READ.initiatorBytes, READ.bytesTotal);
  const event = value(READ.firewallEvent);
  // A translation that was made or ended (RFC 8158) counts nothing and repeats what a flow record says.
  if (value(READ.natEvent) >= 0 && event < 0 && forwardBytes < 0 && forwardPackets < 0) {
    sink.skip('record of an address translation');
    return null;
  }
  if (!addresses(bytes, sink)) {
    sink.skip('record without a source and destination address');
    return null;
  }
  let protocol = value(READ.protocol);
  let srcPort = value(READ.srcPort);
  let dstPort = value(READ.dstPort);
  if (srcPort < 0 && dstPort < 0) {
    const isTcp = value(READ.tcpDstPort) > 0;
    srcPort = value(isTcp ? READ.tcpSrcPort : READ.udpSrcPort);
    dstPort = value(isTcp ? READ.tcpDstPort : READ.udpDstPort);
    if (protocol < 0 && dstPort >= 0) protocol = isTcp ? TCP : UDP;
  }
  if (protocol < 0) {
    sink.skip('record without a protocol');
    return null;
  }
  if (protocol > 255 || srcPort > 65_535 || dstPort > 65_535)
    return 'a protocol up to 255 and ports up to 65535 were expected';
  const correction = correctionOf(clock);
  let start = timeOf(clock, bootedAt, false, correction);
  let end = timeOf(clock, bootedAt, true, correction);
  const duration = value(READ.durationMs) >= 0 ? value(READ.durationMs) / 1000 : value(READ.durationUs) / 1e6;
  if (Number.isNaN(start) && Number.isNaN(end)) {
    const ms = value(READ.observedMs);
    const seconds = value(READ.observedSeconds);
    if (ms >= 0) end = ms / 1000 + clock.correction;
    else end = seconds >= 0 ? seconds + clock.correction : clock.sentAt;
  }
  if (Number.isNaN(start)) start = duration >= 0 ? end - duration : end;
  if (Number.isNaN(end)) end = duration >= 0 ? start + duration : start;
  const wrong = placeInTime(start, end, clock.sentAt, sink);
  if (wrong !== null) return wrong;
  const portsMatter = hasPorts(protocol);
  const port = value(READ.postDstPort) > 0 ? value(READ.postDstPort) : dstPort;
  if (port > 65_535) return 'a port up to 65535 was expected';
  const reversePackets = Math.max(value(READ.reversePackets), value(READ.responderPackets));
  const flags = value(READ.tcpFlags) & 0xff;
  const hasFlags = value(READ.tcpFlags) >= 0;
  const seenFlags = hasFlags ? flags : 0;
  record.srcPort = portsMatter ? srcPort : -1;
  record.dstPort = portsMatter ? port : -1;
  record.protocol = protocol;
  record.action = actionSaid(protocol, seenFlags, reversePackets);
  const side = value(READ.biflow);
  if (side === 1 || value(READ.initiatorBytes) >= 0 || event > 0) record.direction = DIRECTION.forward;
  else if (side === 2) record.direction = DIRECTION.reply;
  else record.direction = directionOf(protocol, seenFlags);
  // A firewall reports a connection when it begins, while it lasts, and when it ends: it is counted when it begins.
  record.connections = event === 2 || event === 5 ? 0 : connectionsOf(protocol, seenFlags, isSampled);
  record.packets = bothWays(forwardPackets, reversePackets);
  record.bytes = bothWays(forwardBytes, Math.max(value(READ.reverseBytes), value(READ.responderBytes)));
  sink.add();
  return null;
}

/** What the options record whose fields were read says. */
export function optionsSaid(clock: MessageClock): OptionsSaid {
  const interval = value(READ.samplingInterval);
  const space = value(READ.samplingSpace);
  const size = value(READ.samplingSize);
  const population = value(READ.samplingPopulation);
  let sampling: number | null = null;
  // RFC 5477: so many packets are taken, then so many passed over. Cisco's 34 and 50: one in so many.
  if (interval > 0 && space >= 0) sampling = (interval + space) / interval;
  else if (size > 0 && population > 0) sampling = population / size;
  else if (interval > 0) sampling = interval;
  const init = value(READ.systemInit);
  return { sampling, bootedAt: init > 0 ? init / 1000 + clock.correction : null };
}

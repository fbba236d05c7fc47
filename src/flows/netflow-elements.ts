/**
 * What a field of a template is read as. Numbers of elements are those of iana.org/assignments/ipfix; NetFlow v9 uses the
 * same below 128 (RFC 3954, 8), and Cisco's NSEL some of its own above.
 */
export const READ = {
  skip: 0,
  bytes: 1,
  packets: 2,
  protocol: 3,
  tcpFlags: 4,
  srcPort: 5,
  srcIpv4: 6,
  dstPort: 7,
  dstIpv4: 8,
  egress: 9,
  endUptime: 10,
  startUptime: 11,
  srcIpv6: 12,
  dstIpv6: 13,
  forwarding: 14,
  bytesTotal: 15,
  packetsTotal: 16,
  startSeconds: 17,
  endSeconds: 18,
  startMs: 19,
  endMs: 20,
  startNtp: 21,
  endNtp: 22,
  startDelta: 23,
  endDelta: 24,
  systemInit: 25,
  durationMs: 26,
  durationUs: 27,
  postDstIpv4: 28,
  postDstIpv6: 29,
  postDstPort: 30,
  initiatorBytes: 31,
  responderBytes: 32,
  initiatorPackets: 33,
  responderPackets: 34,
  firewallEvent: 35,
  biflow: 36,
  observedMs: 37,
  observedSeconds: 38,
  natEvent: 39,
  reverseBytes: 40,
  reversePackets: 41,
  reverseTcpFlags: 42,
  samplingInterval: 43,
  samplingSpace: 44,
  samplingSize: 45,
  samplingPopulation: 46,
  udpSrcPort: 47,
  udpDstPort: 48,
  tcpSrcPort: 49,
  tcpDstPort: 50,
} as const;

const ELEMENTS: ReadonlyMap<number, number> = new Map([
  [1, READ.bytes],
  [2, READ.packets],
  [4, READ.protocol],
  [6, READ.tcpFlags],
  [7, READ.srcPort],
  [8, READ.srcIpv4],
  [11, READ.dstPort],
  [12, READ.dstIpv4],
  [14, READ.egress],
  [21, READ.endUptime],
  [22, READ.startUptime],
  [27, READ.srcIpv6],
  [28, READ.dstIpv6],
  [34, READ.samplingInterval],
  [50, READ.samplingInterval],
  [85, READ.bytesTotal],
  [86, READ.packetsTotal],
  [89, READ.forwarding],
  [150, READ.startSeconds],
  [151, READ.endSeconds],
  [152, READ.startMs],
  [153, READ.endMs],
  [154, READ.startNtp],
  [155, READ.endNtp],
  [156, READ.startNtp],
  [157, READ.endNtp],
  [158, READ.startDelta],
  [159, READ.endDelta],
  [160, READ.systemInit],
  [161, READ.durationMs],
  [162, READ.durationUs],
  [180, READ.udpSrcPort],
  [181, READ.udpDstPort],
  [182, READ.tcpSrcPort],
  [183, READ.tcpDstPort],
  [226, READ.postDstIpv4],
  [228, READ.postDstPort],
  [230, READ.natEvent],
  [231, READ.initiatorBytes],
  [232, READ.responderBytes],
  [233, READ.firewallEvent],
  [239, READ.biflow],
  [282, READ.postDstIpv6],
  [298, READ.initiatorPackets],
  [299, READ.responderPackets],
  [305, READ.samplingInterval],
  [306, READ.samplingSpace],
  [309, READ.samplingSize],
  [310, READ.samplingPopulation],
  [322, READ.observedSeconds],
  [323, READ.observedMs],
]);

/** Cisco ASA's numbers before they had ones of IANA (NetFlow Secure Event Logging). */
const NSEL: ReadonlyMap<number, number> = new Map([
  [40_002, READ.postDstIpv4],
  [40_004, READ.postDstPort],
  [40_005, READ.firewallEvent],
]);

/** RFC 5103: the same elements, seen from the other side. */
const REVERSE: ReadonlyMap<number, number> = new Map([
  [1, READ.reverseBytes],
  [2, READ.reversePackets],
  [6, READ.reverseTcpFlags],
  [85, READ.reverseBytes],
  [86, READ.reversePackets],
]);

/** Private enterprise number under which RFC 5103 gives the elements of the reverse direction. */
const REVERSE_ENTERPRISE = 29_305;

/** What an element of IPFIX is read as. `enterprise` 0: one of IANA. */
export function ipfixElement(enterprise: number, element: number): number {
  if (enterprise === 0) return ELEMENTS.get(element) ?? READ.skip;
  return enterprise === REVERSE_ENTERPRISE ? (REVERSE.get(element) ?? READ.skip) : READ.skip;
}

/** What a field type of NetFlow v9 is read as. */
export function v9Element(type: number): number {
  return ELEMENTS.get(type) ?? NSEL.get(type) ?? READ.skip;
}

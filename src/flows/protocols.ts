import { ascii, sameWord, uintUpTo } from './scan.ts';

/** Names of protocols as logs write them (iana.org/assignments/protocol-numbers, and what Linux tools say), lower case, usual ones first. */
const NAMES: Readonly<Record<string, number>> = {
  tcp: 6,
  udp: 17,
  icmp: 1,
  igmp: 2,
  ipip: 4,
  dccp: 33,
  ipv6: 41,
  gre: 47,
  esp: 50,
  ah: 51,
  icmpv6: 58,
  'ipv6-icmp': 58,
  icmp6: 58,
  ospf: 89,
  ospfigp: 89,
  pim: 103,
  vrrp: 112,
  sctp: 132,
  udplite: 136,
};

const names: ReadonlyArray<readonly [Uint8Array, number]> = Object.entries(NAMES).map(([n, p]) => [ascii(n), p]);

/** An IANA protocol number that is written as a number or by its name, in letters of either case; -1: it is none. */
export function protocolAt(bytes: Uint8Array, from: number, to: number): number {
  if (((bytes[from] as number) ^ 0x30) <= 9) return uintUpTo(bytes, from, to, 255);
  for (const [name, protocol] of names) if (sameWord(bytes, from, to, name)) return protocol;
  return -1;
}

/** Says whether records of the protocol have ports: TCP, UDP, DCCP, SCTP, UDP-Lite. */
export function hasPorts(protocol: number): boolean {
  return protocol === 6 || protocol === 17 || protocol === 33 || protocol === 132 || protocol === 136;
}

import { type Address, addressBits, parseAddress } from '../model/address.ts';
import { type AddressSet, EMPTY } from '../model/address-set.ts';
import { fromRanges } from '../model/address-set-text.ts';
import { blockOf } from '../model/cidr.ts';
import type { AddressFamily } from '../model/listener.ts';
import type { InterfacePattern, NumberRange } from '../model/ruleset.ts';

/** Values as the options of iptables(8) take them. null: not one; callers say so. */

/** Protocols by the names that iptables-save prints and people write (/etc/protocols). */
const PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['all', 0],
  ['icmp', 1],
  ['igmp', 2],
  ['ipencap', 4],
  ['ipv4', 4],
  ['tcp', 6],
  ['udp', 17],
  ['dccp', 33],
  ['ipv6', 41],
  ['ipv6-route', 43],
  ['ipv6-frag', 44],
  ['rsvp', 46],
  ['gre', 47],
  ['esp', 50],
  ['ipv6-crypt', 50],
  ['ah', 51],
  ['ipv6-auth', 51],
  ['ipv6-icmp', 58],
  ['icmpv6', 58],
  ['icmp6', 58],
  ['ipv6-nonxt', 59],
  ['ipv6-opts', 60],
  ['ospf', 89],
  ['ipip', 94],
  ['pim', 103],
  ['ipcomp', 108],
  ['vrrp', 112],
  ['l2tp', 115],
  ['sctp', 132],
  ['mh', 135],
  ['ipv6-mh', 135],
  ['mobility-header', 135],
  ['udplite', 136],
]);

export const TCP = 6;
export const UDP = 17;
export const PORT_PROTOCOLS: readonly number[] = [TCP, UDP, 33, 132, 136];

export function protocolOf(text: string): number | null {
  const number = numberIn(text, 255);
  return number ?? PROTOCOLS.get(text.toLowerCase()) ?? null;
}

/** A whole number up to `most`: decimal, or hexadecimal with 0x, or octal with 0, as strtoul(3) reads it. */
export function numberIn(text: string, most: number): number | null {
  if (!/^(0[xX][0-9a-fA-F]{1,16}|0[0-7]{0,22}|[1-9][0-9]{0,15})$/.test(text)) return null;
  const number = /^0[0-7]/.test(text) ? Number.parseInt(text, 8) : Number(text);
  return number <= most ? number : null;
}

/** Names of ports that people write; iptables-save prints numbers. Those whose meaning no system's list changes. */
const SERVICES: ReadonlyMap<string, number> = new Map(
  Object.entries({
    ftp: 21,
    ssh: 22,
    telnet: 23,
    smtp: 25,
    domain: 53,
    bootps: 67,
    bootpc: 68,
    tftp: 69,
    http: 80,
    kerberos: 88,
    pop3: 110,
    sunrpc: 111,
    ntp: 123,
    'netbios-ns': 137,
    'netbios-dgm': 138,
    'netbios-ssn': 139,
    imap2: 143,
    snmp: 161,
    ldap: 389,
    https: 443,
    'microsoft-ds': 445,
    isakmp: 500,
    syslog: 514,
    submission: 587,
    ipp: 631,
    ldaps: 636,
    imaps: 993,
    pop3s: 995,
    mysql: 3306,
    postgresql: 5432,
    mdns: 5353,
  }),
);

function portOf(text: string): number | null {
  return numberIn(text, 65535) ?? SERVICES.get(text) ?? null;
}

/** `22`, `ssh`, `1000:2000`, `:1024`, `1024:`, with `-` between where the option says so. */
export function portRangeOf(text: string, between = ':'): NumberRange | null {
  const only = portOf(text);
  if (only !== null) return { from: only, to: only };
  const at = text.indexOf(between);
  if (at < 0) return null;
  const from = at === 0 ? 0 : portOf(text.slice(0, at));
  const to = at === text.length - 1 ? 65535 : portOf(text.slice(at + 1));
  return from === null || to === null || from > to ? null : { from, to };
}

export function portListOf(text: string): NumberRange[] | null {
  const ranges: NumberRange[] = [];
  for (const part of text.split(',')) {
    const range = portRangeOf(part);
    if (range === null) return null;
    ranges.push(range);
  }
  return ranges;
}

/** `0x1/0xff`: value and mask; all bits where no mask is given. */
export function markOf(text: string): { readonly value: number; readonly mask: number } | null {
  const slash = text.indexOf('/');
  const value = numberIn(slash < 0 ? text : text.slice(0, slash), 0xffffffff);
  const mask = slash < 0 ? 0xffffffff : numberIn(text.slice(slash + 1), 0xffffffff);
  return value === null || mask === null ? null : { value, mask };
}

/** `eth0`, `eth+`; `+` alone is every name, also none. */
export function interfaceOf(text: string): InterfacePattern {
  return text.endsWith('+') ? { name: text.slice(0, -1), prefix: true } : { name: text, prefix: false };
}

/** Most intervals that one mask may split the addresses into. */
const MOST_INTERVALS = 2 ** 14;

/**
 * A list of addresses of one family: `10.0.0.1`, `10.0.0.0/8`, `10.0.0.0/255.0.255.0`, with commas between. `too many`:
 * its mask splits them into more parts than are worked out.
 */
export function addressesOf(text: string, family: AddressFamily | null): AddressSet | 'too many' | null {
  const ranges: { first: Address; last: Address }[] = [];
  for (const part of text.split(',')) {
    const slash = part.indexOf('/');
    const address = parseAddress(slash < 0 ? part : part.slice(0, slash));
    if (address === null || (family !== null && address.family !== family)) return null;
    const bits = addressBits(address.family);
    const mask = slash < 0 ? null : part.slice(slash + 1);
    if (mask === null || /^[0-9]{1,3}$/.test(mask)) {
      const prefix = mask === null ? bits : Number(mask);
      if (prefix > bits) return null;
      ranges.push(blockRange(address, prefix));
    } else {
      const bitmask = parseAddress(mask);
      if (bitmask === null || bitmask.family !== address.family) return null;
      const masked = maskedRanges(address, bitmask, bits);
      if (masked === null) return 'too many';
      for (const range of masked) ranges.push(range);
    }
    if (ranges.length > MOST_INTERVALS) return 'too many';
  }
  return ranges.length === 0 ? EMPTY : fromRanges(ranges);
}

function blockRange(address: Address, prefix: number): { first: Address; last: Address } {
  const { network } = blockOf(address, prefix);
  const size = 1n << BigInt(addressBits(address.family) - prefix);
  return { first: network, last: addressAt(address.family, BigInt(network.value) + size - 1n) };
}

function addressAt(family: AddressFamily, value: bigint): Address {
  return family === 'ipv4' ? { family, value: Number(value) } : { family, value };
}

/** Every address equal to the given one where the mask has ones; null: too many intervals. */
function maskedRanges(address: Address, mask: Address, bits: number): { first: Address; last: Address }[] | null {
  const ones = BigInt(mask.value);
  let tail = 0;
  while (tail < bits && ((ones >> BigInt(tail)) & 1n) === 0n) tail++;
  const open: bigint[] = [];
  for (let bit = tail; bit < bits; bit++) if (((ones >> BigInt(bit)) & 1n) === 0n) open.push(1n << BigInt(bit));
  if (2 ** open.length > MOST_INTERVALS) return null;
  const size = 1n << BigInt(tail);
  const base = BigInt(address.value) & ones;
  return Array.from({ length: 2 ** open.length }, (_, choice) => {
    const first = open.reduce((sum, bit, i) => ((choice >> i) & 1 ? sum | bit : sum), base);
    return { first: addressAt(address.family, first), last: addressAt(address.family, first + size - 1n) };
  });
}

/** `10.0.0.1-10.0.0.9`, or one address. */
export function addressRangeOf(text: string, family: AddressFamily | null): AddressSet | null {
  const dash = text.indexOf('-');
  const first = parseAddress(dash < 0 ? text : text.slice(0, dash));
  const last = dash < 0 ? first : parseAddress(text.slice(dash + 1));
  if (first === null || last === null || first.family !== last.family) return null;
  if ((family !== null && first.family !== family) || first.value > last.value) return null;
  return fromRanges([{ first, last }]);
}

const TCP_FLAGS: ReadonlyMap<string, number> = new Map([
  ['FIN', 1],
  ['SYN', 2],
  ['RST', 4],
  ['PSH', 8],
  ['ACK', 16],
  ['URG', 32],
  ['ALL', 63],
  ['NONE', 0],
]);

/** `FIN,SYN,RST,ACK`, `ALL`, `NONE`. */
export function tcpFlagsOf(text: string): number | null {
  let bits = 0;
  for (const name of text.split(',')) {
    const bit = TCP_FLAGS.get(name.toUpperCase());
    if (bit === undefined) return null;
    bits |= bit;
  }
  return bits;
}

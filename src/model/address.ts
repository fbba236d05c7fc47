import type { AddressFamily, BindScope } from './listener.ts';

/** An IP address as a number: IPv4 fits a double exactly, IPv6 (128 bits) needs a bigint. */
export type Address =
  | { readonly family: 'ipv4'; readonly value: number }
  | { readonly family: 'ipv6'; readonly value: bigint };

const COLON = 58;
const DOT = 46;
const ZERO = 48;

/** Groups of the IPv6 address scanned last; the bytes in network order are in `scratch`. */
const groups = new Uint16Array(8);
const scratch = new DataView(new ArrayBuffer(16));

/**
 * Reads `text[from, to)` as an IPv4 address: four decimal numbers, no leading zeros (inet_aton would take them for
 * octal). Returns its value, -1 where it is none.
 */
export function scanIpv4(text: string, from: number, to: number): number {
  let value = 0;
  let i = from;
  for (let part = 0; part < 4; part++) {
    if (part > 0 && (i >= to || text.charCodeAt(i++) !== DOT)) return -1;
    const start = i;
    let number = 0;
    for (; i < to && i - start < 3; i++) {
      const digit = text.charCodeAt(i) - ZERO;
      if (digit < 0 || digit > 9) break;
      number = number * 10 + digit;
    }
    if (i === start || number > 255 || (i - start > 1 && text.charCodeAt(start) === ZERO)) return -1;
    value = value * 256 + number;
  }
  return i === to ? value : -1;
}

function hexDigit(code: number): number {
  if (code >= ZERO && code <= 57) return code - ZERO;
  const letter = code | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/**
 * Reads `text[from, to)` as an IPv6 address (RFC 4291, 2.2, all three forms; no zone id). Returns its 16 bytes in
 * network order, valid until the next call, or null where it is none.
 */
export function scanIpv6(text: string, from: number, to: number): DataView | null {
  let count = 0;
  let gap = -1;
  let i = from;
  if (to - from < 2) return null;
  if (text.charCodeAt(i) === COLON) {
    if (text.charCodeAt(i + 1) !== COLON) return null;
    gap = 0;
    i += 2;
  }
  while (i < to) {
    const start = i;
    let group = 0;
    for (; i < to && i - start < 4; i++) {
      const digit = hexDigit(text.charCodeAt(i));
      if (digit < 0) break;
      group = group * 16 + digit;
    }
    if (i === start) return null;
    if (i < to && text.charCodeAt(i) === DOT) {
      const ipv4 = scanIpv4(text, start, to);
      if (ipv4 < 0 || count > 6) return null;
      groups[count++] = ipv4 >>> 16;
      groups[count++] = ipv4 & 0xffff;
      break;
    }
    if (count === 8) return null;
    groups[count++] = group;
    if (i === to) break;
    if (text.charCodeAt(i++) !== COLON || i === to) return null;
    if (text.charCodeAt(i) === COLON) {
      if (gap >= 0) return null;
      gap = count;
      i++;
    }
  }
  if (gap < 0 ? count !== 8 : count > 7) return null;
  const head = gap < 0 ? 8 : gap;
  for (let g = 0; g < 8; g++) {
    const from = g < head ? g : g - (8 - count);
    scratch.setUint16(g * 2, g < head || from >= head ? (groups[from] as number) : 0);
  }
  return scratch;
}

/** Returns the value of 16 bytes in network order. */
export function ipv6Value(bytes: DataView): bigint {
  return (bytes.getBigUint64(0) << 64n) | bytes.getBigUint64(8);
}

/**
 * Returns the address that a text means, or null. IPv4 as four decimal numbers, IPv6 as RFC 4291, 2.2; strict: no
 * leading zeros in IPv4, no zone id, no blanks around it.
 */
export function parseAddress(text: string): Address | null {
  if (!text.includes(':')) {
    const value = scanIpv4(text, 0, text.length);
    return value < 0 ? null : { family: 'ipv4', value };
  }
  const bytes = scanIpv6(text, 0, text.length);
  return bytes === null ? null : { family: 'ipv6', value: ipv6Value(bytes) };
}

const MAPPED = 0xffff_0000_0000n; // ::ffff:0:0/96, RFC 4291, 2.5.5.2

/** Returns the IPv4 address that an IPv4-mapped IPv6 one (`::ffff:10.0.0.1`) stands for; any other as it is. */
export function unmapAddress(address: Address): Address {
  if (address.family === 'ipv4' || address.value >> 32n !== MAPPED >> 32n) return address;
  return { family: 'ipv4', value: Number(address.value & 0xffff_ffffn) };
}

function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`;
}

/**
 * Returns the canonical text of an address. IPv6 as RFC 5952: lower case, no leading zeros, the longest run of at least
 * two zero groups (the first of equals) as `::`, IPv4-mapped addresses in mixed notation.
 */
export function formatAddress(address: Address): string {
  if (address.family === 'ipv4') return formatIpv4(address.value);
  const plain = unmapAddress(address);
  if (plain.family === 'ipv4') return `::ffff:${formatIpv4(plain.value)}`;
  const hex = plain.value.toString(16).padStart(32, '0');
  const parts = Array.from({ length: 8 }, (_, g) => Number.parseInt(hex.slice(g * 4, g * 4 + 4), 16));
  let best = { start: 0, length: 1 };
  for (let start = 0; start < 8; start++) {
    let length = 0;
    while (parts[start + length] === 0) length++;
    if (length > best.length) best = { start, length };
  }
  const print = (from: number, to: number) =>
    parts
      .slice(from, to)
      .map((part) => part.toString(16))
      .join(':');
  return best.length < 2 ? print(0, 8) : `${print(0, best.start)}::${print(best.start + best.length, 8)}`;
}

/** Says how many bits an address of the family has. */
export function addressBits(family: AddressFamily): 32 | 128 {
  return family === 'ipv4' ? 32 : 128;
}

const LOOPBACK = ['127.0.0.0/8', '::1/128'];
/** RFC 1918, RFC 6598 (shared), RFC 3927 and RFC 4291 (link-local), RFC 4193 (unique local). */
export const PRIVATE_BLOCKS: readonly string[] = [
  '10.0.0.0/8',
  '172.16.0.0/12',
  '192.168.0.0/16',
  '100.64.0.0/10',
  '169.254.0.0/16',
  'fe80::/10',
  'fc00::/7',
];

/** Blocks as family, bits to shift away, and what must be left. */
function blocks(cidrs: readonly string[]): (address: Address) => boolean {
  const parsed = cidrs.map((text) => {
    const [network = '', prefix] = text.split('/');
    const address = parseAddress(network) as Address;
    const shift = BigInt(addressBits(address.family) - Number(prefix));
    return { family: address.family, shift, network: BigInt(address.value) >> shift };
  });
  return (address) => {
    const value = BigInt(address.value);
    return parsed.some((b) => b.family === address.family && value >> b.shift === b.network);
  };
}
const isLoopback = blocks(LOOPBACK);
const isPrivate = blocks(PRIVATE_BLOCKS);

/**
 * Says how far a listening address reaches (listener.ts). An IPv4-mapped IPv6 address is judged as its IPv4 one; a zone
 * id (`fe80::1%eth0`) is passed over. A text that is no address counts as `any`: what cannot be read is not narrow.
 */
export function bindScopeOf(addressText: string): BindScope {
  const zone = addressText.indexOf('%');
  const parsed = parseAddress(zone < 0 ? addressText : addressText.slice(0, zone));
  if (parsed === null) return 'any';
  if (BigInt(parsed.value) === 0n) return 'any';
  const address = unmapAddress(parsed);
  if (BigInt(address.value) === 0n) return 'any';
  if (isLoopback(address)) return 'loopback';
  return isPrivate(address) ? 'private' : 'public';
}

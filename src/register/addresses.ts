import { isIP } from 'node:net';
import { cut, type Read } from './times.ts';

/**
 * Reads an address or a CIDR (RFC 4632, RFC 4291) and returns its canonical text: IPv4 dotted, IPv6 as RFC 5952 writes
 * it, the prefix left out where it is the whole address. Host bits must be zero: `10.0.0.5/24` could mean two things.
 */
export function readCidr(text: string): Read<string> {
  const written = text.trim();
  const slash = written.indexOf('/');
  const address = slash < 0 ? written : written.slice(0, slash);
  const family = isIP(address);
  if (family === 0 || address.includes('%'))
    return { code: 'bad-address', message: `expected an address or a CIDR such as 10.20.0.0/16, not "${cut(text)}"` };
  const width = family === 4 ? 32 : 128;
  const bits = toBits(address, family);
  if (slash < 0) return { value: fromBits(bits, family) };
  const prefix = written.slice(slash + 1);
  if (!/^\d{1,3}$/.test(prefix) || Number(prefix) > width)
    return { code: 'bad-prefix', message: `"${cut(text)}" has no valid prefix length: expected /0 to /${width}` };
  const hostBits = BigInt(width - Number(prefix));
  const network = (bits >> hostBits) << hostBits;
  if (network !== bits) {
    const meant = `${fromBits(network, family)}/${Number(prefix)}`;
    const hint = `write ${meant} for the network, or ${fromBits(bits, family)} for the one address`;
    return { code: 'host-bits', message: `"${cut(text)}" has host bits set, so it is not certain what is meant`, hint };
  }
  return { value: Number(prefix) === width ? fromBits(bits, family) : `${fromBits(bits, family)}/${Number(prefix)}` };
}

/** Says whether a text was meant as an address or CIDR: digits, dots, colons and a slash only. */
export function looksLikeAddress(text: string): boolean {
  return /^[\d.]+(\/\d*)?$/.test(text) || (text.includes(':') && /^[\da-fA-F:.]+(\/\d*)?$/.test(text));
}

function toBits(address: string, family: number): bigint {
  if (family === 4) return fourToBits(address);
  let text = address;
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text);
  if (dotted) {
    const low = fourToBits(dotted[2] as string);
    text = `${dotted[1]}${(low >> 16n).toString(16)}:${(low & 0xffffn).toString(16)}`;
  }
  const [head = '', tail] = text.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return groups.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n);
}

function fourToBits(address: string): bigint {
  return address.split('.').reduce((bits, part) => (bits << 8n) | BigInt(part), 0n);
}

function fromBits(bits: bigint, family: number): string {
  if (family === 4) return [24n, 16n, 8n, 0n].map((shift) => (bits >> shift) & 255n).join('.');
  const groups = Array.from({ length: 8 }, (_, i) => Number((bits >> BigInt(112 - i * 16)) & 0xffffn));
  // RFC 5952, 4.2: the longest run of two or more zero groups is written `::`, the first one of equals.
  let start = 0;
  let length = 0;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (groups[i + run] === 0) run++;
    if (run > length) [start, length] = [i, run];
  }
  const hex = groups.map((group) => group.toString(16));
  if (length < 2) return hex.join(':');
  return `${hex.slice(0, start).join(':')}::${hex.slice(start + length).join(':')}`;
}

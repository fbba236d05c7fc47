import { type Address, formatAddress, parseAddress } from './address.ts';

/** An address as two halves of 64 bits, IPv4 as ::ffff:a.b.c.d. */
export interface AddressHalves {
  readonly high: bigint;
  readonly low: bigint;
}

const HALF = 0xffff_ffff_ffff_ffffn;
const MAPPED = 0xffffn << 32n;

/** Halves of an address that is given as text; null where it is none. */
export function halvesOf(text: string): AddressHalves | null {
  const address = parseAddress(text);
  if (!address) return null;
  if (address.family === 'ipv4') return { high: 0n, low: MAPPED | BigInt(address.value) };
  return { high: address.value >> 64n, low: address.value & HALF };
}

/** Address of halves, as text: an IPv4-mapped one as its IPv4 address. */
export function textOfHalves(high: bigint, low: bigint): string {
  return formatAddress(ofHalves(high, low));
}

function ofHalves(high: bigint, low: bigint): Address {
  if (high === 0n && low >> 32n === 0xffffn) return { family: 'ipv4', value: Number(low & 0xffff_ffffn) };
  return { family: 'ipv6', value: (high << 64n) | low };
}

/** Address of a row of FlowBatch.src or .dst, as text. */
export function textOfWords(addresses: Uint32Array, row: number): string {
  const at = row * 4;
  const word = (i: number): number => addresses[at + i] as number;
  if (word(3) === 0 && word(2) === 0 && word(1) === 0xffff) return formatAddress({ family: 'ipv4', value: word(0) });
  const half = (high: number, low: number): bigint => (BigInt(high) << 32n) | BigInt(low);
  return textOfHalves(half(word(3), word(2)), half(word(1), word(0)));
}

/** Writes an address as a row of FlowBatch.src or .dst; false where the text is none. */
export function putWords(addresses: Uint32Array, row: number, text: string): boolean {
  const halves = halvesOf(text);
  if (!halves) return false;
  const at = row * 4;
  addresses[at] = Number(halves.low & 0xffff_ffffn);
  addresses[at + 1] = Number(halves.low >> 32n);
  addresses[at + 2] = Number(halves.high & 0xffff_ffffn);
  addresses[at + 3] = Number(halves.high >> 32n);
  return true;
}

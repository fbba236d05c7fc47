import { type Address, addressBits } from './address.ts';
import { type Cidr, formatCidr } from './cidr.ts';
import type { AddressFamily } from './listener.ts';

/**
 * A set of addresses of both families. Per family: strictly ascending boundaries. An address is in the set if an odd
 * number of them is at or below it: `[10, 20]` holds 10 to 19. Equal sets have equal boundaries; nothing changes one.
 */
export interface AddressSet {
  readonly ipv4: readonly number[];
  readonly ipv6: readonly bigint[];
}

const END_IPV4 = 2 ** 32;
const END_IPV6 = 1n << 128n;

export const EMPTY: AddressSet = { ipv4: [], ipv6: [] };
export const ALL_IPV4: AddressSet = { ipv4: [0, END_IPV4], ipv6: [] };
export const ALL_IPV6: AddressSet = { ipv4: [], ipv6: [0n, END_IPV6] };
export const ALL: AddressSet = { ipv4: ALL_IPV4.ipv4, ipv6: ALL_IPV6.ipv6 };

/** Merges two boundary lists, keeping a boundary wherever the truth of `keep` changes. `keep(false, false)` is false. */
function combine<T extends number | bigint>(
  a: readonly T[],
  b: readonly T[],
  keep: (inA: boolean, inB: boolean) => boolean,
): T[] {
  const result: T[] = [];
  let i = 0;
  let j = 0;
  let inside = false;
  while (i < a.length || j < b.length) {
    const x = a[i];
    const y = b[j];
    const at = y === undefined || (x !== undefined && x <= y) ? (x as T) : y;
    if (x === at) i++;
    if (y === at) j++;
    if (keep(i % 2 === 1, j % 2 === 1) !== inside) {
      inside = !inside;
      result.push(at);
    }
  }
  return result;
}

function combineSets(a: AddressSet, b: AddressSet, keep: (inA: boolean, inB: boolean) => boolean): AddressSet {
  return { ipv4: combine(a.ipv4, b.ipv4, keep), ipv6: combine(a.ipv6, b.ipv6, keep) };
}

/** Returns the addresses in either. */
export function union(a: AddressSet, b: AddressSet): AddressSet {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  return combineSets(a, b, (inA, inB) => inA || inB);
}

/** Returns the addresses in both. */
export function intersection(a: AddressSet, b: AddressSet): AddressSet {
  return combineSets(a, b, (inA, inB) => inA && inB);
}

/** Returns the addresses in `a` that are not in `b`; `difference(ALL, x)` is the complement. */
export function difference(a: AddressSet, b: AddressSet): AddressSet {
  return combineSets(a, b, (inA, inB) => inA && !inB);
}

export function isEmpty(set: AddressSet): boolean {
  return set.ipv4.length === 0 && set.ipv6.length === 0;
}

/** Says whether every address of `inner` is in `outer`. */
export function isSubset(inner: AddressSet, outer: AddressSet): boolean {
  return isEmpty(difference(inner, outer));
}

export function equals(a: AddressSet, b: AddressSet): boolean {
  return (
    a.ipv4.length === b.ipv4.length &&
    a.ipv6.length === b.ipv6.length &&
    a.ipv4.every((boundary, i) => boundary === b.ipv4[i]) &&
    a.ipv6.every((boundary, i) => boundary === b.ipv6[i])
  );
}

/** Number of boundaries at or below a value, by binary search. */
function countUpTo<T extends number | bigint>(boundaries: readonly T[], value: T): number {
  let low = 0;
  let high = boundaries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((boundaries[middle] as T) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

export function has(set: AddressSet, address: Address): boolean {
  const below = address.family === 'ipv4' ? countUpTo(set.ipv4, address.value) : countUpTo(set.ipv6, address.value);
  return below % 2 === 1;
}

/** Number of addresses, of both families together. */
export function size(set: AddressSet): bigint {
  let ipv4 = 0;
  set.ipv4.forEach((boundary, i) => {
    ipv4 += i % 2 === 0 ? -boundary : boundary;
  });
  let ipv6 = 0n;
  set.ipv6.forEach((boundary, i) => {
    ipv6 += i % 2 === 0 ? -boundary : boundary;
  });
  return BigInt(ipv4) + ipv6;
}

/** An interval of a set: first and last address, both in it. */
export interface AddressRange {
  readonly first: Address;
  readonly last: Address;
}

/** Returns the intervals, IPv4 first, ascending; no two touch. */
export function toRanges(set: AddressSet): AddressRange[] {
  const ranges: AddressRange[] = [];
  for (let i = 0; i < set.ipv4.length; i += 2)
    ranges.push({
      first: { family: 'ipv4', value: set.ipv4[i] as number },
      last: { family: 'ipv4', value: (set.ipv4[i + 1] as number) - 1 },
    });
  for (let i = 0; i < set.ipv6.length; i += 2)
    ranges.push({
      first: { family: 'ipv6', value: set.ipv6[i] as bigint },
      last: { family: 'ipv6', value: (set.ipv6[i + 1] as bigint) - 1n },
    });
  return ranges;
}

/** Returns the fewest blocks that are exactly one interval, ascending: each as large as its start and the rest allow. */
export function cidrsOfRange(range: AddressRange): Cidr[] {
  const family: AddressFamily = range.first.family;
  const bits = addressBits(family);
  const cidrs: Cidr[] = [];
  const end = BigInt(range.last.value) + 1n;
  for (let start = BigInt(range.first.value); start < end; ) {
    const left = end - start;
    const largest = left.toString(2).length - 1;
    const aligned = start === 0n ? bits : (start & -start).toString(2).length - 1;
    const free = Math.min(largest, aligned);
    const network: Address = family === 'ipv4' ? { family, value: Number(start) } : { family, value: start };
    cidrs.push({ network, prefix: bits - free });
    start += 1n << BigInt(free);
  }
  return cidrs;
}

/** Returns the fewest CIDRs that are exactly the set, canonical, IPv4 first, ascending. */
export function toCidrs(set: AddressSet): string[] {
  return toRanges(set).flatMap((range) => cidrsOfRange(range).map(formatCidr));
}

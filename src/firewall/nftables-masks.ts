import { ipv4Boundaries, ipv6Boundaries } from '../model/address-intervals.ts';
import type { AddressSet } from '../model/address-set.ts';
import type { AddressFamily } from '../model/listener.ts';

/** Most intervals that one mask may split the addresses into. */
const MOST_INTERVALS = 2 ** 14;

/** Addresses for which `(address & mask)` is one of the values; null: too many intervals. */
export function addressesWithBits(family: AddressFamily, mask: bigint, values: readonly bigint[]): AddressSet | null {
  const bits = family === 'ipv4' ? 32 : 128;
  let tail = 0;
  while (tail < bits && ((mask >> BigInt(tail)) & 1n) === 0n) tail++;
  const open: bigint[] = [];
  for (let bit = tail; bit < bits; bit++) if (((mask >> BigInt(bit)) & 1n) === 0n) open.push(1n << BigInt(bit));
  const possible = values.filter((value) => (value & ~mask) === 0n);
  if (open.length > 14 || possible.length * 2 ** open.length > MOST_INTERVALS) return null;
  const size = 1n << BigInt(tail);
  const starts: bigint[] = [];
  for (const value of possible)
    for (let choice = 0; choice < 2 ** open.length; choice++)
      starts.push(open.reduce((sum, bit, i) => ((choice >> i) & 1 ? sum | bit : sum), value));
  const ends = starts.map((start) => start + size);
  return family === 'ipv4'
    ? { ipv4: ipv4Boundaries(Float64Array.from(starts, Number), Float64Array.from(ends, Number)), ipv6: [] }
    : { ipv4: [], ipv6: ipv6Boundaries(starts, ends) };
}

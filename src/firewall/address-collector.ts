import { type Address, addressBits, ipv6Value, parseAddress, scanIpv4, scanIpv6 } from '../model/address.ts';
import { ipv4Boundaries, ipv6Boundaries } from '../model/address-intervals.ts';
import { type AddressSet, difference, EMPTY } from '../model/address-set.ts';
import type { AddressFamily } from '../model/listener.ts';

/** Addresses, blocks and ranges of one family, put together by sorting once. */
export class AddressCollector {
  readonly family: AddressFamily;
  #starts4: number[] = [];
  #ends4: number[] = [];
  #starts6: bigint[] = [];
  #ends6: bigint[] = [];
  #excluded: AddressSet = EMPTY;

  constructor(family: AddressFamily) {
    this.family = family;
  }

  /** Takes `text[from, to)` as an address, widened to the block of `prefix` bits. Says whether it is one of the family. */
  add(text: string, from: number, to: number, prefix: number): boolean {
    if (this.family === 'ipv4') {
      const value = scanIpv4(text, from, to);
      if (value < 0) return false;
      const size = 2 ** (32 - prefix);
      this.#starts4.push(value - (value % size));
      this.#ends4.push(value - (value % size) + size);
      return true;
    }
    const bytes = scanIpv6(text, from, to);
    if (bytes === null) return false;
    const shift = BigInt(128 - prefix);
    const start = (ipv6Value(bytes) >> shift) << shift;
    this.#starts6.push(start);
    this.#ends6.push(start + (1n << shift));
    return true;
  }

  /** Takes every address from one to the other. Says whether that is an ascending range of the family. */
  addRange(first: string, last: string): boolean {
    const a: Address | null = parseAddress(first);
    const b: Address | null = parseAddress(last);
    if (a === null || b === null || a.family !== this.family || b.family !== this.family || a.value > b.value)
      return false;
    if (a.family === 'ipv4') {
      this.#starts4.push(a.value);
      this.#ends4.push(Number(b.value) + 1);
    } else {
      this.#starts6.push(a.value);
      this.#ends6.push(BigInt(b.value) + 1n);
    }
    return true;
  }

  /** Bits of an address of its family. */
  get bits(): number {
    return addressBits(this.family);
  }

  /** Leaves out addresses of what was taken, and of what will be. */
  exclude(set: AddressSet): void {
    this.#excluded = set;
  }

  set(): AddressSet {
    const taken = {
      ipv4: ipv4Boundaries(Float64Array.from(this.#starts4), Float64Array.from(this.#ends4)),
      ipv6: ipv6Boundaries(this.#starts6, this.#ends6),
    };
    return this.#excluded === EMPTY ? taken : difference(taken, this.#excluded);
  }
}

/** Addresses that are in any of many sets. */
export function unionAll(sets: readonly AddressSet[]): AddressSet {
  if (sets.length === 1) return sets[0] as AddressSet;
  const even = <T>(list: readonly T[]) => list.filter((_, i) => i % 2 === 0);
  const odd = <T>(list: readonly T[]) => list.filter((_, i) => i % 2 === 1);
  return {
    ipv4: ipv4Boundaries(
      Float64Array.from(sets.flatMap((set) => even(set.ipv4))),
      Float64Array.from(sets.flatMap((set) => odd(set.ipv4))),
    ),
    ipv6: ipv6Boundaries(
      sets.flatMap((set) => even(set.ipv6)),
      sets.flatMap((set) => odd(set.ipv6)),
    ),
  };
}

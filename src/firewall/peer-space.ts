import type { Address } from '../model/address.ts';
import { ascending } from '../model/address-intervals.ts';
import { type AddressSet, has } from '../model/address-set.ts';
import type { AddressFamily } from '../model/listener.ts';
import { allBits, type Bits, hasBit, moveRange, setRange } from './bits.ts';

/**
 * The addresses that a peer may have, cut into intervals that no rule of the question tells apart. Rules work on bits, one
 * per interval; addresses come back only when an answer is written down.
 */
export interface PeerSpace {
  readonly family: AddressFamily;
  /** Number of intervals. */
  readonly size: number;
  /** Intervals that a set holds. Every set asked about was given when the space was made. */
  bitsOf(set: AddressSet): Bits;
  /** Takes the intervals of a set out of `from` and adds them to `into`. */
  move(set: RankedSet, from: Uint32Array, into: Uint32Array): void;
  addressesOf(bits: Bits): AddressSet;
}

/** Places of a set's boundaries among those of all sets. */
export interface RankedSet {
  readonly ipv4: Int32Array;
  readonly ipv6: Int32Array;
}

/** Boundaries of every set that rules name, ranked once for all questions: bigints are compared here and never again. */
export class AddressRanks {
  readonly #ipv4: Float64Array;
  readonly #ipv6: readonly bigint[];
  readonly #known = new Map<AddressSet, RankedSet>();
  /** Place of each boundary in the space at hand, valid where `#epochs` has the number of that space. */
  readonly #places: { readonly ipv4: Int32Array; readonly ipv6: Int32Array };
  readonly #epochs: { readonly ipv4: Int32Array; readonly ipv6: Int32Array };
  #epoch = 0;

  constructor(sets: Iterable<AddressSet>) {
    const values4: number[] = [0, 2 ** 32];
    const values6: bigint[] = [0n, 1n << 128n];
    const distinct = new Set(sets);
    for (const set of distinct) {
      for (const value of set.ipv4) values4.push(value);
      for (const value of set.ipv6) values6.push(value);
    }
    this.#ipv4 = Float64Array.from(values4)
      .sort()
      .filter((value, i, all) => value !== all[i - 1]);
    this.#ipv6 = distinctAscending(values6);
    this.#places = { ipv4: new Int32Array(this.#ipv4.length), ipv6: new Int32Array(this.#ipv6.length) };
    this.#epochs = { ipv4: new Int32Array(this.#ipv4.length), ipv6: new Int32Array(this.#ipv6.length) };
    for (const set of distinct) this.rank(set);
  }

  /** Places of a set's boundaries; the set is one of those that were given. */
  rank(set: AddressSet): RankedSet {
    const known = this.#known.get(set);
    if (known) return known;
    const ranked = {
      ipv4: Int32Array.from(set.ipv4, (value) => rankOf(this.#ipv4, value)),
      ipv6: Int32Array.from(set.ipv6, (value) => rankOf(this.#ipv6, value)),
    };
    if (ranked.ipv4.includes(-1) || ranked.ipv6.includes(-1)) throw new Error('a set was not ranked');
    this.#known.set(set, ranked);
    return ranked;
  }

  /** A space fine enough for the given sets. It can be asked for bits until the next one is made. */
  space(family: AddressFamily, lists: readonly (readonly RankedSet[])[]): PeerSpace {
    const places = this.#places[family];
    const epochs = this.#epochs[family];
    const epoch = ++this.#epoch;
    const last = epochs.length - 1;
    let count = 2;
    epochs[0] = epoch;
    epochs[last] = epoch;
    for (const sets of lists) {
      for (const set of sets) {
        const ranks = set[family];
        for (let i = 0; i < ranks.length; i++) {
          const rank = ranks[i] as number;
          if (epochs[rank] === epoch) continue;
          epochs[rank] = epoch;
          count++;
        }
      }
    }
    const sorted = new Int32Array(count);
    for (let rank = 0, place = 0; rank <= last; rank++) {
      if (epochs[rank] !== epoch) continue;
      sorted[place] = rank;
      places[rank] = place++;
    }
    const placeOf = (rank: number) => {
      if (epochs[rank] !== epoch) throw new Error('a set is not in the space');
      return places[rank] as number;
    };
    const size = sorted.length - 1;
    const cache = new Map<AddressSet, Bits>();
    return {
      family,
      size,
      bitsOf: (set) => {
        let bits = cache.get(set);
        if (bits !== undefined) return bits;
        const ranks = this.rank(set)[family];
        if (ranks.length === 0) bits = false;
        else if (ranks.length === 2 && ranks[0] === 0 && ranks[1] === last) bits = true;
        else {
          bits = new Uint32Array((size + 31) >>> 5);
          for (let i = 0; i < ranks.length; i += 2)
            setRange(bits, placeOf(ranks[i] as number), placeOf(ranks[i + 1] as number));
        }
        cache.set(set, bits);
        return bits;
      },
      move: (set, from, into) => {
        const ranks = set[family];
        for (let i = 0; i < ranks.length; i += 2)
          moveRange(from, into, placeOf(ranks[i] as number), placeOf(ranks[i + 1] as number));
      },
      addressesOf: (bits) => {
        const ipv4: number[] = [];
        const ipv6: bigint[] = [];
        let inside = false;
        const words = bits === true ? allBits(size) : bits;
        if (words === false) return { ipv4, ipv6 };
        const emit = (place: number) => {
          const rank = sorted[place] as number;
          if (family === 'ipv4') ipv4.push(this.#ipv4[rank] as number);
          else ipv6.push(this.#ipv6[rank] as bigint);
        };
        for (let i = 0; i < size; i++) {
          const word: number = words[i >>> 5] as number;
          if ((i & 31) === 0 && word === (inside ? -1 >>> 0 : 0)) {
            i += 31;
            continue;
          }
          const bit: boolean = ((word >>> (i & 31)) & 1) === 1;
          if (bit === inside) continue;
          inside = bit;
          emit(i);
        }
        if (inside) emit(size);
        return { ipv4, ipv6 };
      },
    };
  }
}

/** Sorted, each once. 2^128, the end of the last interval, is one bit too long for the sort of addresses. */
function distinctAscending(values: readonly bigint[]): readonly bigint[] {
  const end = 1n << 128n;
  const within = values.filter((value) => value !== end);
  const result: bigint[] = [];
  for (const i of ascending(within)) {
    const value = within[i] as bigint;
    if (result.length === 0 || value !== result[result.length - 1]) result.push(value);
  }
  result.push(end);
  return result;
}

/** Place of a value in a sorted list; -1 where it is not there. A map of bigints would look at their low 64 bits only. */
function rankOf<T extends number | bigint>(values: ArrayLike<T>, value: T): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((values[middle] as T) < value) low = middle + 1;
    else high = middle;
  }
  return values[low] === value ? low : -1;
}

/** The space of one address: for following one packet. */
export function spaceOfOne(address: Address): PeerSpace {
  const { family, value } = address;
  const only: AddressSet =
    family === 'ipv4' ? { ipv4: [value, value + 1], ipv6: [] } : { ipv4: [], ipv6: [value, value + 1n] };
  return {
    family,
    size: 1,
    bitsOf: (set) => has(set, address),
    // one packet is followed rule by rule
    move: () => {
      throw new Error('a set of one address is not moved');
    },
    addressesOf: (bits) => (hasBit(bits, 0) ? only : { ipv4: [], ipv6: [] }),
  };
}

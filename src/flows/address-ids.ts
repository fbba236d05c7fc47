import type { AddressIds } from './flow-format.ts';

/** Addresses from here on are numbers given out by a table; below it, a number is an IPv4 address. */
export const FIRST_IPV6_ID = 2 ** 32;

/** The table of the IPv6 addresses that a roll-up holds. */
export interface AddressTable extends AddressIds {
  /** IPv6 addresses in it. */
  readonly size: number;
  /** No more than a few fit: whoever holds numbers writes them out, then calls clear(). */
  readonly isNearlyFull: boolean;
  /** Writes the 128 bits of an address to target[at, at + 4), least significant word first, as in a FlowBatch. */
  words(id: number, target: Uint32Array, at: number): void;
  /** The number of an address in such words. */
  ofWords(source: Uint32Array, at: number): number;
  /** Forgets every number that was given out. */
  clear(): void;
}

/** Steps of a search from which on the table counts as nearly full: addresses that were chosen to collide cost no more. */
const LONGEST_SEARCH = 512;
/** Room that is left when the table counts as nearly full: more addresses than any one record has. */
const RESERVE = 1024;

function hashOf(a: number, b: number, c: number, d: number): number {
  let hash = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ Math.imul(c, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 13), 0x297a2d39) ^ Math.imul(d, 0x27d4eb2f);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  return (hash ^ (hash >>> 13)) >>> 0;
}

/**
 * Makes a table of IPv6 addresses that never holds more than `most` (16 bytes each, and 8 of the index). It grows as it
 * fills. An IPv4-mapped address (::ffff:a.b.c.d) is its IPv4 address.
 */
export function createAddressIds(most: number = 1_048_576): AddressTable {
  let slots = 1024;
  let index = new Int32Array(slots).fill(-1);
  let words = new Uint32Array(slots * 2);
  let size = 0;
  let isCrowded = false;

  function grow(): void {
    slots *= 2;
    index = new Int32Array(slots).fill(-1);
    const larger = new Uint32Array(slots * 2);
    larger.set(words);
    words = larger;
    for (let n = 0; n < size; n++) {
      const at = n * 4;
      let slot =
        hashOf(words[at] as number, words[at + 1] as number, words[at + 2] as number, words[at + 3] as number) &
        (slots - 1);
      while (index[slot] !== -1) slot = (slot + 1) & (slots - 1);
      index[slot] = n;
    }
  }

  function idOf(w0: number, w1: number, w2: number, w3: number): number {
    if (w3 === 0 && w2 === 0 && w1 === 0xffff) return w0;
    let slot = hashOf(w0, w1, w2, w3) & (slots - 1);
    let steps = 0;
    for (let n = index[slot] as number; n !== -1; n = index[slot] as number) {
      const at = n * 4;
      if (words[at] === w0 && words[at + 1] === w1 && words[at + 2] === w2 && words[at + 3] === w3)
        return FIRST_IPV6_ID + n;
      slot = (slot + 1) & (slots - 1);
      steps++;
    }
    if (steps > LONGEST_SEARCH) isCrowded = true;
    if (size >= most + RESERVE) throw new RangeError('the table of addresses was not cleared when it was full');
    if ((size + 1) * 2 > slots) {
      grow();
      return idOf(w0, w1, w2, w3);
    }
    const n = size++;
    index[slot] = n;
    words[n * 4] = w0;
    words[n * 4 + 1] = w1;
    words[n * 4 + 2] = w2;
    words[n * 4 + 3] = w3;
    return FIRST_IPV6_ID + n;
  }

  function word(bytes: Uint8Array, at: number): number {
    return (
      (((bytes[at] as number) << 24) |
        ((bytes[at + 1] as number) << 16) |
        ((bytes[at + 2] as number) << 8) |
        (bytes[at + 3] as number)) >>>
      0
    );
  }

  return {
    get size() {
      return size;
    },
    get isNearlyFull() {
      return isCrowded || size >= most;
    },
    ipv6(bytes, at) {
      return idOf(word(bytes, at + 12), word(bytes, at + 8), word(bytes, at + 4), word(bytes, at));
    },
    ofWords(source, at) {
      return idOf(source[at] as number, source[at + 1] as number, source[at + 2] as number, source[at + 3] as number);
    },
    words(id, target, at) {
      if (id < FIRST_IPV6_ID) {
        target[at] = id;
        target[at + 1] = 0xffff;
        target[at + 2] = 0;
        target[at + 3] = 0;
        return;
      }
      const from = (id - FIRST_IPV6_ID) * 4;
      for (let w = 0; w < 4; w++) target[at + w] = words[from + w] as number;
    },
    clear() {
      size = 0;
      isCrowded = false;
      index.fill(-1);
    },
  };
}

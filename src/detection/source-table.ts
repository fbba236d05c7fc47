import { formatAddress } from '../model/address.ts';
import { putWords, textOfWords } from '../model/flow-address.ts';
import type { SourceTable } from './history.ts';

/** A SourceTable that gives numbers to addresses of FlowBatches. */
export interface GrowingSourceTable extends SourceTable {
  /** Number of the address in a row of FlowBatch.src. */
  ofRow(addresses: Uint32Array, row: number): number;
  /** Number of an address as text. */
  ofAddress(text: string): number;
}

/** From here on numbers are given out in turn; below it, a number is an IPv4 address (240.0.0.0/4 is no source). */
const FIRST_GIVEN = 0xf000_0000;
/** Networks of IPv4 are below it. */
const FIRST_GIVEN_NETWORK = 2 ** 24;

export function createSourceTable(): GrowingSourceTable {
  const addresses = createWordsTable(4);
  const networks = createWordsTable(2);
  /** Network by address, of those that are given out. */
  let networkOf = new Uint32Array(1024);

  function ofRow(words: Uint32Array, row: number): number {
    const at = row * 4;
    const value = words[at] as number;
    const isIpv4 = words[at + 3] === 0 && words[at + 2] === 0 && words[at + 1] === 0xffff;
    if (isIpv4 && value < FIRST_GIVEN) return value;
    const before = addresses.size;
    const given = addresses.numberOf(words, at);
    if (given === before) {
      if (given === networkOf.length) {
        const larger = new Uint32Array(given * 2);
        larger.set(networkOf);
        networkOf = larger;
      }
      networkOf[given] = networks.numberOf(words, at + 2);
    }
    return FIRST_GIVEN + given;
  }
  const one = new Uint32Array(4);

  return {
    ofRow,
    ofAddress(text) {
      putWords(one, 0, text);
      return ofRow(one, 0);
    },
    address: (number) =>
      number < FIRST_GIVEN
        ? formatAddress({ family: 'ipv4', value: number })
        : textOfWords(addresses.words, number - FIRST_GIVEN),
    network: (number) =>
      number < FIRST_GIVEN ? number >>> 8 : FIRST_GIVEN_NETWORK + (networkOf[number - FIRST_GIVEN] as number),
    networkText(network) {
      if (network < FIRST_GIVEN_NETWORK) return `${formatAddress({ family: 'ipv4', value: network * 256 })}/24`;
      const at = (network - FIRST_GIVEN_NETWORK) * 2;
      const [low = 0, high = 0] = networks.words.subarray(at, at + 2);
      const value = (BigInt(high) << 96n) | (BigInt(low) << 64n);
      return `${formatAddress({ family: 'ipv6', value })}/64`;
    },
  };
}

/** Gives numbers, in turn, to runs of `width` words. Sources may be made up by the million: no text is kept of any. */
function createWordsTable(width: number) {
  let slots = 1024;
  /** Number and one, 0: free. */
  let index = new Uint32Array(slots);
  let words = new Uint32Array((slots / 2) * width);
  let size = 0;

  function hashOf(from: Uint32Array, at: number): number {
    let hash = 0;
    for (let w = 0; w < width; w++) {
      hash = Math.imul(hash ^ (from[at + w] as number), 0x9e3779b1);
      hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
    }
    return (hash ^ (hash >>> 13)) >>> 0;
  }

  function isAt(number: number, from: Uint32Array, at: number): boolean {
    for (let w = 0; w < width; w++) if (words[number * width + w] !== from[at + w]) return false;
    return true;
  }

  function grow(): void {
    slots *= 2;
    index = new Uint32Array(slots);
    const larger = new Uint32Array((slots / 2) * width);
    larger.set(words);
    words = larger;
    for (let number = 0; number < size; number++) {
      let slot = hashOf(words, number * width) & (slots - 1);
      while (index[slot] !== 0) slot = (slot + 1) & (slots - 1);
      index[slot] = number + 1;
    }
  }

  return {
    get size() {
      return size;
    },
    /** `width` words for each number. */
    get words() {
      return words;
    },
    numberOf(from: Uint32Array, at: number): number {
      let slot = hashOf(from, at) & (slots - 1);
      for (let taken = index[slot] as number; taken !== 0; taken = index[slot] as number) {
        if (isAt(taken - 1, from, at)) return taken - 1;
        slot = (slot + 1) & (slots - 1);
      }
      if (size === slots / 2) {
        grow();
        return this.numberOf(from, at);
      }
      for (let w = 0; w < width; w++) words[size * width + w] = from[at + w] as number;
      index[slot] = size + 1;
      return size++;
    },
  };
}

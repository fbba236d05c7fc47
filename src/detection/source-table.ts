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
  const numbers = new Map<string, number>();
  const addresses: string[] = [];
  const networks: number[] = [];
  const networkNumbers = new Map<string, number>();
  const networkTexts: string[] = [];

  function give(text: string, network: string): number {
    const known = numbers.get(text);
    if (known !== undefined) return known;
    const number = FIRST_GIVEN + addresses.length;
    numbers.set(text, number);
    addresses.push(text);
    let networkNumber = networkNumbers.get(network);
    if (networkNumber === undefined) {
      networkNumber = FIRST_GIVEN_NETWORK + networkTexts.length;
      networkNumbers.set(network, networkNumber);
      networkTexts.push(network);
    }
    networks.push(networkNumber);
    return number;
  }

  function ofRow(words: Uint32Array, row: number): number {
    const at = row * 4;
    const value = words[at] as number;
    const isIpv4 = words[at + 3] === 0 && words[at + 2] === 0 && words[at + 1] === 0xffff;
    if (isIpv4 && value < FIRST_GIVEN) return value;
    return give(textOfWords(words, row), `${words[at + 3]?.toString(16)} ${words[at + 2]?.toString(16)}`);
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
        : (addresses[number - FIRST_GIVEN] as string),
    network: (number) => (number < FIRST_GIVEN ? number >>> 8 : (networks[number - FIRST_GIVEN] as number)),
    networkText(network) {
      if (network < FIRST_GIVEN_NETWORK) return `${formatAddress({ family: 'ipv4', value: network * 256 })}/24`;
      const [high = '0', low = '0'] = (networkTexts[network - FIRST_GIVEN_NETWORK] as string).split(' ');
      const value = (BigInt(`0x${high}`) << 96n) | (BigInt(`0x${low}`) << 64n);
      return `${formatAddress({ family: 'ipv6', value })}/64`;
    },
  };
}

import { type Address, parseAddress } from '../model/address.ts';
import { type AddressSet, EMPTY, union } from '../model/address-set.ts';
import { fromCidrs } from '../model/address-set-text.ts';
import { formatCidr, parseCidr } from '../model/cidr.ts';
import { textOf } from './untrusted.ts';

/** The block a value names; AWS and CNI plugins read host bits as the block. null where it is none. */
export function blockOfText(value: unknown): { readonly set: AddressSet; readonly text: string } | null {
  const read = parseCidr(textOf(value) ?? '');
  if (read.kind === 'invalid') return null;
  const text = formatCidr(read.cidr);
  return { set: fromCidrs([text]), text };
}

/** The addresses and blocks of a list together; what is none is left out. */
export function blocksOfTexts(values: readonly unknown[]): AddressSet {
  const texts = values.map((value) => blockOfText(value)?.text).filter((text) => text !== undefined);
  return texts.length === 0 ? EMPTY : fromCidrs(texts);
}

export function addressOfText(value: unknown): Address | null {
  return parseAddress(textOf(value) ?? '');
}

/** One address as a set. */
export function setOf(address: Address): AddressSet {
  return address.family === 'ipv4'
    ? { ipv4: [address.value, address.value + 1], ipv6: [] }
    : { ipv4: [], ipv6: [address.value, address.value + 1n] };
}

/** Union of many sets, in the order of their boundaries: pairs of pairs, so that no long list is copied for each. */
export function unionOf(sets: readonly AddressSet[]): AddressSet {
  let level = [...sets];
  while (level.length > 1) {
    const next: AddressSet[] = [];
    for (let i = 0; i < level.length; i += 2) next.push(union(level[i] ?? EMPTY, level[i + 1] ?? EMPTY));
    level = next;
  }
  return level[0] ?? EMPTY;
}

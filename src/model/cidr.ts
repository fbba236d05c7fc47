import { type Address, addressBits, formatAddress, parseAddress } from './address.ts';

/** A block of addresses: its first address and the length of the prefix that all share (RFC 4632, RFC 4291 2.3). */
export interface Cidr {
  readonly network: Address;
  readonly prefix: number;
}

/**
 * What a text says as a CIDR. `host-bits`: an address inside a block rather than the block; `cidr` is the block that
 * may have been meant. `message` says what is wrong and what was expected.
 */
export type CidrResult =
  | { readonly kind: 'cidr'; readonly cidr: Cidr }
  | { readonly kind: 'host-bits'; readonly cidr: Cidr; readonly message: string }
  | { readonly kind: 'invalid'; readonly message: string };

/** Returns the canonical text, always with the prefix length: `10.0.0.0/8`, `192.0.2.1/32`, `fd00::/8`. */
export function formatCidr(cidr: Cidr): string {
  return `${formatAddress(cidr.network)}/${cidr.prefix}`;
}

/** Returns the block with the given prefix length that an address lies in. */
export function blockOf(address: Address, prefix: number): Cidr {
  if (address.family === 'ipv4') {
    const size = 2 ** (32 - prefix);
    return { network: { family: 'ipv4', value: address.value - (address.value % size) }, prefix };
  }
  const shift = BigInt(128 - prefix);
  return { network: { family: 'ipv6', value: (address.value >> shift) << shift }, prefix };
}

/** Reads `ADDRESS/LENGTH`; an address alone is the block of just that address. */
export function parseCidr(text: string): CidrResult {
  const slash = text.indexOf('/');
  const address = parseAddress(slash < 0 ? text : text.slice(0, slash));
  if (address === null) {
    const what = slash < 0 ? `"${text}" is not an address or CIDR` : `"${text.slice(0, slash)}" is not an address`;
    return { kind: 'invalid', message: `${what}; expected for example 10.0.0.0/24, 10.0.0.5 or fd00::/8` };
  }
  const bits = addressBits(address.family);
  if (slash < 0) return { kind: 'cidr', cidr: { network: address, prefix: bits } };
  const length = text.slice(slash + 1);
  if (!/^(0|[1-9][0-9]{0,2})$/.test(length) || Number(length) > bits) {
    const family = address.family === 'ipv4' ? 'IPv4' : 'IPv6';
    return { kind: 'invalid', message: `"${text}": expected a prefix length from 0 to ${bits} for ${family}` };
  }
  const cidr = blockOf(address, Number(length));
  if (cidr.network.value === address.value) return { kind: 'cidr', cidr };
  return {
    kind: 'host-bits',
    cidr,
    message: `${text} has host bits set, did you mean ${formatCidr(cidr)}`,
  };
}

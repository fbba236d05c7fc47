import { formatAddress, ipv6Value, parseAddress, scanIpv4, scanIpv6 } from './address.ts';
import { ipv4Boundaries, ipv6Boundaries } from './address-intervals.ts';
import { type AddressRange, type AddressSet, cidrsOfRange, toRanges, union } from './address-set.ts';
import { formatCidr, parseCidr } from './cidr.ts';

/** A text that is no address, CIDR or range; `index` is its place in the list. */
export interface AddressProblem {
  readonly index: number;
  readonly text: string;
  /** What is wrong and what was expected. */
  readonly message: string;
}

/** Returns the addresses of all ranges together. Throws RangeError on a range of mixed family or in reverse. */
export function fromRanges(ranges: readonly AddressRange[]): AddressSet {
  const starts4: number[] = [];
  const ends4: number[] = [];
  const starts6: bigint[] = [];
  const ends6: bigint[] = [];
  for (const { first, last } of ranges) {
    if (first.family !== last.family || first.value > last.value)
      throw new RangeError(`${formatAddress(first)}-${formatAddress(last)} is not an ascending range of one family`);
    if (first.family === 'ipv4') {
      starts4.push(first.value);
      ends4.push(Number(last.value) + 1);
    } else {
      starts6.push(first.value);
      ends6.push(BigInt(last.value) + 1n);
    }
  }
  return {
    ipv4: ipv4Boundaries(Float64Array.from(starts4), Float64Array.from(ends4)),
    ipv6: ipv6Boundaries(starts6, ends6),
  };
}

const SIZES_IPV4 = Array.from({ length: 33 }, (_, prefix) => 2 ** (32 - prefix));
const SIZES_IPV6 = Array.from({ length: 129 }, (_, prefix) => 1n << BigInt(128 - prefix));

/** Reads a prefix length from `from` to the end of the text; -1 where it is none or exceeds `most`. */
function scanPrefix(text: string, from: number, most: number): number {
  let prefix = 0;
  for (let i = from; i < text.length; i++) {
    const digit = text.charCodeAt(i) - 48;
    if (digit < 0 || digit > 9 || (i > from && prefix === 0)) return -1;
    prefix = prefix * 10 + digit;
    if (prefix > most) return -1;
  }
  return from < text.length ? prefix : -1;
}

/**
 * Reads a list of addresses (`10.0.0.5`), CIDRs (`10.0.0.0/8`) and ranges (`10.0.0.1-10.0.0.9`, both ends in) into one
 * set. What cannot be read, a CIDR with host bits set too, is left out and told as a problem.
 */
export function parseAddressSet(texts: readonly string[]): {
  readonly set: AddressSet;
  readonly problems: readonly AddressProblem[];
} {
  const starts4 = new Float64Array(texts.length);
  const ends4 = new Float64Array(texts.length);
  let count4 = 0;
  const starts6: bigint[] = [];
  const ends6: bigint[] = [];
  const ranges: AddressRange[] = [];
  const problems: AddressProblem[] = [];
  for (let index = 0; index < texts.length; index++) {
    const text = texts[index] as string;
    const slash = text.indexOf('/');
    const end = slash < 0 ? text.length : slash;
    const ipv4 = scanIpv4(text, 0, end);
    if (ipv4 >= 0) {
      const prefix = slash < 0 ? 32 : scanPrefix(text, slash + 1, 32);
      const size = SIZES_IPV4[prefix];
      if (size !== undefined && ipv4 % size === 0) {
        starts4[count4] = ipv4;
        ends4[count4++] = ipv4 + size;
        continue;
      }
    } else {
      const bytes = scanIpv6(text, 0, end);
      const size = SIZES_IPV6[slash < 0 ? 128 : scanPrefix(text, slash + 1, 128)];
      if (bytes !== null && size !== undefined) {
        const start = ipv6Value(bytes);
        if ((start & (size - 1n)) === 0n) {
          starts6.push(start);
          ends6.push(start + size);
          continue;
        }
      }
    }
    const range = parseRange(text);
    if (typeof range === 'string') problems.push({ index, text, message: range });
    else ranges.push(range);
  }
  const cidrs: AddressSet = {
    ipv4: ipv4Boundaries(starts4.subarray(0, count4), ends4.subarray(0, count4)),
    ipv6: ipv6Boundaries(starts6, ends6),
  };
  return { set: ranges.length === 0 ? cidrs : union(cidrs, fromRanges(ranges)), problems };
}

/** Returns the range that `FIRST-LAST` means, or why the text is none of what a set is written with. */
function parseRange(text: string): AddressRange | string {
  const dash = text.indexOf('-');
  if (dash < 0) {
    const cidr = parseCidr(text);
    return cidr.kind === 'cidr' ? `"${text}" is not an address` : cidr.message;
  }
  const first = parseAddress(text.slice(0, dash).trim());
  const last = parseAddress(text.slice(dash + 1).trim());
  if (first === null || last === null || first.family !== last.family)
    return `"${text}" is not a range; expected two addresses of one family, such as 10.0.0.1-10.0.0.9`;
  if (first.value > last.value)
    return `"${text}" is a reversed range; did you mean ${formatAddress(last)}-${formatAddress(first)}`;
  return { first, last };
}

/**
 * Returns the addresses of all texts together, for texts that were accepted before. Throws RangeError on the first that
 * is not an address, CIDR or range; use parseAddressSet for what comes from outside.
 */
export function fromCidrs(texts: readonly string[]): AddressSet {
  const { set, problems } = parseAddressSet(texts);
  if (problems[0]) throw new RangeError(problems[0].message);
  return set;
}

/** Returns the set for people: each interval in its shortest form, `10.0.0.0/8, 192.0.2.1, fd00::1-fd00::3`. */
export function toText(set: AddressSet): string {
  return toRanges(set)
    .map((range) => {
      const [cidr, ...more] = cidrsOfRange(range);
      if (range.first.value === range.last.value) return formatAddress(range.first);
      return cidr && more.length === 0
        ? formatCidr(cidr)
        : `${formatAddress(range.first)}-${formatAddress(range.last)}`;
    })
    .join(', ');
}

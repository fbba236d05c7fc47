import { listWords } from '../util/words.ts';
import {
  type AddressSet,
  ALL,
  ALL_IPV4,
  ALL_IPV6,
  difference,
  EMPTY,
  equals,
  intersection,
  isEmpty,
  isSubset,
  size,
  toCidrs,
  union,
} from './address-set.ts';
import { parseAddressSet } from './address-set-text.ts';
import type { Zone } from './register.ts';

const FAMILIES = [
  { name: 'IPv4', all: ALL_IPV4 },
  { name: 'IPv6', all: ALL_IPV6 },
] as const;

/**
 * A set of sources in words: `nobody`, `every address`, `10.0.0.0/8 and 2 more`, `every IPv4 address but 192.0.2.1/32`;
 * zones by name where the set holds all of one.
 */
export function describeSources(set: AddressSet, zones: readonly Zone[] = [], max = 4): string {
  if (isEmpty(set)) return 'nobody';
  if (equals(set, ALL)) return 'every address';
  const { named, rest } = zonesIn(set, zones);
  const words = [...named];
  for (const { name, all } of FAMILIES) {
    const own = intersection(rest, all);
    if (isEmpty(own)) continue;
    if (equals(own, all)) {
      words.push(`every ${name} address`);
      continue;
    }
    const cidrs = toCidrs(own);
    const without = cidrs.length > max ? toCidrs(difference(all, own)) : [];
    if (without.length > 0 && without.length < cidrs.length)
      words.push(`every ${name} address but ${listWords(without.map(shortCidr), max)}`);
    else for (const cidr of cidrs) words.push(shortCidr(cidr));
  }
  return listWords(words, Math.max(max, words.filter((w) => w.startsWith('every')).length));
}

/** Zones asked about; more are told by their addresses. */
const MOST_ZONES = 200;

/** Zones that the set holds whole, and what is left without them. */
function zonesIn(set: AddressSet, zones: readonly Zone[]): { named: string[]; rest: AddressSet } {
  // A whole family holds every zone of it, and says more than their names.
  const whole = FAMILIES.filter(({ all }) => isSubset(all, set)).reduce((s, { all }) => union(s, all), EMPTY);
  const narrow = difference(set, whole);
  if (isEmpty(narrow)) return { named: [], rest: set };
  const named: string[] = [];
  let rest = narrow;
  let blocks = toCidrs(rest).length;
  for (const zone of zones.slice(0, MOST_ZONES)) {
    const { set: held } = parseAddressSet(zone.cidrs);
    if (isEmpty(held) || !isSubset(held, narrow)) continue;
    const without = difference(rest, held);
    const left = toCidrs(without).length;
    // A name that leaves more to say than it saves is no help: 10.0.0.0/8 is not "zone:app and 23 blocks around it".
    if (left >= blocks) continue;
    named.push(`zone:${zone.name}`);
    rest = without;
    blocks = left;
  }
  return { named, rest: union(rest, whole) };
}

/** `65,280 addresses`, `256 IPv4 and 2^64 IPv6 addresses`; IPv6 beyond a million as a power of two, rounded down. */
export function countSources(set: AddressSet): string {
  const ipv4 = size({ ipv4: set.ipv4, ipv6: [] });
  const ipv6 = size({ ipv4: [], ipv6: set.ipv6 });
  const words = (n: bigint) => {
    if (n <= 2n ** 32n) return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
    const power = n.toString(2).length - 1;
    return n === 1n << BigInt(power) ? `2^${power}` : `over 2^${power}`;
  };
  const noun = (n: bigint) => (n === 1n ? 'address' : 'addresses');
  if (ipv6 === 0n) return `${words(ipv4)} ${noun(ipv4)}`;
  if (ipv4 === 0n) return `${words(ipv6)} IPv6 ${noun(ipv6)}`;
  return `${words(ipv4)} IPv4 and ${words(ipv6)} IPv6 addresses`;
}

/** `192.0.2.1` for one address, else the block. */
export function shortCidr(cidr: string): string {
  return cidr.replace(cidr.includes(':') ? /\/128$/ : /\/32$/, '');
}

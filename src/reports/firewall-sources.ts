import {
  type AddressSet,
  ALL_IPV4,
  ALL_IPV6,
  difference,
  equals,
  isEmpty,
  isSubset,
  toRanges,
} from '../model/address-set.ts';
import { toText } from '../model/address-set-text.ts';
import type { AddressBounds } from '../model/admission.ts';
import { count } from '../util/words.ts';

/** A named set of addresses, from the register. */
export interface NamedSet {
  readonly name: string;
  readonly set: AddressSet;
}

/** Intervals of one family that a line shows. */
const MOST_INTERVALS = 8;
const NO_IPV4: readonly number[] = [];
const NO_IPV6: readonly bigint[] = [];

/** Sources for people: `10.0.0.0/8, fd00::/8 (zone office)`, `everybody`, `every IPv4 address but 192.0.2.0/24`, `nobody`. */
export function sourcesText(set: AddressSet, zones: readonly NamedSet[] = [], most = MOST_INTERVALS): string {
  if (isEmpty(set)) return 'nobody';
  const ipv4 = familyText({ ipv4: set.ipv4, ipv6: NO_IPV6 }, ALL_IPV4, 'IPv4', most);
  const ipv6 = familyText({ ipv4: NO_IPV4, ipv6: set.ipv6 }, ALL_IPV6, 'IPv6', most);
  if (ipv4 === 'every IPv4 address' && ipv6 === 'every IPv6 address') return 'everybody';
  const names = zonesText(set, zones);
  return `${[ipv4, ipv6].filter((text) => text !== '').join(', ')}${names === '' ? '' : ` (${names})`}`;
}

/** `lower`, and what is only possible. */
export function boundsText({ lower, upper }: AddressBounds, zones: readonly NamedSet[] = []): string {
  const perhaps = difference(upper, lower);
  if (isEmpty(perhaps)) return sourcesText(lower, zones);
  const open = `undecided for ${sourcesText(perhaps, zones)}`;
  return isEmpty(lower) ? open : `${sourcesText(lower, zones)}; ${open}`;
}

/** The family's part, in the shorter of two ways of saying it; empty where it has none. */
function familyText(set: AddressSet, all: AddressSet, name: string, most: number): string {
  if (isEmpty(set)) return '';
  if (equals(set, all)) return `every ${name} address`;
  const others = difference(all, set);
  const intervals = (s: AddressSet) => (s.ipv4.length + s.ipv6.length) / 2;
  // what is said shorter by what is missing holds both ends of the address space
  if (intervals(others) < intervals(set)) return `every ${name} address but ${someText(others, most)}`;
  return someText(set, most);
}

function someText(set: AddressSet, most: number): string {
  const ranges = toRanges(set);
  if (ranges.length <= most) return toText(set);
  const first: AddressSet = { ipv4: set.ipv4.slice(0, most * 2), ipv6: set.ipv6.slice(0, most * 2) };
  return `${toText(first)} and ${count(ranges.length - most, 'further range')}`;
}

/** Zones of the register that the set is, or holds whole. */
function zonesText(set: AddressSet, zones: readonly NamedSet[]): string {
  const same = zones.filter((zone) => equals(zone.set, set));
  if (same.length > 0) return `zone ${same.map((zone) => zone.name).join(', ')}`;
  const held = zones.filter((zone) => !isEmpty(zone.set) && isSubset(zone.set, set));
  return held.length === 0 ? '' : `holds ${held.map((zone) => `zone ${zone.name}`).join(', ')}`;
}

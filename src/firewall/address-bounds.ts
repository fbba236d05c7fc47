import {
  type AddressSet,
  ALL_IPV4,
  ALL_IPV6,
  difference,
  EMPTY,
  intersection,
  isEmpty,
  union,
} from '../model/address-set.ts';
import type { AddressBounds } from '../model/admission.ts';
import { familyPart } from './packet-classes.ts';

/** Bounds of what passes both. */
export function both(a: AddressBounds, b: AddressBounds): AddressBounds {
  if (b.lower === b.upper && a.lower === a.upper) {
    const same = isAll(a.lower) ? familyOf(b.lower, a.lower) : intersection(a.lower, b.lower);
    return { lower: same, upper: same };
  }
  return { lower: intersection(a.lower, b.lower), upper: intersection(a.upper, b.upper) };
}

function isAll(set: AddressSet): boolean {
  return set === ALL_IPV4 || set === ALL_IPV6;
}

/** A set of one family as it is, else its part. */
function familyOf(set: AddressSet, family: AddressSet): AddressSet {
  return familyPart(set, family === ALL_IPV4 ? 'ipv4' : 'ipv6');
}

/** Bounds of what passes one of them at least. */
export function either(a: AddressBounds, b: AddressBounds): AddressBounds {
  if (a.upper === EMPTY) return b;
  if (a.lower === a.upper && b.lower === b.upper) {
    const same = union(a.lower, b.lower);
    return { lower: same, upper: same };
  }
  return { lower: union(a.lower, b.lower), upper: union(a.upper, b.upper) };
}

/** Says whether nothing is left open. */
export function isDecided({ lower, upper }: AddressBounds): boolean {
  return lower === upper || isEmpty(difference(upper, lower));
}

import { type AddressRange, type AddressSet, toRanges } from '../model/address-set.ts';
import { fromRanges } from '../model/address-set-text.ts';

/** Addresses that more than one owner claims: whose they are cannot be told from the address. */
export function claimedTwice(claims: Iterable<{ readonly owner: string; readonly addresses: AddressSet }>): AddressSet {
  const ranges: Array<AddressRange & { readonly owner: string }> = [];
  for (const { owner, addresses } of claims) for (const range of toRanges(addresses)) ranges.push({ ...range, owner });
  ranges.sort((a, b) => {
    if (a.first.family !== b.first.family) return a.first.family === 'ipv4' ? -1 : 1;
    return a.first.value < b.first.value ? -1 : a.first.value > b.first.value ? 1 : 0;
  });
  const twice: AddressRange[] = [];
  let reach: (typeof ranges)[number] | null = null;
  // A second owner that reaches less far than the first must not be forgotten behind it.
  let other: (typeof ranges)[number] | null = null;
  for (const range of ranges) {
    for (const before of [reach, other]) {
      if (before === null || before.owner === range.owner || before.last.family !== range.first.family) continue;
      if (before.last.value < range.first.value) continue;
      const last = before.last.value < range.last.value ? before.last : range.last;
      twice.push({ first: range.first, last });
    }
    const further = reach === null || reach.last.family !== range.last.family || reach.last.value < range.last.value;
    if (further) {
      if (reach !== null && reach.owner !== range.owner) other = reach;
      reach = range;
    } else if (reach !== null && reach.owner !== range.owner) {
      if (other === null || other.last.family !== range.last.family || other.last.value < range.last.value)
        other = range;
    }
  }
  return fromRanges(twice);
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { toText } from '../model/address-set-text.ts';
import { claimedTwice } from './overlapping.ts';

test('finds what two owners claim, and nothing that one claims twice', () => {
  const claim = fc.record({
    owner: fc.constantFrom('a', 'b', 'c'),
    from: fc.integer({ min: 0, max: 30 }),
    length: fc.integer({ min: 1, max: 12 }),
  });
  fc.assert(
    fc.property(fc.array(claim, { maxLength: 8 }), fc.boolean(), (claims, isIpv6) => {
      const sets = claims.map(({ owner, from, length }) => ({
        owner,
        addresses: isIpv6
          ? { ipv4: [], ipv6: [BigInt(from), BigInt(from + length)] }
          : { ipv4: [from, from + length], ipv6: [] },
      }));
      const expected: number[] = [];
      for (let at = 0; at < 50; at++) {
        const owners = new Set(claims.filter((c) => c.from <= at && at < c.from + c.length).map((c) => c.owner));
        if (owners.size > 1) expected.push(at);
      }
      const found = claimedTwice(sets);
      const bounds: readonly (number | bigint)[] = isIpv6 ? found.ipv6 : found.ipv4;
      const actual = Array.from({ length: 50 }, (_, at) => at).filter(
        (at) => bounds.filter((bound) => Number(bound) <= at).length % 2 === 1,
      );
      assert.deepEqual(actual, expected, toText(found));
    }),
  );
});

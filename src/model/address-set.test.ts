import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { type Address, parseAddress } from './address.ts';
import {
  type AddressRange,
  type AddressSet,
  ALL,
  ALL_IPV4,
  ALL_IPV6,
  difference,
  EMPTY,
  equals,
  has,
  intersection,
  isSubset,
  size,
  toCidrs,
  union,
} from './address-set.ts';
import { fromCidrs, fromRanges, parseAddressSet, toText } from './address-set-text.ts';
import { blockOf, formatCidr } from './cidr.ts';

test('the cover is minimal and canonical, the text short', () => {
  const cases: readonly [texts: readonly string[], cidrs: readonly string[], text: string][] = [
    [[], [], ''],
    [['10.0.0.0/25', '10.0.0.128/25'], ['10.0.0.0/24'], '10.0.0.0/24'],
    [['10.0.0.1-10.0.0.9'], ['10.0.0.1/32', '10.0.0.2/31', '10.0.0.4/30', '10.0.0.8/31'], '10.0.0.1-10.0.0.9'],
    [['fd00::1', '10.0.0.5', '10.0.0.5'], ['10.0.0.5/32', 'fd00::1/128'], '10.0.0.5, fd00::1'],
    [['0.0.0.0/1', '128.0.0.0/1', '::/0'], ['0.0.0.0/0', '::/0'], '0.0.0.0/0, ::/0'],
    [['ffff::/16', '255.255.255.255'], ['255.255.255.255/32', 'ffff::/16'], '255.255.255.255, ffff::/16'],
    [['10.0.0.1 - 10.0.0.2', '10.0.0.3-10.0.0.3'], ['10.0.0.1/32', '10.0.0.2/31'], '10.0.0.1-10.0.0.3'],
  ];
  for (const [texts, cidrs, text] of cases) {
    const set = fromCidrs(texts);
    assert.deepEqual(toCidrs(set), cidrs);
    assert.equal(toText(set), text);
    assert.ok(equals(fromCidrs(text === '' ? [] : text.split(', ')), set), 'the text is read back');
  }
});

test('what cannot be read is told, and the rest is used', () => {
  const { set, problems } = parseAddressSet([
    '10.0.0.5/24',
    '10.0.0.0/33',
    'x',
    '10.0.0.9-10.0.0.1',
    '::1-10.0.0.1',
    '::1',
  ]);
  assert.equal(toText(set), '::1');
  assert.deepEqual(
    problems.map((p) => `${p.index}: ${p.message}`),
    [
      '0: 10.0.0.5/24 has host bits set, did you mean 10.0.0.0/24',
      '1: "10.0.0.0/33": expected a prefix length from 0 to 32 for IPv4',
      '2: "x" is not an address or CIDR; expected for example 10.0.0.0/24, 10.0.0.5 or fd00::/8',
      '3: "10.0.0.9-10.0.0.1" is a reversed range; did you mean 10.0.0.1-10.0.0.9',
      '4: "::1-10.0.0.1" is not a range; expected two addresses of one family, such as 10.0.0.1-10.0.0.9',
    ],
  );
  assert.throws(() => fromCidrs(['10.0.0.5/24']), RangeError);
  const at = (text: string) => parseAddress(text) as Address;
  assert.throws(() => fromRanges([{ first: at('10.0.0.9'), last: at('10.0.0.1') }]), RangeError);
  assert.throws(() => fromRanges([{ first: at('10.0.0.9'), last: at('::1') }]), RangeError);
});

test('sizes of everything and nothing', () => {
  assert.equal(size(EMPTY), 0n);
  assert.equal(size(ALL_IPV4), 1n << 32n);
  assert.equal(size(ALL_IPV6), 1n << 128n);
  assert.ok(equals(union(ALL_IPV4, ALL_IPV6), ALL));
});

/** 256 addresses of each family, at a place where no byte of an address stays the same throughout. */
const BASE4 = 0x0a00_00c0;
const BASE6 = 0x2001_0db8_0000_0000_ffff_ffff_ffff_ff80n;
const UNIVERSE: readonly Address[] = Array.from({ length: 256 }, (_, n) => [
  { family: 'ipv4', value: BASE4 + n } as const,
  { family: 'ipv6', value: BASE6 + BigInt(n) } as const,
]).flat();

const anyRanges: fc.Arbitrary<AddressRange[]> = fc
  .array(fc.tuple(fc.boolean(), fc.nat(255), fc.nat(40)), { maxLength: 10 })
  .map((list) =>
    list.map(([isIpv6, from, more]) => {
      const at = (n: number): Address =>
        isIpv6 ? { family: 'ipv6', value: BASE6 + BigInt(n) } : { family: 'ipv4', value: BASE4 + n };
      return { first: at(from), last: at(Math.min(255, from + more)) };
    }),
  );
const anySmallSet = anyRanges.map(fromRanges);

test('a set has the addresses of its ranges, nested and overlapping ones too', () => {
  fc.assert(
    fc.property(anyRanges, (ranges) => {
      const set = fromRanges(ranges);
      for (const a of UNIVERSE) {
        const inside = ranges.some(
          (r) => r.first.family === a.family && r.first.value <= a.value && a.value <= r.last.value,
        );
        assert.equal(has(set, a), inside);
      }
    }),
  );
});

test('every operation agrees with trying every address', () => {
  fc.assert(
    fc.property(anySmallSet, anySmallSet, (a, b) => {
      const members = (set: AddressSet) => UNIVERSE.map((address) => has(set, address));
      const [inA, inB] = [members(a), members(b)];
      assert.deepEqual(
        members(union(a, b)),
        inA.map((x, i) => x || inB[i]),
      );
      assert.deepEqual(
        members(intersection(a, b)),
        inA.map((x, i) => x && inB[i]),
      );
      assert.deepEqual(
        members(difference(a, b)),
        inA.map((x, i) => x && !inB[i]),
      );
      assert.equal(
        isSubset(a, b),
        inA.every((x, i) => !x || inB[i]),
      );
      assert.equal(
        equals(a, b),
        inA.every((x, i) => x === inB[i]),
      );
      assert.equal(size(a), BigInt(inA.filter(Boolean).length));
    }),
  );
});

const anyCidr = fc.oneof(
  fc.tuple(fc.nat(0xffff_ffff), fc.nat(32)).map(([value, prefix]) => blockOf({ family: 'ipv4', value }, prefix)),
  fc
    .tuple(fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }), fc.nat(128))
    .map(([value, prefix]) => blockOf({ family: 'ipv6', value }, prefix)),
);
const anySet = fc.oneof(anySmallSet, fc.array(anyCidr.map(formatCidr), { maxLength: 12 }).map(fromCidrs));

test('the laws of sets hold', () => {
  const not = (set: AddressSet) => difference(ALL, set);
  fc.assert(
    fc.property(anySet, anySet, anySet, (a, b, c) => {
      assert.deepEqual(not(union(a, b)), intersection(not(a), not(b)), 'De Morgan');
      assert.deepEqual(intersection(a, union(b, c)), union(intersection(a, b), intersection(a, c)), 'distributivity');
      assert.deepEqual(union(a, intersection(b, c)), intersection(union(a, b), union(a, c)), 'distributivity');
      assert.deepEqual(union(a, a), a, 'idempotence');
      assert.deepEqual(not(not(a)), a, 'double complement');
      assert.deepEqual(difference(a, b), intersection(a, not(b)));
      assert.deepEqual(union(a, b), union(b, a));
      assert.ok(isSubset(intersection(a, b), a) && isSubset(a, union(a, b)));
      assert.equal(size(union(a, b)) + size(intersection(a, b)), size(a) + size(b));
    }),
  );
});

test('the cover is the set, and no two of its CIDRs are halves of one', () => {
  fc.assert(
    fc.property(anySet, (set) => {
      const cover = toCidrs(set);
      assert.deepEqual(fromCidrs(cover), set);
      assert.deepEqual(fromCidrs(cover.toReversed()), set, 'in any order');
      const texts = new Set(cover);
      let total = 0n;
      for (const text of cover) {
        const [network, prefix] = ipaddr.parseCIDR(text);
        const bits = network.toByteArray().length * 8;
        total += 1n << BigInt(bits - prefix);
        if (prefix === 0) continue;
        const address = parseAddress(text.split('/')[0] as string) as Address;
        const half = 1n << BigInt(bits - prefix);
        const sibling: Address =
          address.family === 'ipv4'
            ? { family: 'ipv4', value: Number(BigInt(address.value) ^ half) }
            : { family: 'ipv6', value: address.value ^ half };
        assert.ok(!texts.has(formatCidr({ network: sibling, prefix })), `${text} and its other half`);
      }
      assert.equal(total, size(set), 'no address twice');
    }),
  );
});

test('a peer finds the same addresses inside', () => {
  const near = fc.tuple(fc.nat(), fc.integer({ min: -1, max: 1 }));
  fc.assert(
    fc.property(
      fc.array(anyCidr, { minLength: 1, maxLength: 8 }),
      fc.array(near, { maxLength: 12 }),
      (cidrs, picks) => {
        const texts = cidrs.map(formatCidr);
        const set = fromCidrs(texts);
        const peers = texts.map((text) => ipaddr.parseCIDR(text));
        for (const [pick, step] of picks) {
          const { network } = cidrs[pick % cidrs.length] as (typeof cidrs)[number];
          const bytes = ipaddr.fromByteArray(bytesOf(network, step));
          const address = parseAddress(bytes.toString()) as Address;
          const inside = peers.some(([n, prefix]) => n.kind() === bytes.kind() && bytes.match(n, prefix));
          assert.equal(has(set, address), inside, `${bytes} in ${texts}`);
        }
      },
    ),
  );
});

/** The bytes of the address `step` further, around the end of the address space. */
function bytesOf(address: Address, step: number): number[] {
  const length = address.family === 'ipv4' ? 4 : 16;
  const value = BigInt.asUintN(length * 8, BigInt(address.value) + BigInt(step));
  return Array.from({ length }, (_, i) => Number((value >> BigInt((length - 1 - i) * 8)) & 255n));
}

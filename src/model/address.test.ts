import assert from 'node:assert/strict';
import { isIPv4, isIPv6 } from 'node:net';
import { test } from 'node:test';
import fc from 'fast-check';
import ipaddr from 'ipaddr.js';
import { type Address, bindScopeOf, formatAddress, parseAddress } from './address.ts';
import type { BindScope } from './listener.ts';

test('addresses are printed as RFC 5952 wants them', () => {
  const cases: readonly [text: string, canonical: string | null][] = [
    ['10.0.0.5', '10.0.0.5'],
    ['255.255.255.255', '255.255.255.255'],
    ['010.0.0.5', null],
    ['10.0.5', null],
    ['167772165', null],
    ['10.0.0.256', null],
    ['10.0.0.5 ', null],
    ['10.0.0.5.', null],
    ['', null],
    ['::', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['2001:DB8::A', '2001:db8::a'],
    ['2001:0db8:0000:0000:0001:0000:0000:0001', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
    ['::ffff:10.0.0.5', '::ffff:10.0.0.5'],
    ['::FFFF:a00:5', '::ffff:10.0.0.5'],
    ['64:ff9b::10.0.0.5', '64:ff9b::a00:5'],
    ['1:2:3:4:5:6:7::8', null],
    ['1::2::3', null],
    ['1:2:3:4:5:6:7', null],
    ['1:2:3:4:5:6:7:8:9', null],
    ['1:2:3:4:5:6:7:1.2.3.4', null],
    ['12345::', null],
    [':1', null],
    ['1:', null],
    [':::', null],
    ['fe80::1%eth0', null],
    ['::ffff:10.0.0.05', null],
  ];
  for (const [text, canonical] of cases) {
    const address = parseAddress(text);
    assert.equal(address && formatAddress(address), canonical, text);
  }
});

const anyAddress: fc.Arbitrary<Address> = fc.oneof(
  fc.nat(0xffff_ffff).map((value) => ({ family: 'ipv4' as const, value })),
  fc
    .array(fc.oneof(fc.constant(0), fc.nat(0xffff)), { minLength: 8, maxLength: 8 })
    .map((groups) => ({ family: 'ipv6' as const, value: groups.reduce((v, g) => (v << 16n) | BigInt(g), 0n) })),
);

test('what is printed is read back, and a peer reads the same', () => {
  fc.assert(
    fc.property(anyAddress, (address) => {
      const text = formatAddress(address);
      assert.deepEqual(parseAddress(text), address);
      const bytes = ipaddr.parse(text).toByteArray();
      assert.equal(
        bytes.reduce((v, byte) => (v << 8n) | BigInt(byte), 0n),
        BigInt(address.value),
      );
      // The peer writes IPv4-mapped addresses without dots.
      const peer = ipaddr.parse(text);
      if (peer instanceof ipaddr.IPv6 && !peer.isIPv4MappedAddress()) assert.equal(text, peer.toRFC5952String());
    }),
  );
});

test('reads exactly the texts that the runtime takes for addresses', () => {
  const piece = fc.constantFrom('0', '1', 'ff', 'FFFF', '12345', '::', ':', '.', '10.0.0.1', '256', '01', 'g', '');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 17 }), (pieces) => {
      const text = pieces.join('');
      assert.equal(parseAddress(text) !== null, isIPv4(text) || isIPv6(text), text);
    }),
    { numRuns: 5000 },
  );
});

test('bind scopes', () => {
  const cases: readonly [text: string, scope: BindScope][] = [
    ['0.0.0.0', 'any'],
    ['::', 'any'],
    ['::ffff:0.0.0.0', 'any'],
    ['127.0.0.1', 'loopback'],
    ['127.255.0.9', 'loopback'],
    ['::1', 'loopback'],
    ['::ffff:127.0.0.1', 'loopback'],
    ['10.1.2.3', 'private'],
    ['172.16.0.1', 'private'],
    ['172.32.0.1', 'public'],
    ['192.168.1.1', 'private'],
    ['100.64.0.1', 'private'],
    ['100.128.0.1', 'public'],
    ['169.254.1.1', 'private'],
    ['::ffff:192.168.1.1', 'private'],
    ['::ffff:8.8.8.8', 'public'],
    ['fe80::1', 'private'],
    ['fe80::1%eth0', 'private'],
    ['fd12::1', 'private'],
    ['fe00::1', 'public'],
    ['2001:db8::1', 'public'],
    ['8.8.8.8', 'public'],
    ['not an address', 'any'],
  ];
  for (const [text, scope] of cases) assert.equal(bindScopeOf(text), scope, text);
});

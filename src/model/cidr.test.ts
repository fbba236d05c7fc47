import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatCidr, parseCidr } from './cidr.ts';

test('CIDRs are read strictly, and what is wrong is said with what was expected', () => {
  const cases: readonly [text: string, want: string][] = [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.0.0.5', '10.0.0.5/32'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['FD00:0::/8', 'fd00::/8'],
    ['::1', '::1/128'],
    ['10.0.0.5/24', '10.0.0.5/24 has host bits set, did you mean 10.0.0.0/24'],
    ['fd00::1/8', 'fd00::1/8 has host bits set, did you mean fd00::/8'],
    ['10.0.0.0/33', '"10.0.0.0/33": expected a prefix length from 0 to 32 for IPv4'],
    ['::/129', '"::/129": expected a prefix length from 0 to 128 for IPv6'],
    ['10.0.0.0/08', '"10.0.0.0/08": expected a prefix length from 0 to 32 for IPv4'],
    ['10.0.0.0/', '"10.0.0.0/": expected a prefix length from 0 to 32 for IPv4'],
    ['10.0.0.0/8/8', '"10.0.0.0/8/8": expected a prefix length from 0 to 32 for IPv4'],
    ['10.0.0/8', '"10.0.0" is not an address; expected for example 10.0.0.0/24, 10.0.0.5 or fd00::/8'],
    ['db-1', '"db-1" is not an address or CIDR; expected for example 10.0.0.0/24, 10.0.0.5 or fd00::/8'],
  ];
  for (const [text, want] of cases) {
    const result = parseCidr(text);
    assert.equal(result.kind === 'cidr' ? formatCidr(result.cidr) : result.message, want);
  }
});

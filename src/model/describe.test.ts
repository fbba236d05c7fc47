import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressWords } from './describe.ts';

test('a dual-stack :: is every address, one of IPv6 alone is not', () => {
  const v4 = { address: '0.0.0.0', families: ['ipv4'] } as const;
  const v6 = { address: '::', families: ['ipv6'] } as const;
  const dual = { address: '::', families: ['ipv4', 'ipv6'] } as const;
  const one = { address: '10.20.3.5', families: ['ipv4'] } as const;
  assert.deepEqual(addressWords([dual]), ['every address (IPv4 and IPv6)']);
  assert.deepEqual(addressWords([v4, dual]), ['every address (IPv4 and IPv6)']);
  assert.deepEqual(addressWords([v6, v4]), ['0.0.0.0', '::']);
  assert.deepEqual(addressWords([dual, one, one]), ['10.20.3.5', 'every address (IPv4 and IPv6)']);
});

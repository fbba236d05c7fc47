import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Address, formatAddress, parseAddress } from '../model/address.ts';
import { createSourceTable } from './source-table.ts';

test('every address has a number of its own, by row and by text, and is found again by it', () => {
  const table = createSourceTable();
  const numbers = new Map<number, string>();
  const texts = ['10.0.0.1', '10.0.0.255', '239.255.255.255', '240.0.0.1', '255.255.255.255', '::', '::1', 'fe80::1'];
  for (let i = 0; i < 5_000; i++)
    texts.push(`2001:db8:${(i % 7).toString(16)}:${(i >> 4).toString(16)}::${i.toString(16)}`);
  for (const text of texts) {
    const number = table.ofAddress(text);
    assert.ok(!numbers.has(number), text);
    numbers.set(number, text);
  }
  for (const [number, text] of numbers) {
    assert.equal(table.ofAddress(text), number);
    assert.equal(table.address(number), formatAddress(parseAddress(text) as Address));
  }
});

test('networks are /24 and /64', () => {
  const table = createSourceTable();
  const network = (text: string) => table.networkText(table.network(table.ofAddress(text)));
  for (const [text, expected] of [
    ['10.1.2.3', '10.1.2.0/24'],
    ['fe80::1', 'fe80::/64'],
    ['2001:db8:0:7::9', '2001:db8:0:7::/64'],
    ['2001:db8:1:7:ffff::9', '2001:db8:1:7::/64'],
  ] as const)
    assert.equal(network(text), expected);
  const [a, b, c] = ['fd00::1', 'fd00::2', 'fd00:0:0:1::1'].map((text) => table.network(table.ofAddress(text)));
  assert.equal(a, b);
  assert.notEqual(a, c);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { uuidv5, uuidv7 } from './uuid.ts';

test('uuidv7 gives the example of RFC 9562, appendix A.6', () => {
  // rand_a 0xCC3, rand_b 0x18C4DC0C0C07398F
  const random = Uint8Array.from([0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f]);
  assert.equal(uuidv7(0x017f22e279b0, random), '017f22e2-79b0-7cc3-98c4-dc0c0c07398f');
});

test('uuidv7 sorts by time and refuses what it cannot carry', () => {
  const random = new Uint8Array(10).fill(0xff);
  const ids = [0, 1, 255, 256, 1_790_000_000_000, 2 ** 48 - 1].map((ms) => uuidv7(ms, random));
  assert.deepEqual([...ids].sort(), ids);
  for (const ms of [-1, 2 ** 48, 1.5, Number.NaN]) assert.throws(() => uuidv7(ms, random), RangeError);
  assert.throws(() => uuidv7(0, new Uint8Array(9)), RangeError);
});

test('uuidv5 gives the example of RFC 9562, appendix A.4', () => {
  const dns = '6ba7b810-9dad-11d1-80b4-00c04fd430c8';
  assert.equal(uuidv5(dns, 'www.example.com'), '2ed6657d-e927-568b-95e1-2665a8aea6a2');
  assert.equal(uuidv5(dns.toUpperCase(), 'www.example.com'), '2ed6657d-e927-568b-95e1-2665a8aea6a2');
  assert.throws(() => uuidv5('not-a-uuid', 'x'), RangeError);
});

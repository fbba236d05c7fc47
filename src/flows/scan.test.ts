import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatAddress, parseAddress } from '../model/address.ts';
import { createAddressIds, FIRST_IPV6_ID } from './address-ids.ts';
import { addressAt, ascii, decimalAt, hexAt, ipv4At, rfc3339At, sameWord, uintAt, utcSeconds } from './scan.ts';

/** Reads a text with other bytes around it: what lies outside must not matter. */
function within<T>(read: (bytes: Uint8Array, from: number, to: number) => T, text: string): T {
  return read(ascii(`17${text}98`), 2, 2 + text.length);
}

const numbers: readonly (readonly [(bytes: Uint8Array, from: number, to: number) => number, string, number])[] = [
  [uintAt, '0', 0],
  [uintAt, '007', 7],
  [uintAt, '4294967296', 4294967296],
  [uintAt, '999999999', 999999999],
  [uintAt, '9007199254740991', Number.MAX_SAFE_INTEGER],
  [uintAt, '9007199254740992', -1],
  [uintAt, '99999999999999999', -1],
  [uintAt, '', -1],
  [uintAt, '-', -1],
  [uintAt, '+1', -1],
  [uintAt, '1e3', -1],
  [uintAt, '123456789x', -1],
  [decimalAt, '1531267890', 1531267890],
  [decimalAt, '1531267890.25', 1531267890.25],
  [decimalAt, '0.000001', 0.000001],
  [decimalAt, '1.1234567891', 1.123456789],
  [decimalAt, '1.', -1],
  [decimalAt, '.5', -1],
  [decimalAt, '1.2.3', -1],
  [decimalAt, '-1', -1],
  [decimalAt, 'nan', -1],
  [hexAt, '0x1F', 31],
  [hexAt, 'ff', 255],
  [hexAt, '0x', -1],
  [hexAt, '', -1],
  [hexAt, 'g', -1],
  [ipv4At, '0.0.0.0', 0],
  [ipv4At, '255.255.255.255', 4294967295],
  [ipv4At, '10.1.2.3', 167838211],
  [ipv4At, '10.1.2', -1],
  [ipv4At, '10.1.2.', -1],
  [ipv4At, '10.1.2.3.', -1],
  [ipv4At, '10.1.2.3.4', -1],
  [ipv4At, '10..2.3', -1],
  [ipv4At, '010.1.2.3', -1],
  [ipv4At, '256.1.2.3', -1],
  [ipv4At, '', -1],
];

for (const [read, text, want] of numbers)
  test(`${read.name} ${JSON.stringify(text)}`, () => assert.equal(within(read, text), want));

const times: readonly (readonly [string, number])[] = [
  ['2024-02-29T23:59:60Z', Date.UTC(2024, 1, 29, 23, 59, 59) / 1e3],
  ['2024-02-29 12:00:00', Date.UTC(2024, 1, 29, 12) / 1e3],
  ['2024-02-29T12:00:00.250Z', Date.UTC(2024, 1, 29, 12) / 1e3 + 0.25],
  ['2024-02-29t12:00:00,5z', Date.UTC(2024, 1, 29, 12) / 1e3 + 0.5],
  ['2024-02-29T12:00:00+02:30', Date.UTC(2024, 1, 29, 9, 30) / 1e3],
  ['2024-02-29T12:00:00.123456-0100', Date.UTC(2024, 1, 29, 13) / 1e3 + 0.123456],
  ['2024-02-29T12:00:00-01', Date.UTC(2024, 1, 29, 13) / 1e3],
  ['2023-02-29T12:00:00Z', Number.NaN],
  ['2024-13-01T12:00:00Z', Number.NaN],
  ['2024-00-01T12:00:00Z', Number.NaN],
  ['2024-01-01T24:00:00Z', Number.NaN],
  ['2024-01-01T12:00:00.Z', Number.NaN],
  ['2024-01-01T12:00:00Zz', Number.NaN],
  ['2024-01-01T12:00:00+2', Number.NaN],
  ['2024-01-01T12:00:00+02:', Number.NaN],
  ['2024-01-01T12:00', Number.NaN],
  ['2024/01/01T12:00:00Z', Number.NaN],
];

for (const [text, want] of times) test(`rfc3339At ${text}`, () => assert.equal(within(rfc3339At, text), want));

test('a time without a zone is in the one that is given', () => {
  const bytes = ascii('2024-02-29 12:00:00');
  assert.equal(rfc3339At(bytes, 0, bytes.length, 60), Date.UTC(2024, 1, 29, 11) / 1e3);
});

test('every day from 1970 to 2400 is the one that Date says', () => {
  for (let day = 0; day < 157_000; day++) {
    const date = new Date(day * 86_400_000);
    assert.equal(utcSeconds(date.getUTCFullYear(), date.getUTCMonth() + 1, date.getUTCDate(), 0, 0, 0), day * 86_400);
  }
});

test('sameWord does not mind the case of letters, and nothing else', () => {
  const lower = ascii('accept@');
  assert.equal(
    within((b, f, t) => sameWord(b, f, t, lower), 'ACCept@'),
    true,
  );
  assert.equal(
    within((b, f, t) => sameWord(b, f, t, lower), 'ACCEPT`'),
    false,
  );
});

/** The address of a number, as text. */
function textOf(id: number, ids: ReturnType<typeof createAddressIds>): string {
  if (id < FIRST_IPV6_ID) return formatAddress({ family: 'ipv4', value: id });
  const words = new Uint32Array(4);
  ids.words(id, words, 0);
  return formatAddress({
    family: 'ipv6',
    value: words.reduceRight((value, word) => (value << 32n) | BigInt(word), 0n),
  });
}

test('addresses are those that the model reads, IPv4-mapped ones as IPv4', () => {
  const ids = createAddressIds();
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.stringMatching(/^[0-9a-f:.]{0,24}$/)), (text) => {
      const want = parseAddress(text);
      const id = within((b, f, t) => addressAt(b, f, t, ids), text);
      if (want === null) return assert.equal(id, -1);
      const isMapped = want.family === 'ipv6' && want.value >> 32n === 0xffffn;
      const plain = isMapped ? { family: 'ipv4' as const, value: Number(want.value & 0xffff_ffffn) } : want;
      assert.equal(textOf(id, ids), formatAddress(plain));
    }),
    { numRuns: 2000 },
  );
});

test('a table of addresses gives one number to one address, tells when it is full, and forgets', () => {
  const ids = createAddressIds(1000);
  const bytes = new Uint8Array(16);
  const given = new Set<number>();
  for (let n = 0; n < 3000; n++) {
    bytes.set([0x20, 1, (n % 1000) >> 8, (n % 1000) & 255]);
    given.add(ids.ipv6(bytes, 0));
    assert.equal(ids.isNearlyFull, ids.size >= 1000);
  }
  assert.equal(given.size, 1000);
  assert.ok(ids.isNearlyFull);
  ids.clear();
  assert.equal(ids.size, 0);
  assert.equal(ids.isNearlyFull, false);
  assert.equal(textOf(ids.ipv6(bytes, 0), ids), '2001:3e7::');
});

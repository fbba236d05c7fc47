import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { ascii, rfc3339At } from './scan.ts';
import { createTimeReader } from './time-reader.ts';

const two = (max: number) => fc.integer({ min: 0, max }).map((n) => String(n).padStart(2, '0'));
const zone = fc.constantFrom('+0000', 'Z', 'z', '+0100', '-0000', '+00:00', '', '+000');
const fraction = fc.constantFrom('.000000', '.123456', '.999999', '.5', ',123456', '.1234567', '', '.12345x');
const time = fc
  .tuple(fc.constantFrom('2026-03-02', '2026-03-03', '2024-02-29', '2026-02-29', '2026-03-32', '202x-03-02'))
  .chain(([day]) =>
    fc
      .tuple(fc.constantFrom('T', 'T', 'T', 't', ' '), two(25), two(61), two(61), fraction, zone)
      .map(([t, h, m, s, f, z]) => `${day}${t}${h}:${m}:${s}${f}${z}`),
  );

suite('a reader of times', () => {
  test('gives what the plain one gives, whatever came before', () => {
    fc.assert(
      fc.property(fc.array(time, { maxLength: 30 }), fc.constantFrom(0, 120), (texts, offset) => {
        const read = createTimeReader(offset);
        for (const text of texts) {
          const bytes = ascii(`"${text}"`);
          assert.equal(read(bytes, 1, bytes.length - 1), rfc3339At(bytes, 1, bytes.length - 1, offset), text);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('takes the day of a time that is the first of its day', () => {
    const read = createTimeReader(0);
    const texts = ['2026-03-02T23:59:59.999999+0000', '2026-03-03T00:00:00.000001+0000', '2026-03-02T00:00:00.500000Z'];
    assert.deepEqual(
      texts.map((text) => read(ascii(text), 0, text.length)),
      [1772495999.999999, 1772496000.000001, 1772409600.5],
    );
  });
});

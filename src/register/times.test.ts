import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readDatetime, readDay, readDays, readHours, writeDatetime } from './times.ts';

const TIMES: [string, string | number][] = [
  ['2027-09-30T00:00:00Z', Date.UTC(2027, 8, 30)],
  ['2027-09-30t02:00:00.5+02:00', Date.UTC(2027, 8, 30) + 500],
  ['2027-09-30 00:00-05:30', Date.UTC(2027, 8, 30, 5, 30)],
  ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ['2027-02-29T00:00:00Z', 'bad-time'],
  ['2027-13-01T00:00:00Z', 'bad-time'],
  ['2027-09-30T24:00:00Z', 'bad-time'],
  ['2027-09-30T00:00:00+25:00', 'bad-time'],
  ['2027-09-30T00:00:00', 'no-timezone'],
  ['2027-09-30', 'no-timezone'],
  ['1969-01-01T00:00:00Z', 'bad-time'],
  ['tomorrow', 'bad-time'],
  ['', 'bad-time'],
];
for (const [text, want] of TIMES)
  test(`time: ${JSON.stringify(text)}`, () => {
    const read = readDatetime(text);
    assert.equal('value' in read ? read.value : read.code, want);
  });

test('a day is the start of that day in UTC', () => {
  assert.deepEqual(readDay('2026-09-30'), { value: Date.UTC(2026, 8, 30) });
  assert.deepEqual(readDay('2026-09-30T01:00:00+01:00'), { value: Date.UTC(2026, 8, 30) });
});

test('a time that was written is read as the same', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), (ms) =>
      assert.deepEqual(readDatetime(writeDatetime(ms)), { value: ms }),
    ),
  );
});

const DURATIONS: [string, number | undefined][] = [
  ['24h', 24],
  ['90d', 2160],
  ['12 weeks', 2016],
  ['1 Year', 8760],
  ['0d', undefined],
  ['-1d', undefined],
  ['3 months', undefined],
  ['90', undefined],
  ['999999d', undefined],
];
for (const [text, hours] of DURATIONS)
  test(`duration: ${text}`, () => {
    const read = readHours(text);
    assert.equal('value' in read ? read.value : undefined, hours);
  });

test('days are whole', () => {
  assert.deepEqual(readDays('48h'), { value: 2 });
  assert.ok('code' in readDays('36h'));
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { isTimeZone, readTime } from './ticket-times.ts';

const read = (text: string, zone = 'UTC', order: 'dmy' | 'mdy' | null = null) => {
  const time = readTime(text, zone, order);
  return 'ms' in time ? new Date(time.ms).toISOString() : time.reason;
};

const CASES: readonly (readonly [text: string, want: string, zone?: string, order?: 'dmy' | 'mdy'])[] = [
  ['2026-09-30T14:02:00.000+0200', '2026-09-30T12:02:00.000Z'],
  ['2026-09-30T14:02:00Z', '2026-09-30T14:02:00.000Z', 'Europe/Berlin'],
  ['2026-09-30 14:02:00', '2026-09-30T12:02:00.000Z', 'Europe/Berlin'],
  ['2026-01-30 14:02', '2026-01-30T13:02:00.000Z', 'Europe/Berlin'],
  ['2026-09-30', '2026-09-30T00:00:00.000Z'],
  ['30/Sep/26 2:02 PM', '2026-09-30T14:02:00.000Z'],
  ['30/Sep/26 12:02 AM', '2026-09-30T00:02:00.000Z'],
  ['1-Oct-2026 09:00', '2026-10-01T09:00:00.000Z'],
  ['30.09.2026 14:02', '2026-09-30T14:02:00.000Z'],
  ['09/30/2026 14:02', '2026-09-30T14:02:00.000Z'],
  ['03/04/2026', '2026-04-03T00:00:00.000Z', 'UTC', 'dmy'],
  ['03/04/2026', '2026-03-04T00:00:00.000Z', 'UTC', 'mdy'],
  // The hour that clocks show twice, and the one that they skip.
  ['2026-10-25 02:30', '2026-10-25T00:30:00.000Z', 'Europe/Berlin'],
  ['2026-03-29 02:30', '2026-03-29T01:30:00.000Z', 'Europe/Berlin'],
  ['2026-11-01 01:30', '2026-11-01T05:30:00.000Z', 'America/New_York'],
];
suite('times of exports', () => {
  for (const [text, want, zone, order] of CASES)
    test(`${text} ${zone ?? ''} ${order ?? ''}`, () => assert.equal(read(text, zone, order), want));
  for (const text of ['03/04/2026', '2026-02-30', '2026-09-30 25:00', 'soon', '', '1/Foo/26', '13:70', '99999-01-01'])
    test(`not a time: ${text}`, () => assert.match(read(text), /"/));
});

test('a wall time of any zone comes back as that wall time, but for the hour that is skipped', () => {
  const zones = fc.constantFrom(
    'Europe/Berlin',
    'America/New_York',
    'Australia/Lord_Howe',
    'Asia/Kathmandu',
    'Pacific/Apia',
  );
  fc.assert(
    fc.property(
      fc.date({ min: new Date('2020-01-01'), max: new Date('2030-01-01'), noInvalidDate: true }),
      zones,
      (date, zone) => {
        const text = date.toISOString().slice(0, 19).replace('T', ' ');
        const time = readTime(text, zone, null);
        assert.ok('ms' in time);
        const shown = new Intl.DateTimeFormat('sv-SE', {
          timeZone: zone,
          dateStyle: 'short',
          timeStyle: 'medium',
        }).format(time.ms);
        const skipped = Math.abs(Date.parse(`${shown.replace(' ', 'T')}Z`) - Date.parse(`${text.replace(' ', 'T')}Z`));
        assert.ok(shown === text || skipped <= 86_400_000, `${text} ${zone} ${shown}`);
        if (shown !== text) {
          // Only where no moment shows this time: neither an hour before nor after gives it.
          for (let ms = time.ms - 7_200_000; ms <= time.ms + 7_200_000; ms += 1_800_000) {
            const near = new Intl.DateTimeFormat('sv-SE', {
              timeZone: zone,
              dateStyle: 'short',
              timeStyle: 'medium',
            }).format(ms);
            assert.notEqual(near, text);
          }
        }
      },
    ),
    { numRuns: 500 },
  );
});

test('zones', () => {
  assert.deepEqual([isTimeZone('Europe/Berlin'), isTimeZone('Mars/Base')], [true, false]);
});

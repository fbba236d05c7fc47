import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hourOfWeek, slotCounts, usualHours } from './traffic-hours.ts';

const HOUR = 3_600;
const WEEK = 168 * HOUR;
/** Monday, 2026-11-02 00:00 UTC. */
const MONDAY = Date.UTC(2026, 10, 2) / 1_000;

test('hour 0 is Monday at midnight UTC', () => {
  assert.equal(hourOfWeek(MONDAY), 0);
  assert.equal(hourOfWeek(Date.UTC(2026, 10, 21, 22, 30) / 1_000), 5 * 24 + 22);
  assert.equal(hourOfWeek(0), 72);
});

test('the newest hour stands beside the same hour of the weeks before, one hour more or less', () => {
  const counts = new Map<number, number>();
  for (let week = 0; week < 3; week++) {
    counts.set(MONDAY + week * WEEK + 9 * HOUR, 100 + week);
    counts.set(MONDAY + week * WEEK + 10 * HOUR, 50);
  }
  counts.set(MONDAY + 3 * WEEK + 9 * HOUR, 900);
  const until = MONDAY + 3 * WEEK + 10 * HOUR + 1_800;
  const { usualHours: hours, now } = usualHours(counts, [{ from: MONDAY, until }], { from: MONDAY, until });
  assert.deepEqual(now, { hour: (MONDAY + 3 * WEEK + 9 * HOUR) * 1_000, perHour: 900, usualLow: 0, usualHigh: 102 });
  assert.deepEqual([hours?.[8], hours?.[9], hours?.[10], hours?.length], [0, 101, 50, 168]);
});

test('nothing is usual of hours that nobody saw twice', () => {
  const until = MONDAY + WEEK + 5 * HOUR;
  const { usualHours: hours, now } = usualHours(new Map(), [{ from: MONDAY, until }], { from: MONDAY, until });
  assert.equal(hours, null);
  assert.equal(now, null);
  assert.deepEqual(usualHours(new Map(), [], { from: MONDAY, until }), { usualHours: null, now: null });
});

test('an hour that was not covered is not zero', () => {
  const until = MONDAY + 4 * WEEK;
  const counts = new Map([0, 1, 2, 3].map((week) => [MONDAY + week * WEEK, 10]));
  const covered = [
    { from: MONDAY, until: MONDAY + 2 * WEEK },
    { from: MONDAY + 2 * WEEK + HOUR, until },
  ];
  assert.equal(usualHours(counts, covered, { from: MONDAY, until }).usualHours?.[0], 10);
  const slots = slotCounts(counts, covered, MONDAY + 2 * WEEK + 12 * HOUR, 3, 6 * HOUR);
  assert.deepEqual(slots, [0, 10, 0]);
  assert.deepEqual(slotCounts(counts, [{ from: MONDAY, until: MONDAY + HOUR }], MONDAY + 12 * HOUR, 2, 6 * HOUR), [
    10,
    null,
  ]);
});

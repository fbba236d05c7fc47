import assert from 'node:assert/strict';
import { test } from 'node:test';
import { poolDays } from './day-pattern.ts';

const BACKUP = 24 + 2; // Tuesday, two in the morning

/** A week with the same working hours on five days; `of` changes an hour of the week. */
function week(of: (hour: number, usual: number) => number): Float64Array {
  return Float64Array.from({ length: 168 }, (_, hour) => {
    const isWork = hour < 120 && hour % 24 >= 8 && hour % 24 < 18;
    return of(hour, isWork ? 100 : 20);
  });
}

const CASES: readonly { name: string; given: Float64Array; hour: number; from: number; to: number }[] = [
  {
    name: 'an hour that came out a little high is drawn to the same hour of the other days',
    given: week((hour, usual) => (hour === 34 ? 110 : usual)),
    ...{ hour: 34, from: 100, to: 103 },
  },
  {
    name: 'a backup on one day stays',
    given: week((hour, usual) => (hour === BACKUP ? 400 : usual)),
    ...{ hour: BACKUP, from: 400, to: 400 },
  },
  {
    name: 'a day of the same shape on another level keeps its level',
    given: week((hour, usual) => (hour >= 48 && hour < 72 ? usual * 1.5 : usual)),
    ...{ hour: 58, from: 142, to: 150 },
  },
  {
    name: 'weekends are not drawn to working days',
    given: week((_, usual) => usual),
    ...{ hour: 130, from: 20, to: 20 },
  },
];

test('days of the week that have one shape say together what is usual', async (t) => {
  for (const { name, given, hour, from, to } of CASES)
    await t.test(name, () => {
      poolDays(given, 3);
      const value = given[hour] as number;
      assert.ok(value >= from - 1e-9 && value <= to + 1e-9, `${value} is not within ${from} and ${to}`);
    });
});

test('a port that is known by hours of the day only is left as it is', () => {
  const hours = Float64Array.from({ length: 24 }, (_, hour) => hour);
  poolDays(hours, 3);
  assert.deepEqual([...hours], [...Array(24).keys()]);
});

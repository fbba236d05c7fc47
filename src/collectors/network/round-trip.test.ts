import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addSample, createRoundTrip, timeoutOf } from './round-trip.ts';

const BOUNDS = { least: 100, most: 3_000, otherwise: 900 };

test('estimates as RFC 6298 does', () => {
  const trip = createRoundTrip();
  addSample(trip, 200);
  assert.deepEqual([trip.smoothed, trip.variation], [200, 100]);
  assert.equal(timeoutOf(trip, BOUNDS), 600);
  addSample(trip, 280);
  // RTTVAR = 3/4 * 100 + 1/4 * |200 - 280|, then SRTT = 7/8 * 200 + 1/8 * 280
  assert.deepEqual([trip.smoothed, trip.variation], [210, 95]);
});

const CASES: { name: string; samples: number[]; want: number }[] = [
  { name: 'nothing was measured', samples: [], want: 900 },
  { name: 'a host nearby', samples: Array(50).fill(0.2), want: 100 },
  { name: 'a host far away', samples: Array(50).fill(300), want: 300 },
  { name: 'a host that is very slow', samples: [4_000], want: 3_000 },
];
for (const { name, samples, want } of CASES)
  test(`the timeout for ${name}`, () => {
    const trip = createRoundTrip();
    for (const ms of samples) addSample(trip, ms);
    assert.equal(Math.round(timeoutOf(trip, BOUNDS)), want);
  });

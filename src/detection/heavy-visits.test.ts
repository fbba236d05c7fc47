import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ACTION, BUCKET_SECONDS } from '../model/flow.ts';
import { heavyVisits, surprises } from './heavy-visits.ts';
import { DAY_BUCKETS, DAY_SECONDS, type Visits } from './history.ts';

const START = Date.UTC(2026, 8, 7) / 1_000;
const DAYS = 28;

/** Six visits in each bucket, of 4 connections with 1 kB each; `times` says how much heavier one is. */
function visitsOf(days: number, times: (bucket: number, visit: number) => number): Visits {
  const length = days * DAY_BUCKETS * 6;
  const at = (i: number) => Math.floor(i / 6);
  return {
    ...{ length, bucket: Uint32Array.from({ length }, (_, i) => START + at(i) * BUCKET_SECONDS) },
    ...{ source: Uint32Array.from({ length }, (_, i) => i % 6), action: new Uint8Array(length).fill(ACTION.accepted) },
    ...{ connections: new Float64Array(length).fill(4), packets: new Float64Array(length).fill(4) },
    bytes: Float64Array.from({ length }, (_, i) => 4_000 * times(at(i), i % 6)),
  };
}

const TODAY = DAYS * DAY_BUCKETS;
/** Each 47th visit carries hundreds of times as much: more than any bucket of six can, were all of them thirty times. */
const tail = (bucket: number, visit: number) => ((bucket * 6 + visit) % 47 === 0 ? 300 : 1);

const CASES: readonly { name: string; times: (bucket: number, visit: number) => number; isTold: boolean }[] = [
  { name: 'a heavy visit, as ever', times: tail, isTold: false },
  { name: 'all visits of a bucket', times: (b, v) => (b === TODAY + 100 ? 30 : tail(b, v)), isTold: true },
  { name: 'all visits, a little', times: (b, v) => (b === TODAY + 100 ? 2 : tail(b, v)), isTold: false },
  { name: 'one visit, very much', times: (b, v) => (b === TODAY + 100 && v === 0 ? 9_000 : tail(b, v)), isTold: false },
];

test('that most visits are heavy at once stands out where single ones are heavy now and then', async (t) => {
  for (const { name, times, isTold } of CASES)
    await t.test(name, () => {
      const visits = visitsOf(DAYS + 1, times);
      const day = START + DAYS * DAY_SECONDS;
      const learned = heavyVisits(visits, START, day, new Float64Array(8_064));
      assert.ok(learned);
      const today = [...surprises(visits, TODAY * 6, visits.length, learned)];
      assert.equal(
        today.some((s) => s.surprise > 18),
        isTold,
      );
    });
});

test('nothing is learned from a handful of visits', () => {
  assert.equal(heavyVisits(visitsOf(0, tail), START, START + DAYS * DAY_SECONDS, new Float64Array(8_064)), null);
});

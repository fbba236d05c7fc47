import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FeedCoverage } from './flow.ts';
import { coveredShare, coveredSince, coveredTimes, isWhollyCovered } from './traffic-coverage.ts';

const delivered = (feed: string, from: number, until: number): FeedCoverage => ({
  feed,
  from,
  until,
  kind: 'delivered',
  lost: 0,
});
const gap = (feed: string, from: number, until: number): FeedCoverage => ({
  feed,
  from,
  until,
  kind: 'gap',
  lost: null,
});

test('a gap of one feed is none where another one delivered', () => {
  const coverage = [delivered('a', 0, 100), gap('a', 40, 60), delivered('b', 50, 70), gap('b', 0, 10)];
  assert.deepEqual(coveredTimes(coverage, new Set(['a'])), [
    { from: 0, until: 40 },
    { from: 60, until: 100 },
  ]);
  assert.deepEqual(coveredTimes(coverage, new Set(['a', 'b'])), [
    { from: 0, until: 40 },
    { from: 50, until: 100 },
  ]);
  assert.deepEqual(coveredTimes(coverage, new Set(['c'])), []);
});

for (const [name, times, until, late, since] of [
  ['nobody looked', [], 10_000, 0, null],
  ['up to now', [[0, 10_000]], 10_000, 0, 0],
  ['the newest delivery is too old', [[0, 10_000]], 20_000, 0, null],
  ['it may be that old', [[0, 10_000]], 20_000, 10_000, 0],
  [
    'a short gap interrupts nothing',
    [
      [0, 5_000],
      [8_600, 10_000],
    ],
    10_000,
    0,
    0,
  ],
  [
    'a long one does',
    [
      [0, 5_000],
      [8_601, 10_000],
    ],
    10_000,
    0,
    8_601,
  ],
] as const)
  test(`covered since: ${name}`, () => {
    assert.equal(
      coveredSince(
        times.map(([from, to]) => ({ from, until: to })),
        until,
        late,
      ),
      since,
    );
  });

test('every second is covered that some feed delivered and did not lose, and no other', () => {
  const piece = fc.record({
    feed: fc.constantFrom('a', 'b'),
    from: fc.integer({ min: 0, max: 50 }),
    length: fc.integer({ min: 0, max: 20 }),
    isGap: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const coverage = pieces.map(({ feed, from, length, isGap }) =>
        (isGap ? gap : delivered)(feed, from, from + length),
      );
      const times = coveredTimes(coverage, new Set(['a', 'b']));
      let seconds = 0;
      for (let second = 0; second < 80; second++) {
        const has = (feed: string, kind: string) =>
          coverage.some((c) => c.feed === feed && c.kind === kind && c.from <= second && second < c.until);
        const expected = ['a', 'b'].some((feed) => has(feed, 'delivered') && !has(feed, 'gap'));
        assert.equal(isWhollyCovered(times, { from: second, until: second + 1 }), expected);
        if (expected) seconds++;
      }
      assert.ok(Math.abs(coveredShare(times, { from: 0, until: 80 }) - seconds / 80) < 1e-9);
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createRateLimit, reserve, spend, waitFor } from './rate.ts';

/** Takes all that is allowed, on every tick of a clock. */
function take(perSecond: number, tickMs: (n: number) => number, untilMs: number): number[] {
  const limit = createRateLimit(perSecond);
  const times: number[] = [];
  let now = 0;
  for (let n = 0; now < untilMs; n++) {
    while (waitFor(limit, now) === 0 && times.length < 1e6) {
      spend(limit, now);
      times.push(now);
    }
    now += tickMs(n);
  }
  return times;
}

for (const perSecond of [50, 100, 1_000, 5_000])
  for (const [name, tick] of [
    ['an even clock', () => 5],
    ['a clock that is late now and then', (n: number) => (n % 10 === 0 ? 40 : 3)],
  ] as const)
    test(`${perSecond}/s is kept within 5 % by ${name}`, () => {
      const taken = take(perSecond, tick, 20_000).length;
      assert.ok(Math.abs(taken / 20 - perSecond) <= perSecond * 0.05, `${taken / 20}/s`);
    });

test('no second sees more than the rate and the burst', () => {
  const times = take(1_000, (n) => (n % 7 === 0 ? 60 : 2), 10_000);
  for (const start of times) {
    const within = times.filter((time) => time >= start && time < start + 1_000).length;
    assert.ok(within <= 1_051, `${within}`);
  }
});

test('after a pause nothing is made up for', () => {
  const limit = createRateLimit(100);
  spend(limit, 0);
  let burst = 0;
  for (; waitFor(limit, 60_000) === 0; burst++) spend(limit, 60_000);
  assert.equal(burst, 6);
});

test('without a cap nothing waits', () => {
  const limit = createRateLimit(Number.POSITIVE_INFINITY);
  for (let n = 0; n < 1_000; n++) spend(limit, 0);
  assert.equal(waitFor(limit, 0), 0);
});

test('who reserves waits for the slowest cap', () => {
  const all = createRateLimit(1_000);
  const host = createRateLimit(10);
  assert.equal(reserve([all, host], 1, 0), 50);
  assert.equal(reserve([all, host], 8, 0), 850);
  assert.equal(waitFor(all, 0), 0);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { oddsWords, surpriseOf } from './surprise.ts';

const mean = fc.double({ min: 0.001, max: 100_000, noNaN: true });
const dispersion = fc.double({ min: 0.1, max: 1_000, noNaN: true });
const count = fc.integer({ min: 0, max: 1_000_000 });

test('surprise grows with the distance from the mean, on both sides', () => {
  fc.assert(
    fc.property(mean, dispersion, count, count, (m, r, a, b) => {
      const [near, far] = [Math.min(a, b), Math.max(a, b)];
      const slack = 1e-6 * (1 + far);
      if (near >= m) assert.ok(surpriseOf(far, m, r) >= surpriseOf(near, m, r) - slack);
      if (far <= m) assert.ok(surpriseOf(near, m, r) >= surpriseOf(far, m, r) - slack);
    }),
  );
});

test('surprise is never negative, and nothing where nothing is known', () => {
  fc.assert(
    fc.property(fc.double(), fc.double(), fc.double(), (x, m, r) => {
      assert.ok(!(surpriseOf(x, m, r) < 0));
    }),
  );
  assert.equal(surpriseOf(Number.NaN, 5, 5), 0);
  assert.equal(surpriseOf(5, Number.NaN, 5), 0);
});

test('surprise is a bound: the tail of the distribution is at most e^-surprise', () => {
  // Negative binomial with r = 3, mean = 6: p = r / (r + mean) = 1/3, by its recurrence.
  const [r, m] = [3, 6];
  const probabilities: number[] = [(r / (r + m)) ** r];
  for (let k = 1; k < 200; k++)
    probabilities.push(((probabilities[k - 1] as number) * (m / (r + m)) * (k - 1 + r)) / k);
  for (const x of [7, 10, 20, 40, 80]) {
    const tail = probabilities.slice(x).reduce((a, b) => a + b, 0);
    assert.ok(tail <= Math.exp(-surpriseOf(x, m, r)), `at ${x}`);
    assert.ok(Math.exp(-surpriseOf(x, m, r)) < tail * 200, `not far from it at ${x}`);
  }
});

for (const [surprise, words] of [
  [0.7, 'about 50 in 100'],
  [Math.log(1_000), 'less than 1 in a thousand'],
  [16.2, 'less than 1 in 10 million'],
  [23.1, 'less than 1 in 10 billion'],
  [900, 'less than 1 in a million billion'],
] as const)
  test(`odds of ${surprise.toFixed(1)}: ${words}`, () => assert.equal(oddsWords(surprise), words));

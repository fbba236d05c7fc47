import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inParallel } from './in-parallel.ts';

async function* numbers(count: number, taken: number[] = []): AsyncGenerator<number, void, undefined> {
  for (let n = 0; n < count; n++) {
    taken.push(n);
    yield n;
  }
}

test('everything comes out, with at most the limit at a time', async () => {
  let running = 0;
  let most = 0;
  const out: number[] = [];
  for await (const n of inParallel(numbers(50), 4, async (n) => {
    most = Math.max(most, ++running);
    await sleep(n % 3);
    running--;
    return n;
  }))
    out.push(n);
  assert.deepEqual(
    out.sort((a, b) => a - b),
    Array.from({ length: 50 }, (_, n) => n),
  );
  assert.equal(most, 4);
});

test('what is done first comes first, though the source waits', async () => {
  const gate = Promise.withResolvers<void>();
  async function* slow(): AsyncGenerator<string, void, undefined> {
    yield 'first';
    await gate.promise;
    yield 'second';
  }
  const out = inParallel(slow(), 2, async (word) => word);
  assert.equal((await out.next()).value, 'first');
  gate.resolve();
  assert.equal((await out.next()).value, 'second');
  assert.equal((await out.next()).done, true);
});

test('the first failure ends it, and the source is closed', async () => {
  const taken: number[] = [];
  const run = async () => {
    for await (const _ of inParallel(numbers(100, taken), 2, async (n) => {
      if (n === 3) throw new Error('no');
      return n;
    }));
  };
  await assert.rejects(run, /no/);
  assert.ok(taken.length < 10);
});

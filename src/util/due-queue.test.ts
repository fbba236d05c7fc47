import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createDueQueue } from './due-queue.ts';

test('what is due is taken earliest first, in the order of adding where two are due at once, and nothing before its time', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 50 })), fc.integer({ min: 0, max: 50 }), (dues, now) => {
      const queue = createDueQueue<number>();
      for (const [i, due] of dues.entries()) queue.add(due, i);
      const taken: number[] = [];
      for (let next = queue.take(now); next; next = queue.take(now)) taken.push(next.item);
      const want = [...dues.keys()].filter((i) => (dues[i] as number) <= now);
      want.sort((a, b) => (dues[a] as number) - (dues[b] as number) || a - b);
      assert.deepEqual(taken, want);
      assert.equal(queue.size(), dues.length - want.length);
    }),
  );
});

test('what is kept is taken as if the rest had never been there', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 50 })), fc.integer({ min: 2, max: 5 }), (dues, nth) => {
      const [queue, plain] = [createDueQueue<number>(), createDueQueue<number>()];
      for (const [i, due] of dues.entries()) {
        queue.add(due, i);
        if (i % nth === 0) plain.add(due, i);
      }
      queue.keepOnly((i) => i % nth === 0);
      assert.equal(queue.size(), plain.size());
      for (let next = plain.take(50); next; next = plain.take(50)) assert.deepEqual(queue.take(50)?.item, next.item);
    }),
  );
});

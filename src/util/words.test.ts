import assert from 'node:assert/strict';
import { test } from 'node:test';
import { count, duration, listWords, utcDay, utcTime } from './words.ts';

test('numbers with their nouns', () => {
  assert.deepEqual(
    [count(0, 'port'), count(1, 'port'), count(1234567, 'port'), count(2, 'entry', 'entries')],
    ['0 ports', '1 port', '1,234,567 ports', '2 entries'],
  );
});

test('lists as people write them, the rest counted', () => {
  assert.deepEqual(
    [listWords([]), listWords(['a']), listWords(['a', 'b']), listWords(['a', 'b', 'c']), listWords(['a', 'b', 'c'], 2)],
    ['', 'a', 'a and b', 'a, b and c', 'a, b and 1 more'],
  );
});

test('times in UTC and lengths of time rounded down', () => {
  const at = Date.UTC(2026, 8, 30, 14, 2, 3, 999);
  assert.deepEqual([utcDay(at), utcTime(at)], ['2026-09-30', '2026-09-30 14:02:03 UTC']);
  assert.deepEqual([0, 59_999, 60_000, 7_199_999, 7_200_000, 172_799_999, 172_800_000].map(duration), [
    '0 minutes',
    '0 minutes',
    '1 minute',
    '119 minutes',
    '2 hours',
    '47 hours',
    '2 days',
  ]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { EVENT_TYPES, type Event } from './event.ts';
import { type ReviewInput, reviewQueue } from './log-review.ts';

function event(sequence: number, type: Event['type'], subject: string, body: Event['body'] = {}): Event {
  const at = 1_000_000 + sequence * 1_000;
  return { sequence, type, subject, body, actor: 'user:a', observedAt: at, recordedAt: at };
}
const input = (events: readonly Event[], more: Partial<ReviewInput> = {}): ReviewInput => ({
  from: 0,
  until: 9_000_000,
  events,
  incidents: [],
  anomalies: [],
  followUps: [],
  words: (e) => `words of ${e.sequence}`,
  ...more,
});

test('opens, closes and changes of one port are one item', () => {
  const queue = reviewQueue(
    input([
      event(1, 'observation.recorded', 'db-1'),
      event(2, 'listener.opened', 'db-1:8080/tcp'),
      event(3, 'listener.closed', 'db-1:8080/tcp'),
      event(4, 'listener.opened', 'db-1:8080/tcp'),
      event(5, 'entry.approved', 'pg-orders'),
    ]),
  );
  assert.deepEqual(
    queue.items.map(({ what, subject, message, count, records }) => ({ what, subject, message, count, records })),
    [
      { what: 'entry.approved', subject: 'pg-orders', message: 'pg-orders: words of 5', count: 1, records: [5] },
      {
        what: 'listener',
        subject: 'db-1:8080/tcp',
        message: 'db-1:8080/tcp: closed 1×, opened 2×; last: words of 4',
        count: 3,
        records: [2, 3, 4],
      },
    ],
  );
  assert.deepEqual(queue.routine, [{ type: 'observation.recorded', count: 1 }]);
  assert.deepEqual(queue.records, { first: 1, last: 5 });
});

test('the first look at a host with many ports is one item, an IPv6 address is a host', () => {
  const many = Array.from({ length: 40 }, (_, i) =>
    event(i + 1, 'listener.opened', `fe80::1:${1000 + i}/tcp`, { firstLook: true }),
  );
  const queue = reviewQueue(input([...many, event(41, 'listener.closed', 'fe80::1:1000/tcp')]));
  assert.deepEqual(
    queue.items.map((item) => [item.subject, item.count]),
    [
      ['fe80::1:1000/tcp', 1],
      ['fe80::1', 40],
    ],
  );
});

test('a scheduled run that failed is an item, one that did its work is routine', () => {
  const queue = reviewQueue(
    input([event(1, 'schedule.ran', 'lan', { exit: 1 }), event(2, 'schedule.ran', 'lan', { exit: 2 })]),
  );
  assert.deepEqual(
    queue.items.map((item) => item.records),
    [[2]],
  );
});

test('what is left to be followed up comes first and keeps its name from sitting to sitting', () => {
  const first = reviewQueue(input([event(1, 'exception.added', 'x')]));
  const second = reviewQueue(input([event(9, 'register.changed', 'register')], { followUps: first.items }));
  const third = reviewQueue(input([], { followUps: second.items.filter((item) => item.kind === 'follow-up') }));
  assert.deepEqual(
    second.items.map((item) => item.id),
    ['follow-up:event:exception.added x', 'event:register.changed register'],
  );
  assert.deepEqual(
    third.items.map((item) => item.id),
    ['follow-up:event:exception.added x'],
  );
});

test('every record is in an item or counted as routine, ids are unique, the order of the input does not matter', () => {
  const events = fc
    .array(
      fc.tuple(
        fc.constantFrom(...EVENT_TYPES),
        fc.constantFrom('a:1/tcp', 'a:2/tcp', 'b', 'b:1/udp@pod:x/y', '::1:53/udp'),
        fc.boolean(),
      ),
      { maxLength: 80 },
    )
    .map((list) => list.map(([type, subject, firstLook], i) => event(i + 1, type, subject, { firstLook })));
  fc.assert(
    fc.property(events, (list) => {
      const queue = reviewQueue(input(list));
      const told = queue.items.reduce((n, item) => n + item.count, 0) + queue.routine.reduce((n, r) => n + r.count, 0);
      assert.equal(told, list.length);
      assert.equal(new Set(queue.items.map((item) => item.id)).size, queue.items.length);
      assert.deepEqual(reviewQueue(input([...list].reverse())), queue);
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVENT_TYPES, type Event } from '../model/event.ts';
import { eventWords } from './event-text.ts';

const base: Event = {
  ...{
    sequence: 1,
    type: 'entry.approved',
    observedAt: 0,
    recordedAt: 0,
    actor: 'user:kim',
    subject: 'pg-orders',
    body: {},
  },
};

test('an approval is what was written in whose name and by whom, not that somebody approved', () => {
  const cases: [Partial<Event>, string][] = [
    [
      { body: { by: 'lead@example.org', signed: false } },
      'approval in the name of lead@example.org written by user:kim, not signed',
    ],
    [
      { body: { by: 'lead@example.org', signed: true } },
      'approval in the name of lead@example.org written by user:kim, signed by an SSH key',
    ],
    [{ body: {} }, 'approval written by user:kim'],
    [
      { type: 'entry.reviewed', body: { by: 'lead@example.org' } },
      'review in the name of lead@example.org written by user:kim',
    ],
  ];
  for (const [event, want] of cases) assert.equal(eventWords({ ...base, ...event } as Event), want);
});

test('every kind of event has words of its own, also where its record is of another version', () => {
  for (const type of EVENT_TYPES) {
    assert.doesNotMatch(eventWords({ ...base, type, body: {} }), /\w\.\w|undefined|\[object/, type);
  }
});

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
    [
      {
        type: 'log.reviewed',
        subject: 'ledger',
        body: {
          ...{ by: 'lead@example.org', firstRecord: 3, lastRecord: 9, signed: true },
          decisions: { 'follow-up': 1, incident: 0, normal: 4 },
        },
      },
      'log review in the name of lead@example.org written by user:kim: records 3 to 9; 1 follow-up, 4 normal, signed by an SSH key',
    ],
    [
      { type: 'alert.acknowledged', body: { by: 'lead@example.org', title: 'Spike at db-1:5432', note: 'load test' } },
      'alert acknowledged: load test; Spike at db-1:5432; in the name of lead@example.org, written by user:kim',
    ],
    [
      {
        type: 'alert.resolved',
        actor: 'user:root',
        body: { title: 'Spike at db-1:5432', note: 'every cause is gone' },
      },
      'alert resolved: every cause is gone; Spike at db-1:5432',
    ],
    [
      { type: 'flows.expired', body: { rows: 12, from: 1_700_000_000, until: 1_700_086_400 } },
      'flows beyond their retention removed: rows 12, of 2023-11-14 22:13:20 UTC to 2023-11-15 22:13:20 UTC',
    ],
    [
      { type: 'evidence.exported', body: { format: 'ledger', first: 1, last: 9, folder: '/srv/x' } },
      'evidence exported as ledger: records 1 to 9, in /srv/x',
    ],
    [
      { type: 'evidence.exported', body: { format: 'tlog-proof', first: 4, last: 4 } },
      'evidence exported as tlog-proof: record 4',
    ],
  ];
  for (const [event, want] of cases) assert.equal(eventWords({ ...base, ...event } as Event), want);
});

test('every kind of event has words of its own, also where its record is of another version', () => {
  for (const type of EVENT_TYPES) {
    assert.doesNotMatch(eventWords({ ...base, type, body: {} }), /\w\.\w|undefined|\[object/, type);
  }
});

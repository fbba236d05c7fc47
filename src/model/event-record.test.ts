import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, type Json } from '../util/canonical-json.ts';
import { EVENT_TYPES, type Event } from './event.ts';
import { eventRecord } from './event-record.ts';

test('a record is the canonical JSON of its event', () => {
  const time = fc.integer({ min: 0, max: 2 ** 48 });
  const text = fc.string({ unit: 'grapheme' });
  fc.assert(
    fc.property(
      fc.constantFrom(...EVENT_TYPES),
      fc.dictionary(text, fc.jsonValue()),
      fc.tuple(time, time, time),
      fc.tuple(text, text),
      (type, body, [sequence, observedAt, recordedAt], [actor, subject]) => {
        const event: Event = {
          type,
          observedAt,
          recordedAt,
          sequence,
          actor,
          subject,
          body: body as { [k: string]: Json },
        };
        assert.equal(eventRecord(event), canonicalJson({ ...event }));
      },
    ),
  );
  const event: Event = {
    type: 'host.first-seen',
    observedAt: 1,
    recordedAt: 1,
    sequence: 1,
    actor: 'a\ud800',
    subject: '',
    body: {},
  };
  assert.throws(() => eventRecord(event), TypeError);
  assert.throws(() => eventRecord({ ...event, actor: '', observedAt: Number.NaN }), TypeError);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, type Json } from '../util/canonical-json.ts';
import { EVENT_TYPES, type Event } from './event.ts';
import { eventRecord, isRecordOf } from './event-record.ts';

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
        const record = eventRecord(event);
        assert.equal(record, canonicalJson({ ...event }));
        assert.ok(isRecordOf(record, event));
        for (const change of [
          { actor: `${actor}x` },
          { subject: `x${subject}` },
          { sequence: sequence + 1 },
          { observedAt: observedAt + 1 },
          { recordedAt: recordedAt + 1 },
        ])
          assert.ok(!isRecordOf(record, { ...event, ...change }), JSON.stringify(change));
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

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EVENT_TYPES } from '../model/event.ts';
import { eventWords } from './event-text.ts';

test('every kind of event has words of its own, also where its record is of another version', () => {
  for (const type of EVENT_TYPES) {
    const text = eventWords({
      type,
      sequence: 1,
      observedAt: 0,
      recordedAt: 0,
      actor: 'user:alice',
      subject: 'x',
      body: {},
    });
    assert.doesNotMatch(text, /\w\.\w|undefined|\[object/, type);
  }
});

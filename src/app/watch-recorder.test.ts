import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UserError } from '../model/errors.ts';
import type { EventDraft } from '../model/event.ts';
import type { Observation, Sighting, UnnamedObservation } from '../model/observation.ts';
import { sampleListener, sampleObservation } from '../store/sample.ts';
import type { Store } from '../store/store.ts';
import { createWatchRecorder } from './watch-recorder.ts';

const { id: _, ...LOOK } = sampleObservation('h', 1_000, []);
const listeners = () => [];
const gap = (because: string, from: number, lost: number): EventDraft => ({
  ...{ type: 'watch.gap', observedAt: 5, actor: 'collector:local', subject: 'h' },
  body: { because, from, lost },
});
const opened = (at: number): Sighting => ({ kind: 'opened', at, listener: sampleListener('h', at) });

/** A store that is broken when it is told to be, and a clock that is set by hand. */
function bench(maxWaiting = 1_000) {
  const state = { broken: false, now: 0, late: false };
  const recorded: Observation[] = [];
  const events: EventDraft[] = [];
  const write = () => {
    if (state.broken) throw new UserError('the disk is full');
  };
  const store = {
    cacheGet: async () => undefined,
    cachePut: async () => {},
    recordObservations: async (list: readonly Observation[]) => {
      write();
      const [o] = list as [Observation];
      if (state.late) {
        state.late = false;
        return [{ type: 'observation.out-of-order', body: { id: o.id } }];
      }
      recorded.push(o);
      return [];
    },
    appendEvents: async (drafts: readonly EventDraft[]) => {
      write();
      events.push(...drafts);
      return [];
    },
  } as unknown as Store;
  const recorder = createWatchRecorder({
    ...{ store, gap, maxWaiting, elapsed: () => state.now },
    context: { now: () => 50_000 + state.now },
  });
  const flush = (look: UnnamedObservation = LOOK, force = false) => recorder.flush(look, listeners, force);
  return { state, recorder, flush, recorded, events };
}

test('what happened is written together, and not twice', async () => {
  const { state, recorder, flush, recorded } = bench();
  await flush();
  assert.equal(recorded.length, 1, 'a first look is always written down');
  state.now = 1_000;
  recorder.saw([opened(1_500)]);
  recorder.saw([opened(1_600), opened(1_700)]);
  await flush();
  assert.deepEqual(
    recorded[1]?.sightings?.map((s) => s.at),
    [1_500, 1_600, 1_700],
  );
  assert.equal(recorded[1]?.observedAt, 1_700, 'it is what became of what happened last');
  state.now = 2_000;
  await flush();
  assert.equal(recorded.length, 2, 'nothing happened');
  state.now = 400_000;
  await flush();
  assert.equal(recorded.length, 3, 'that somebody looked is written down all the same');
  assert.deepEqual(recorded[2]?.sightings, []);
});

test('much that waits is written sooner, but not where the store is broken', async () => {
  const { state, recorder, flush, recorded } = bench(10_000);
  await flush();
  state.now = 10;
  recorder.saw([opened(1)]);
  await flush();
  assert.equal(recorded.length, 1, 'it is not time yet');
  for (let i = 0; i < 1_000; i++) recorder.saw([opened(i)]);
  state.broken = true;
  assert.equal(await flush(), 'the disk is full');
  state.broken = false;
  state.now = 20;
  await flush();
  assert.equal(recorded.length, 1);
  state.now = 2_000;
  recorder.saw([opened(1)]);
  await flush();
  state.now = 2_010;
  for (let i = 0; i < 1_000; i++) recorder.saw([opened(i)]);
  await flush();
  assert.deepEqual(
    recorded.slice(1).map((o) => o.sightings?.length),
    [1_002, 1_000],
  );
});

test('a look that came after another one is dated anew', async () => {
  const { state, flush, recorded } = bench();
  state.late = true;
  await flush();
  assert.deepEqual(
    recorded.map((o) => o.observedAt),
    [50_000],
  );
});

test('while the store cannot be written, what happened waits in order, and a gap says so afterwards', async () => {
  const { state, recorder, flush, recorded, events } = bench();
  await flush();
  state.broken = true;
  recorder.saw([opened(1)]);
  recorder.append(gap('something else', 0, 0));
  state.now = 1_000;
  assert.equal(await flush(), 'the disk is full');
  recorder.saw([opened(2)]);
  state.now = 9_000;
  assert.equal(await flush(), null, 'it is told once');
  assert.equal(recorder.waiting(), 3);
  state.broken = false;
  state.now = 60_000;
  assert.equal(await flush(), null);
  assert.deepEqual(
    recorded[1]?.sightings?.map((s) => s.at),
    [1, 2],
  );
  assert.deepEqual(
    events.map((e) => [e.body.because, e.body.from, e.body.lost]),
    [
      ['something else', 0, 0],
      ['the store could not be written: the disk is full', 51_000, 0],
    ],
  );
  assert.equal(recorder.waiting(), 0);
});

test('what waits is bounded: the oldest gives way and is counted', async () => {
  const { state, recorder, flush, recorded, events } = bench(10);
  await flush();
  state.broken = true;
  state.now = 1_000;
  for (let i = 0; i < 25; i++) recorder.saw([opened(i)]);
  await flush();
  assert.equal(recorder.waiting(), 10);
  state.broken = false;
  state.now = 60_000;
  await flush();
  assert.deepEqual(
    recorded[1]?.sightings?.map((s) => s.at),
    [15, 16, 17, 18, 19, 20, 21, 22, 23, 24],
  );
  assert.equal(events[0]?.body.lost, 15);
});

import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { AlertDelivery } from '../src/store/incident-store.ts';
import { openStore } from '../src/store/store.ts';
import { sampleCause, sampleRecord } from './incident-sample.ts';
import { temporaryFolder } from './run-quietdoor.ts';

const open = (t: TestContext, dir = temporaryFolder(t)) => openStore({ dir, mode: 'write' });

function delivery(n: number, d: Partial<AlertDelivery> = {}): AlertDelivery {
  return {
    ...{ id: `00000000-0000-7000-8000-${String(n).padStart(12, '0')}`, channel: 'ops', owner: null, kind: 'raised' },
    ...{ isUrgent: false, counts: true, createdAt: n, state: 'waiting', attempts: 0, nextAttempt: n, settledAt: null },
    ...{ error: null, incidents: [sampleRecord(n).id], message: '{}' },
    ...d,
  };
}

const raised = (subject: string) => {
  return { type: 'alert.raised', observedAt: 5, actor: 'user:alice', subject, body: { title: 'Trouble.' } } as const;
};

test('incidents come back as they were written, with their causes', async (t) => {
  await using store = await open(t);
  const [one, two] = [sampleRecord(1), sampleRecord(2, { state: 'resolved', resolvedAt: 9, owner: 'team-orders' })];
  const causes = [
    { incident: one.id, cause: sampleCause({ id: 'a', lastSeen: 1 }) },
    { incident: one.id, cause: sampleCause({ id: 'b', lastSeen: 2 }) },
    { incident: two.id, cause: sampleCause({ id: 'c' }) },
  ];
  assert.equal(await store.incidents.write({ records: [one, two], causes, events: [raised('x')] }, 5), true);
  assert.deepEqual(await store.incidents.load([], []), { records: [one], causes: causes.slice(0, 2) });
  assert.deepEqual((await store.incidents.load(['c'], [])).records.length, 2);
  assert.deepEqual((await store.incidents.load([], [two.key])).causes.length, 3);
  const found = await store.incidents.find(one.id);
  assert.deepEqual([found?.record, found?.causes.map((cause) => cause.id)], [one, ['b', 'a']]);
  assert.equal(await store.incidents.find('Q-00000'), undefined);
  assert.deepEqual(await store.incidents.list(['resolved'], 9), [two]);
  assert.deepEqual(await store.incidents.ids(), new Set([one.id, two.id]));
  assert.equal((await store.events({ types: ['alert.raised'], limit: 9 })).length, 1);
});

test('a cause stays in its incident, whoever writes', async (t) => {
  await using store = await open(t);
  const [one, two] = [sampleRecord(1), sampleRecord(2)];
  const cause = sampleCause({ id: 'a', lastSeen: 1 });
  await store.incidents.write({ records: [one, two], causes: [{ incident: one.id, cause }], events: [] }, 1);
  await store.incidents.write({ causes: [{ incident: two.id, cause: { ...cause, lastSeen: 2 } }], events: [] }, 2);
  const { causes } = await store.incidents.load([], []);
  assert.deepEqual(causes, [{ incident: one.id, cause: { ...cause, lastSeen: 2 } }]);
});

test('who worked with an older version writes nothing', async (t) => {
  const dir = temporaryFolder(t);
  await using store = await open(t, dir);
  await using other = await open(t, dir);
  const { version, ...marks } = await store.incidents.marks();
  assert.deepEqual(marks, { cursor: null, begunAt: null, digestAt: null });
  const write = (n: number) => ({ version, records: [sampleRecord(n)], marks: { cursor: n }, events: [raised('x')] });
  const written = await Promise.all([store.incidents.write(write(1), 1), other.incidents.write(write(2), 2)]);
  assert.deepEqual(written.toSorted(), [false, true]);
  assert.equal((await store.incidents.ids()).size, 1);
  assert.equal((await store.events({ types: ['alert.raised'], limit: 9 })).length, 1);
  assert.deepEqual((await store.incidents.marks()).version, version + 1);
});

test('the outbox: what is due, what was sent, what was given up', async (t) => {
  await using store = await open(t);
  const { incidents } = store;
  const urgent = delivery(3, { isUrgent: true, kind: 'summary', owner: 'team-orders', channel: 'mail' });
  await incidents.write(
    { deliveries: [delivery(1), delivery(2), urgent, delivery(4, { counts: false })], events: [] },
    9,
  );
  const ids = async (state: AlertDelivery['state'], dueBy?: number) =>
    (await incidents.deliveries(state, 9, dueBy)).map((one) => one.createdAt);
  assert.deepEqual(await ids('waiting'), [1, 2, 3, 4]);
  assert.deepEqual(await ids('waiting', 2), [1, 2]);
  assert.deepEqual((await incidents.deliveries('waiting', 9))[2], urgent);
  assert.deepEqual(await incidents.deliveredSince(2), [
    { channel: 'mail', owner: 'team-orders', isUrgent: true, messages: 1, hasSummary: true },
    { channel: 'ops', owner: null, isUrgent: false, messages: 1, hasSummary: false },
  ]);
  const settled = { attempts: 1, nextAttempt: 50, settledAt: 50 };
  await incidents.settle({ id: delivery(1).id, state: 'sent', error: null, ...settled }, null, 50);
  const undelivered = { ...raised('ops'), type: 'alert.undelivered' } as const;
  await incidents.settle({ id: delivery(2).id, state: 'dead', error: 'refused', ...settled }, undelivered, 50);
  assert.deepEqual([await ids('sent'), await ids('dead'), await ids('waiting')], [[1], [2], [3, 4]]);
  assert.equal((await store.events({ types: ['alert.undelivered'], limit: 9 })).length, 1);
  const [dead] = (await incidents.find(sampleRecord(2).id))?.deliveries ?? [];
  assert.equal(dead, undefined, 'there is no such incident');
  assert.deepEqual([await incidents.revive('mail', 60), await incidents.revive(null, 60)], [0, 1]);
  const [again] = await incidents.deliveries('waiting', 9);
  assert.deepEqual([again?.createdAt, again?.attempts, again?.nextAttempt, again?.error], [2, 0, 60, 'refused']);
  assert.deepEqual([await incidents.forgetOld(1), await incidents.forgetOld(9)], [0, 1]);
});

test('what happened long ago is forgotten, what is so is not', async (t) => {
  await using store = await open(t);
  const one = sampleRecord(1);
  const causes = [
    { incident: one.id, cause: sampleCause({ id: 'a', lastSeen: 1 }) },
    { incident: one.id, cause: sampleCause({ id: 'b', from: 'event', lastSeen: 1 }) },
    { incident: one.id, cause: sampleCause({ id: 'c', from: 'anomaly', lastSeen: 9 }) },
  ];
  await store.incidents.write({ records: [one], causes, events: [] }, 1);
  await store.incidents.forgetOld(5);
  assert.deepEqual((await store.incidents.load([], [])).causes.map(({ cause }) => cause.id).sort(), ['a', 'c']);
});

test('maintenance windows that are not over, and all of them', async (t) => {
  await using store = await open(t);
  const window = (id: string, from: number, until: number) => {
    return { id, where: ['host:db-1'], from, until, reason: 'upgrade', by: 'alice', endedAt: null };
  };
  const [a, b] = [window('M-A', 10, 20), window('M-B', 5, 50)];
  await store.incidents.write({ windows: [a, b], events: [] }, 1);
  assert.deepEqual(await store.incidents.windows(15), [b, a]);
  assert.deepEqual(await store.incidents.windows(20), [b]);
  await store.incidents.write({ windows: [{ ...b, endedAt: 21 }], events: [] }, 21);
  assert.deepEqual(await store.incidents.windows(21), []);
  assert.equal((await store.incidents.windows(null)).length, 2);
});

test('events are read on from where one stopped', async (t) => {
  await using store = await open(t);
  assert.equal(await store.incidents.newestEvent(), 0);
  await store.appendEvents([raised('a'), { ...raised('b'), type: 'watch.gap' }, raised('c')], 1);
  const after = async (sequence: number) =>
    (await store.incidents.eventsAfter(sequence, ['alert.raised'], 9)).map((event) => event.subject);
  assert.deepEqual([await after(0), await after(1), await after(3)], [['a', 'c'], ['c'], []]);
  assert.equal(await store.incidents.newestEvent(), 3);
});

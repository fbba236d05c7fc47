import assert from 'node:assert/strict';
import { test } from 'node:test';
import { actOnAlert, readId } from '../src/app/alerts-act.ts';
import { deadAlerts, retryDead } from '../src/app/alerts-dead.ts';
import { listAlerts, showAlert } from '../src/app/alerts-list.ts';
import { announceMaintenance, endMaintenance } from '../src/app/alerts-maintenance.ts';
import { runAlerts } from '../src/app/alerts-run.ts';
import type { Anomaly } from '../src/model/anomaly.ts';
import type { EventType } from '../src/model/event.ts';
import { takeRunLock } from '../src/store/run-lock.ts';
import { openStore } from '../src/store/store.ts';
import { AlertsWorkspace, DAY, HOUR, MINUTE, refused } from './alerts-workspace.ts';

async function events(w: AlertsWorkspace, ...types: EventType[]) {
  await using store = await openStore({ dir: w.state, mode: 'read' });
  return await store.events({ types, limit: 100 });
}

/** The incident of a port. */
async function incidentOf(w: AlertsWorkspace, port: number) {
  const { alerts } = await listAlerts(w.context, { state: 'all', limit: 1_000 });
  return alerts.find(({ record }) => record.endpoint?.port === port)?.record ?? assert.fail(`no incident of ${port}`);
}

/** A workspace that was told of what was there, so that what comes is new. */
async function begun(...args: ConstructorParameters<typeof AlertsWorkspace>) {
  const w = new AlertsWorkspace(...args);
  await w.look([22]);
  await w.run();
  w.sent.splice(0);
  w.now += MINUTE;
  return w;
}

test('what is there at the first run is one summary, what opens later is told by itself, and once', async (t) => {
  const w = new AlertsWorkspace(t);
  await w.look([22, 80]);
  const first = await w.run();
  assert.ok(first.isFirst && first.raised.length >= 2);
  assert.match(w.take().join('\n'), /^summary ops .*\b22\b.*$/);
  assert.equal((await events(w, 'alert.raised')).length, 1, 'one record for what was there');
  for (let i = 0; i < 3; i++) {
    w.now += MINUTE;
    const again = await w.run();
    assert.deepEqual([again.raised, again.messages, w.take()], [[], [], []]);
  }
  await w.look([22, 80, 5432]);
  const opened = await w.run();
  assert.deepEqual(
    opened.raised.map((record) => record.endpoint?.port),
    [5432],
  );
  assert.deepEqual(w.take(), ['raised ops 5432']);
  const incident = await incidentOf(w, 5432);
  const { causes, deliveries } = await showAlert(w.context, incident.id);
  assert.deepEqual(causes.map((cause) => cause.kind).sort(), ['listener.opened', 'unregistered-listener']);
  assert.deepEqual(
    deliveries.map((delivery) => delivery.state),
    ['sent'],
  );
  const [event] = await events(w, 'alert.raised');
  assert.deepEqual([event?.subject, event?.body.incident], ['db-1:5432/tcp', incident.id]);
});

test('a port that opened and closed between two runs is told of', async (t) => {
  const w = await begun(t);
  await w.look([22, 4444]);
  await w.look([22]);
  await w.run();
  assert.deepEqual(w.take(), ['raised ops 4444']);
});

test('what is gone is over after the wait, is told, and opens again when it comes back', async (t) => {
  const w = await begun(t);
  await w.look([22, 80]);
  await w.run();
  const { id } = await incidentOf(w, 80);
  w.now += HOUR;
  await w.look([22]);
  assert.deepEqual((await w.run()).resolved, []);
  w.now += 6 * HOUR;
  await w.look([22]);
  assert.deepEqual(
    (await w.run()).resolved.map((record) => record.id),
    [id],
  );
  assert.deepEqual(w.take(), ['raised ops 80', 'resolved ops 80']);
  w.now += HOUR;
  await w.look([22, 80]);
  assert.deepEqual(
    (await w.run()).reopened.map((record) => record.id),
    [id],
  );
  assert.deepEqual(w.take(), ['raised ops 80']);
  const news = (await events(w, 'alert.raised', 'alert.resolved')).filter((event) => event.body.incident === id);
  assert.deepEqual(news.map((event) => event.body.news ?? event.type).reverse(), [
    'raised',
    'alert.resolved',
    'reopened',
  ]);
});

test('what cannot be read in the register is not over', async (t) => {
  const w = await begun(t);
  await w.look([22, 80]);
  await w.run();
  w.configure('alerts:\n  channels:\n    - { name: ops, kind: fake }\nzones: 7\n');
  w.now += DAY;
  await w.look([22]);
  assert.deepEqual((await w.run()).resolved, []);
});

test('acknowledge, snooze and resolve: with who and why, in the ledger', async (t) => {
  const w = await begun(t);
  await w.look([22, 80, 81, 82]);
  await w.run();
  w.sent.splice(0);
  const [a, b, c] = await Promise.all([80, 81, 82].map((port) => incidentOf(w, port)));
  assert.ok(a && b && c);
  await actOnAlert(w.context, a.id.toLowerCase(), { verb: 'ack', note: 'on it' });
  await actOnAlert(w.context, b.id.slice(2), { verb: 'snooze', until: '2d', note: null });
  await actOnAlert(w.context, c.id, { verb: 'resolve', note: 'CHG-1' });
  assert.deepEqual(
    (await events(w, 'alert.acknowledged', 'alert.snoozed', 'alert.resolved')).map(({ actor, body }) => [
      actor,
      body.by,
      body.incident,
      body.note,
    ]),
    [
      ['user:alice', 'alice', c.id, 'CHG-1'],
      ['user:alice', 'alice', b.id, undefined],
      ['user:alice', 'alice', a.id, 'on it'],
    ],
  );
  w.now += 23 * HOUR;
  await w.look([22, 80, 81, 82]);
  await w.run();
  assert.deepEqual(w.take(), [], 'nobody is told again within a day');
  w.now += 2 * HOUR;
  await w.run();
  assert.deepEqual(w.take().sort(), ['raised ops 82', 'reminded ops 22'], 'resolved, and still there a day later');
  w.now += DAY;
  await w.run();
  const later = w.take();
  assert.ok(later.includes('raised ops 81'), 'the snooze is over');
  assert.ok(!later.some((line) => line.endsWith(' 80')), 'somebody has it');
  const { alerts } = await listAlerts(w.context, { state: 'acknowledged', limit: 9 });
  assert.deepEqual(
    alerts.map(({ record }) => [record.id, record.by, record.note]),
    [[a.id, 'alice', 'on it']],
  );
});

test('what cannot be: an id that is none, a time that is over, an empty note, what is resolved already', async (t) => {
  const w = await begun(t);
  const { id } = await incidentOf(w, 22);
  const act = (typed: string, action: Parameters<typeof actOnAlert>[2]) => actOnAlert(w.context, typed, action);
  await assert.rejects(act('Q-00000', { verb: 'ack', note: 'x' }), /there is no alert Q-00000/);
  await assert.rejects(act(id, { verb: 'snooze', until: '2020-01-01', note: null }), /is over/);
  await assert.rejects(act(id, { verb: 'snooze', until: 'soon', note: null }), /is no time/);
  await assert.rejects(act(id, { verb: 'ack', note: '  ' }), /note is empty/);
  await assert.rejects(act(id, { verb: 'ack', note: 'x'.repeat(3_000) }), /at most 2000/);
  await act(id, { verb: 'resolve', note: 'done' });
  await assert.rejects(act(id, { verb: 'ack', note: 'x' }), /is resolved already/);
  assert.equal(readId('q-o1lZ'), 'Q-011Z');
});

test('maintenance: recorded, not told; what is still there at its end is told then', async (t) => {
  const w = await begun(t);
  const window = await announceMaintenance(w.context, { where: ['host:db-*'], until: '4h', reason: 'upgrade' });
  await w.look([22, 80, 81]);
  const during = await w.run();
  assert.deepEqual([during.raised.map((record) => record.endpoint?.port).sort(), w.take()], [[80, 81], []]);
  w.now += HOUR;
  await w.look([22, 80]);
  await w.run();
  const { alerts } = await listAlerts(w.context, { state: 'open', limit: 9 });
  assert.ok(alerts.every(({ maintenance }) => maintenance?.id === window.id));
  w.now += 4 * HOUR;
  await w.look([22, 80]);
  await w.run();
  assert.deepEqual(w.take(), ['raised ops 80', 'raised ops 81'], '81 is not over yet: it may come back');
  const announced = await events(w, 'maintenance.announced');
  assert.deepEqual(
    announced.map(({ subject, body }) => [subject, body.reason, body.by]),
    [[window.id, 'upgrade', 'alice']],
  );
  const second = await announceMaintenance(w.context, { where: ['endpoint:db-1:90'], until: '4h', reason: 'more' });
  await w.look([22, 80, 90]);
  await w.run();
  await endMaintenance(w.context, second.id.toLowerCase());
  await w.run();
  assert.deepEqual(w.take(), ['raised ops 90']);
  await assert.rejects(endMaintenance(w.context, second.id), /no maintenance window/);
});

test('maintenance that cannot be is refused', async (t) => {
  const w = new AlertsWorkspace(t);
  const announce = (request: Partial<Parameters<typeof announceMaintenance>[1]>) =>
    announceMaintenance(w.context, { where: ['host:db-1'], until: '4h', reason: 'x', ...request });
  await assert.rejects(announce({ where: [] }), /about something/);
  await assert.rejects(announce({ where: ['db-1'] }), /expected host:NAME/);
  await assert.rejects(announce({ until: '2020-01-01' }), /is over/);
  await assert.rejects(announce({ from: '5h' }), /would end/);
  await assert.rejects(announce({ until: '99w' }), /more than 90 days/);
  await assert.rejects(announce({ reason: ' ' }), /reason of 1 to 500/);
});

test('a receiver that fails is asked again later with the same message, then less and less often', async (t) => {
  const w = await begun(t);
  const ids: string[] = [];
  w.behave = (message) => {
    ids.push(message.id);
    return ids.length < 4 ? refused(true) : undefined;
  };
  await w.look([22, 80]);
  const first = await w.run();
  assert.deepEqual(
    [first.delivered, [...first.errors]],
    [{ sent: 0, failed: 1, dead: 0 }, [['ops', 'the receiver answered 500']]],
  );
  await w.run();
  assert.equal(ids.length, 1, 'not before its time');
  for (const wait of [1, 2, 4]) {
    w.now += wait * MINUTE - 1;
    await w.run();
    w.now += 1;
    await w.run();
  }
  assert.equal(ids.length, 4);
  assert.equal(new Set(ids).size, 1);
  assert.deepEqual(w.take(), ['raised ops 80']);
});

test('what is refused for good is dead, told of through another channel, and sent again when asked', async (t) => {
  const w = await begun(
    t,
    'alerts:\n  fallback: ops\n  channels:\n    - { name: ops, kind: fake, to: ops }\n    - { name: soc, kind: fake, to: soc }\n',
  );
  w.behave = (_, { to }) => (to === 'ops' ? refused(false) : undefined);
  await w.look([22, 80]);
  const run = await w.run();
  assert.deepEqual(run.delivered, { sent: 0, failed: 0, dead: 1 });
  const [dead] = await deadAlerts(w.context);
  assert.deepEqual([dead?.channel, dead?.error, dead?.attempts], ['ops', 'the receiver answered 500', 1]);
  assert.equal((await listAlerts(w.context, { limit: 9 })).dead.length, 1);
  const [event] = await events(w, 'alert.undelivered');
  assert.deepEqual([event?.subject, event?.body.because], ['ops', 'the receiver answered 500']);
  await w.run();
  assert.deepEqual(w.take(), ['raised soc channel:ops']);
  w.behave = () => undefined;
  assert.equal(await retryDead(w.context), 1);
  await w.run();
  assert.deepEqual(w.take(), ['raised ops 80']);
  assert.deepEqual(await deadAlerts(w.context), []);
});

test('a receiver that is gone for a day is given up', async (t) => {
  const w = await begun(t);
  w.behave = () => refused(true);
  await w.look([22, 80]);
  let attempts = 0;
  for (let hours = 0; (await deadAlerts(w.context)).length === 0; hours++) {
    assert.ok(hours < 30, 'never given up');
    const { delivered } = await w.run();
    attempts += delivered.failed + delivered.dead;
    w.now += HOUR;
  }
  assert.equal(attempts, 12);
});

test('a channel that hangs keeps no other waiting', async (t) => {
  const w = await begun(
    t,
    'alerts:\n  routes:\n    - { to: [slow, ops] }\n  channels:\n    - { name: slow, kind: fake, to: slow }\n    - { name: ops, kind: fake, to: ops }\n',
  );
  w.behave = (_, { to }) => (to === 'slow' ? 'hang' : undefined);
  await w.look([22, 80, 81, 82, 83]);
  const { delivered, errors } = await w.run();
  assert.deepEqual(delivered, { sent: 4, failed: 2, dead: 0 }, 'after two failures it is left alone');
  assert.match(errors.get('slow') ?? '', /no answer within 0.05 s/);
  assert.equal(w.take().filter((line) => line.startsWith('raised ops ')).length, 4);
});

test('a secret that is missing is said by its name, and the message waits', async (t) => {
  const w = await begun(t, 'alerts:\n  channels:\n    - { name: ops, kind: fake, secret: env:NOT_THERE }\n');
  await w.look([22, 80]);
  const failed = await w.run();
  assert.match(failed.errors.get('ops') ?? '', /the environment has no NOT_THERE/);
  w.configure('alerts:\n  channels:\n    - { name: ops, kind: fake, secret: env:SECRET }\n');
  w.now += HOUR;
  await w.run();
  assert.deepEqual(
    w.take().filter((line) => line.startsWith('raised')),
    ['raised ops 80'],
  );
});

test('channels that are wrong or gone', async (t) => {
  const w = await begun(t, 'alerts:\n  channels:\n    - { name: ops, kind: fake }\n    - { name: soc, kind: fakee }\n');
  const { problems } = await w.run();
  assert.deepEqual(
    problems.map(({ message, hint, at }) => [message, hint, at.line]),
    [['alerts: there is no kind of channel "fakee" (channel soc)', 'did you mean "fake"?', 6]],
  );
  w.behave = () => refused(true);
  await w.look([22, 80]);
  await w.run();
  w.configure('alerts:\n  channels:\n    - { name: other, kind: fake }\n');
  w.now += HOUR;
  await w.run();
  const [dead] = await deadAlerts(w.context);
  assert.equal(dead?.error, 'quietdoor.yaml has no such channel any more');
});

test('the owner of the port is written to, with a summary of his own', async (t) => {
  const w = new AlertsWorkspace(
    t,
    'hosts:\n  db-1: { owner: team-orders }\nalerts:\n  channels:\n    - { name: mail, kind: fake, perOwner: true }\n    - { name: ops, kind: fake }\n',
  );
  await w.look([22]);
  await w.look([22], 'web-1');
  await w.run();
  const lines = w.take().sort();
  assert.equal(lines.length, 2);
  assert.match(lines[0] ?? '', /^summary ops /);
  assert.match(lines[1] ?? '', /^summary orders@example.org .*22/);
  w.now += MINUTE;
  await w.look([22, 80]);
  await w.run();
  assert.deepEqual(w.take(), ['raised orders@example.org 80']);
});

test('no more than the cap, the last one a summary; the rest the next day', async (t) => {
  const w = await begun(t, 'alerts:\n  dailyCap: 3\n  remind: never\n  channels:\n    - { name: ops, kind: fake }\n');
  await w.look([22, ...Array.from({ length: 30 }, (_, n) => 8000 + n)]);
  await w.run();
  const lines = w.take();
  assert.deepEqual(
    lines.map((line) => line.split(' ')[0]),
    ['raised', 'raised', 'summary'],
  );
  assert.match(lines[2] ?? '', / \+8$/);
  await w.look([22, 9000]);
  await w.run();
  assert.deepEqual(w.take(), []);
  w.now += DAY;
  await w.look([22, 9000]);
  await w.run();
  assert.deepEqual(
    w.take().filter((line) => line.startsWith('raised')),
    ['raised ops 9000'],
  );
});

test('what is mild waits for the digest', async (t) => {
  const w = await begun(t, 'alerts:\n  severity: critical\n  channels:\n    - { name: ops, kind: fake }\n');
  await w.look([22, 80]);
  await w.run();
  assert.deepEqual(w.take(), []);
  w.now = Date.UTC(2026, 0, 16, 7, 59);
  await w.run();
  assert.deepEqual(w.take(), []);
  w.now += MINUTE;
  await w.run();
  assert.deepEqual(w.take(), ['digest ops 80']);
  w.now += DAY;
  await w.look([22, 80]);
  await w.run();
  assert.deepEqual(w.take(), [], 'an empty one is not sent');
});

test('unusual traffic joins the trouble of its port', async (t) => {
  const w = await begun(t);
  await w.look([22, 80]);
  await w.run();
  w.sent.splice(0);
  const at = new Date(w.now).toISOString();
  const anomaly: Anomaly = {
    ...{
      id: 'a1',
      kind: 'first-seen-source',
      endpoint: { host: 'db-1', transport: 'tcp', port: 80 },
      source: '10.0.0.7',
    },
    ...{ from: at, to: at, expected: { words: 'nobody' }, seen: { words: 'one' }, surprise: 20, severity: 'high' },
    ...{ message: '10.0.0.7 connected.', contributing: [], also: [] },
  };
  const other: Anomaly = { ...anomaly, id: 'a2', endpoint: { host: 'db-9', transport: 'tcp', port: 443 } };
  const run = await w.run({ anomalies: async () => [anomaly, other] });
  assert.deepEqual(
    run.raised.map((record) => record.key),
    ['endpoint:db-9:443/tcp from 10.0.0.7'],
  );
  const { kinds, causeCount, severity } = await incidentOf(w, 80);
  assert.deepEqual([kinds.includes('first-seen-source'), causeCount, severity], [true, 3, 'critical']);
  assert.deepEqual(
    run.escalated.map((record) => record.endpoint?.port),
    [80],
  );
  assert.deepEqual(w.take(), ['raised ops 80', 'raised ops 443']);
});

test('without a channel nobody is told, and the first one begins with a summary', async (t) => {
  const w = new AlertsWorkspace(t, '');
  await w.look([22]);
  const none = await w.run();
  assert.deepEqual([none.channels, none.isFirst, none.messages], [0, false, []]);
  w.configure('alerts:\n  channels:\n    - { name: ops, kind: fake }\n');
  const { isFirst } = await w.run();
  assert.deepEqual([isFirst, w.take().map((line) => line.split(' ')[0])], [true, ['summary']]);
});

test('while one run is at it, another does nothing', async (t) => {
  const w = await begun(t);
  const lock = takeRunLock(w.state, '@alerts');
  assert.equal(await runAlerts(w.context), null);
  lock?.release();
  await w.look([22, 80]);
  const both = await Promise.all([w.run().catch(() => null), w.run().catch(() => null)]);
  assert.equal(both.filter((run) => run !== null).length, 1);
  assert.deepEqual(w.take(), ['raised ops 80']);
});

test('a person who acts while a run works is not overruled', async (t) => {
  const w = await begun(t);
  await w.look([22, 80]);
  await w.run();
  const { id } = await incidentOf(w, 80);
  // The anomaly source is asked after the run began to read.
  await w.run({
    anomalies: async () => {
      await actOnAlert(w.context, id, { verb: 'ack', note: 'mine' });
      return [];
    },
  });
  assert.equal((await incidentOf(w, 80)).state, 'acknowledged');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compareObservation, type KnownState, type StateChange } from './changes.ts';
import { endpointKey } from './endpoint.ts';
import { type Listener, listenerKey, type ProcessFacts } from './listener.ts';
import { ALL_PORTS, type Coverage, isCovered, type Observation } from './observation.ts';
import type { ListenerState } from './state.ts';

const EVERYTHING: Coverage = {
  host: 'db-1',
  scope: '*',
  transports: ['tcp', 'udp', 'sctp', 'udplite', 'raw'],
  ports: ALL_PORTS,
  addresses: 'all',
};
const POSTGRES: ProcessFacts = {
  pid: 700,
  startedAt: 1_000_000,
  exe: '/usr/lib/postgresql/15/bin/postgres',
  user: 'postgres',
  unit: 'postgresql@15-main.service',
  package: { manager: 'dpkg', name: 'postgresql-15', version: '15.1' },
};

function listener(l: Partial<Listener> = {}): Listener {
  const base = { host: 'db-1', scope: 'host', transport: 'tcp', port: 5432, address: '0.0.0.0', bind: 'any' } as const;
  return { ...base, families: ['ipv4'], role: 'service', process: POSTGRES, sharedWith: [], ...l };
}

let nextId = 0;
function look(listeners: readonly Listener[], o: Partial<Observation> = {}): Observation {
  const host = { name: 'db-1', addresses: ['10.0.0.1'], tags: [] };
  const id = `look-${nextId++}`;
  const base = {
    id,
    collector: 'local',
    vantage: 'local',
    observedAt: 1000,
    durationMs: 5,
    privilege: 'root',
  } as const;
  return { ...base, host, coverage: [EVERYTHING], gaps: [], listeners, ...o };
}

/** The state after a change, as a store would keep it. */
function apply(before: KnownState, change: StateChange): KnownState {
  const states = new Map(before.listeners.map((s) => [`${s.vantage}|${listenerKey(s.listener)}`, s]));
  for (const s of [...change.listeners, ...change.confirmed]) states.set(`${s.vantage}|${listenerKey(s.listener)}`, s);
  for (const s of change.forgotten) states.delete(`${s.vantage}|${listenerKey(s.listener)}`);
  return { host: change.host, listeners: [...states.values()] };
}

/** Compares observations one after the other; gives the last change and the state after it. */
function follow(...looks: readonly Observation[]): { change: StateChange; state: KnownState } {
  let state: KnownState = { listeners: [], host: null };
  let change: StateChange | undefined;
  for (const o of looks) {
    change = compareObservation(state, o, o.observedAt);
    state = apply(state, change);
  }
  assert.ok(change);
  return { change, state };
}

const typesOf = (change: StateChange): string[] => change.events.map((e) => e.type);
const later = { observedAt: 2000 };

test('a port that nobody looked at the time before is told apart from one that opened since', () => {
  const ports = (from: number, to: number) => ({ coverage: [{ ...EVERYTHING, ports: [{ from, to }] }] });
  const bodyOf = (...looks: Observation[]) => follow(...looks).change.events.at(-1)?.body;
  const [low, high] = [listener({ port: 22 }), listener({ port: 8080 })];
  const wider = look([low, high], { ...later, ...ports(1, 10_000) });
  assert.equal(bodyOf(look([low], ports(1, 1024)), wider)?.firstLook, true);
  assert.equal(bodyOf(look([low], ports(1, 10_000)), wider)?.firstLook, undefined);
  const closed = [look([low, high], ports(1, 10_000)), look([low], { ...later, ...ports(1, 10_000) })];
  const narrow = look([low], { observedAt: 3000, ...ports(1, 1024) });
  const again = look([low, high], { observedAt: 4000, ...ports(1, 10_000) });
  assert.equal(bodyOf(...closed, narrow, again)?.firstLook, undefined, 'it was seen closed');
});

test('what opened around a look that failed has opened, and was not seen for the first time', () => {
  const [low, high] = [listener({ port: 22 }), listener({ port: 8080 })];
  const failed = look([], { ...later, coverage: [] });
  const opened = follow(look([low]), failed, look([low, high], { observedAt: 3000 })).change;
  assert.equal(opened.events.at(-1)?.body.firstLook, undefined);
  const first = follow(failed, look([low], { observedAt: 3000 })).change;
  assert.equal(first.events.at(-1)?.body.firstLook, true);
});

test('the first look at a host says so, and opens what it sees', () => {
  const { change, state } = follow(look([listener(), listener({ port: 22, process: null })]));
  assert.deepEqual(typesOf(change), ['host.first-seen', 'observation.recorded', 'listener.opened', 'listener.opened']);
  assert.deepEqual(
    change.events.map((e) => e.subject),
    ['db-1', 'db-1', 'db-1:22/tcp', 'db-1:5432/tcp'],
  );
  const [, recorded, , opened] = change.events;
  assert.equal(recorded?.body.listeners, 2);
  assert.equal(recorded?.body.changes, 2);
  assert.match(String(recorded?.body.basis), /^[0-9a-f]{64}$/);
  assert.deepEqual(opened?.body.endpoint, { host: 'db-1', scope: 'host', transport: 'tcp', port: 5432 });
  assert.equal(opened?.body.address, '0.0.0.0');
  assert.equal(state.host?.firstObservedAt, 1000);
});

const CHANGES: { name: string; first: Listener; second: Listener; want: unknown[] }[] = [
  { name: 'nothing', first: listener(), second: listener(), want: [] },
  {
    name: 'a restart',
    first: listener(),
    second: listener({ process: { ...POSTGRES, pid: 701, startedAt: 1_500_000 } }),
    want: [],
  },
  { name: 'everything hidden', first: listener(), second: listener({ process: null }), want: [] },
  { name: 'everything becomes visible', first: listener({ process: null }), second: listener(), want: [] },
  {
    name: 'a hash that only one side knows',
    first: listener(),
    second: listener({ process: { ...POSTGRES, sha256: 'ab' } }),
    want: [],
  },
  {
    name: 'a package upgrade',
    first: listener(),
    second: listener({
      process: { ...POSTGRES, pid: 9, package: { manager: 'dpkg', name: 'postgresql-15', version: '15.2' } },
    }),
    want: [{ attribute: 'packageVersion', old: '15.1', new: '15.2' }],
  },
  {
    name: 'another program and user',
    first: listener(),
    second: listener({ process: { ...POSTGRES, pid: 9, exe: '/tmp/nc', user: 'eve' } }),
    want: [
      { attribute: 'exe', old: '/usr/lib/postgresql/15/bin/postgres', new: '/tmp/nc' },
      { attribute: 'user', old: 'postgres', new: 'eve' },
    ],
  },
  {
    name: 'another owner of the socket, where no process is visible',
    first: listener({ process: null, uid: 0 }),
    second: listener({ process: null, uid: 1001 }),
    want: [{ attribute: 'socketUid', old: '0', new: '1001' }],
  },
  {
    name: 'a second family',
    first: listener({ address: '::', families: ['ipv6'] }),
    second: listener({ address: '::', families: ['ipv4', 'ipv6'] }),
    want: [{ attribute: 'families', old: 'ipv6', new: 'ipv4 ipv6' }],
  },
];
for (const { name, first, second, want } of CHANGES) {
  test(`a second look that sees ${name} gives ${want.length} attribute changes`, () => {
    const { change } = follow(look([first]), look([second], later));
    assert.deepEqual(
      typesOf(change),
      want.length > 0 ? ['observation.recorded', 'listener.changed'] : ['observation.recorded'],
    );
    if (want.length > 0) assert.deepEqual(change.events[1]?.body.changes, want);
  });
}

test('a look without rights in between does not hide a change', () => {
  const evil = listener({ process: { ...POSTGRES, exe: '/tmp/nc' } });
  const { change, state } = follow(
    look([listener()]),
    look([listener({ process: null })], { observedAt: 2000, privilege: 'user' }),
    look([evil], { observedAt: 3000 }),
  );
  assert.deepEqual(typesOf(change), ['observation.recorded', 'listener.changed']);
  assert.equal(state.listeners[0]?.remembered, undefined);
});

test('what is hidden now is remembered apart from the facts of now', () => {
  const { state } = follow(look([listener()]), look([listener({ process: null })], later));
  assert.equal(state.listeners[0]?.listener.process, null);
  assert.equal(state.listeners[0]?.remembered?.exe, POSTGRES.exe);
});

test('restarts are counted, by pid or by start time; a slewed clock is none', () => {
  const restarts = (process: ProcessFacts): number | undefined =>
    follow(look([listener()]), look([listener({ process })], later)).state.listeners[0]?.restarts;
  assert.equal(restarts({ ...POSTGRES, pid: 701 }), 1);
  assert.equal(restarts({ ...POSTGRES, startedAt: 2_000_000 }), 1);
  assert.equal(restarts({ ...POSTGRES, startedAt: 1_001_000 }), 0);
  assert.equal(restarts(POSTGRES), 0);
});

test('closing needs coverage and the same vantage', () => {
  const close = (o: Partial<Observation>): string[] =>
    typesOf(follow(look([listener()]), look([], { ...later, ...o })).change);
  assert.deepEqual(close({}), ['observation.recorded', 'listener.closed']);
  assert.deepEqual(close({ coverage: [{ ...EVERYTHING, transports: ['udp'] }] }), ['observation.recorded']);
  assert.deepEqual(close({ coverage: [{ ...EVERYTHING, ports: [{ from: 1, to: 1024 }] }] }), ['observation.recorded']);
  assert.deepEqual(close({ coverage: [{ ...EVERYTHING, addresses: ['127.0.0.1'] }] }), ['observation.recorded']);
  assert.deepEqual(close({ coverage: [{ ...EVERYTHING, scope: 'container:web' }] }), ['observation.recorded']);
  const { state } = follow(look([listener()]));
  const elsewhere = compareObservation({ ...state, host: null }, look([], { ...later, vantage: 'scanner-1' }), 2000);
  assert.deepEqual(typesOf(elsewhere), ['host.first-seen', 'observation.recorded']);
});

test('a listener that comes back keeps its first date and opens again', () => {
  const { change, state } = follow(look([listener()]), look([], later), look([listener()], { observedAt: 3000 }));
  assert.deepEqual(typesOf(change), ['observation.recorded', 'listener.opened']);
  const [s] = state.listeners;
  assert.deepEqual([s?.firstSeen, s?.openSince, s?.lastSeen, s?.closedAt], [1000, 3000, 3000, null]);
});

test('ephemeral sockets are known, raise no events, and are forgotten', () => {
  const client = listener({ transport: 'udp', port: 40_000, role: 'ephemeral' });
  const opened = follow(look([client]));
  assert.deepEqual(typesOf(opened.change), ['host.first-seen', 'observation.recorded']);
  assert.equal(opened.state.listeners.length, 1);
  const gone = follow(look([client]), look([], later));
  assert.deepEqual(typesOf(gone.change), ['observation.recorded']);
  assert.equal(gone.state.listeners.length, 0);
  const service = follow(look([client]), look([{ ...client, role: 'service' }], later));
  assert.deepEqual(typesOf(service.change), ['observation.recorded', 'listener.opened']);
  const back = follow(look([{ ...client, role: 'service' }]), look([client], later));
  assert.deepEqual(typesOf(back.change), ['observation.recorded', 'listener.closed']);
});

test('a late delivery is recorded and changes nothing', () => {
  const { state } = follow(look([listener()], { observedAt: 5000 }));
  const change = compareObservation(state, look([], { observedAt: 4000 }), 6000);
  assert.equal(change.kind, 'late');
  assert.deepEqual(typesOf(change), ['observation.out-of-order']);
  assert.deepEqual(apply(state, change), state);
});

test('after the clock stepped back nothing opens or closes once, and then all goes on', () => {
  const { state } = follow(look([listener()], { observedAt: 9_000 }), look([listener()], { observedAt: 10_000 }));
  const stepped = compareObservation(state, look([], { observedAt: 5000 }), 5001);
  assert.deepEqual(typesOf(stepped), ['clock.stepped-back']);
  const corrected = apply(state, stepped);
  assert.equal(corrected.host?.lastObservedAt, 5000);
  assert.deepEqual(
    corrected.listeners.map((s) => [s.open, s.firstSeen, s.openSince, s.lastSeen]),
    [[true, 5000, 5000, 5000]],
  );
  const next = compareObservation(corrected, look([], { observedAt: 6000 }), 6001);
  assert.deepEqual(typesOf(next), ['observation.recorded', 'listener.closed']);
});

test('an observation that contradicts itself is refused', () => {
  assert.throws(() => follow(look([listener(), listener()])), /twice/);
  assert.throws(() => follow(look([listener({ host: 'web-1' })])), /of db-1 names the listener web-1/);
});

const PORTS = [22, 80, 443];
const arbitraryListener = fc.record({
  scope: fc.constantFrom('host', 'container:web'),
  transport: fc.constantFrom('tcp' as const, 'udp' as const),
  port: fc.constantFrom(...PORTS),
  address: fc.constantFrom('0.0.0.0', '127.0.0.1'),
  role: fc.constantFrom('service' as const, 'ephemeral' as const),
  process: fc.option(
    fc.record(
      { pid: fc.integer({ min: 1, max: 3 }), exe: fc.constantFrom('/a', '/b') },
      { requiredKeys: ['pid'], noNullPrototype: true },
    ),
  ),
});
const arbitraryCoverage: fc.Arbitrary<Coverage> = fc.record({
  host: fc.constantFrom('db-1', 'db-1', 'other'),
  scope: fc.constantFrom('*', 'host', 'container:web'),
  transports: fc.constantFrom(['tcp' as const], ['tcp' as const, 'udp' as const]),
  ports: fc.constantFrom(ALL_PORTS, [{ from: 1, to: 100 }]),
  addresses: fc.constantFrom('all' as const, ['127.0.0.1']),
});
const arbitraryLook = fc.record({
  listeners: fc.uniqueArray(
    arbitraryListener.map((l) => listener(l)),
    { selector: listenerKey, maxLength: 8 },
  ),
  coverage: fc.array(arbitraryCoverage, { maxLength: 3 }),
  observedAt: fc.integer({ min: 0, max: 12 }),
  recordedAfter: fc.integer({ min: 0, max: 12 }),
});

test('the same observation twice gives no events the second time, nor does the same picture', () => {
  fc.assert(
    fc.property(fc.array(arbitraryLook, { minLength: 1, maxLength: 6 }), (looks) => {
      let state: KnownState = { listeners: [], host: null };
      for (const { listeners, coverage } of looks) {
        const o = look(listeners, { coverage });
        state = apply(state, compareObservation(state, o, 1000));
        assert.deepEqual(compareObservation(state, o, 1000).events, []);
        const again = compareObservation(state, { ...o, id: `${o.id}-again` }, 1000);
        assert.deepEqual(typesOf(again), ['observation.recorded']);
        assert.deepEqual(again.listeners, []);
      }
    }),
  );
});

test('after any sequence the state is the last covered truth, and the ledger leads to it', () => {
  fc.assert(
    fc.property(fc.array(arbitraryLook, { maxLength: 12 }), (looks) => {
      let state: KnownState = { listeners: [], host: null };
      const truth = new Map<string, Listener>();
      const replayed = new Set<string>();
      for (const { listeners, coverage, observedAt, recordedAfter } of looks) {
        const o = look(listeners, { coverage, observedAt });
        const newest = state.host?.lastObservedAt ?? -1;
        const change = compareObservation(state, o, observedAt + recordedAfter);
        if (observedAt >= newest) {
          for (const [key, l] of truth) if (isCovered(coverage, l)) truth.delete(key);
          for (const l of listeners) truth.set(listenerKey(l), l);
        }
        for (const e of change.events) {
          const key = `${e.subject} ${String(e.body.address)}`;
          if (e.type === 'listener.opened') {
            assert.ok(!replayed.has(key), `${key} opens only while closed`);
            replayed.add(key);
          } else if (e.type === 'listener.closed') assert.ok(replayed.delete(key), `${key} closes only while open`);
        }
        const before = state;
        state = apply(state, change);
        for (const s of before.listeners) {
          if (!s.open || isCovered(coverage, s.listener)) continue;
          assert.ok(
            state.listeners.some((n) => n.open && listenerKey(n.listener) === listenerKey(s.listener)),
            'uncovered stays open',
          );
        }
        const open = state.listeners.filter((s) => s.open);
        if (change.confirmsAll) assert.ok(open.every((s) => s.lastSeen === observedAt));
      }
      const open = state.listeners.filter((s) => s.open).map((s) => s.listener);
      assert.deepEqual(new Map(open.map((l) => [listenerKey(l), l])), truth);
      const services = open.filter((l) => l.role === 'service').map((l) => `${endpointKey(l)} ${l.address}`);
      assert.deepEqual([...replayed].sort(), services.sort());
      assert.ok(state.listeners.every(isConsistent));
    }),
    { numRuns: 300 },
  );
});

function isConsistent(s: ListenerState): boolean {
  return (
    s.firstSeen <= s.openSince &&
    s.openSince <= s.lastSeen &&
    s.open === (s.closedAt === null) &&
    (s.closedAt ?? s.lastSeen) >= s.lastSeen
  );
}

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { compareObservation, type KnownState } from './changes.ts';
import { type Listener, listenerKey } from './listener.ts';
import { ALL_PORTS, type Observation, type Sighting } from './observation.ts';

/** What happens between two looks, as compareObservation takes it in. */

function listener(port: number, exe = '/usr/sbin/nginx', pid = 1): Listener {
  return {
    ...{ host: 'h', scope: 'host', transport: 'tcp', port, address: '0.0.0.0', bind: 'any', families: ['ipv4'] },
    ...{ role: 'service', process: { pid, exe }, sharedWith: [] },
  };
}

let made = 0;
function look(observedAt: number, listeners: readonly Listener[], sightings?: readonly Sighting[]): Observation {
  return {
    ...{
      id: `o${made++}`,
      collector: 'local',
      vantage: 'local',
      observedAt,
      durationMs: 1,
      privilege: 'root',
      gaps: [],
    },
    host: { name: 'h', addresses: [], tags: [] },
    coverage: [{ host: 'h', scope: '*', transports: ['tcp', 'udp'], ports: ALL_PORTS, addresses: 'all' }],
    listeners,
    ...(sightings && { sightings }),
  };
}

function follow(looks: readonly Observation[]) {
  let state: KnownState = { host: null, listeners: [] };
  const events = [];
  for (const o of looks) {
    const change = compareObservation(state, o, o.observedAt);
    const states = new Map(state.listeners.map((s) => [listenerKey(s.listener), s]));
    for (const s of [...change.listeners, ...change.confirmed]) states.set(listenerKey(s.listener), s);
    for (const s of change.forgotten) states.delete(listenerKey(s.listener));
    state = { host: change.host, listeners: [...states.values()] };
    for (const { type, observedAt, subject } of change.events)
      if (type.startsWith('listener.')) events.push(`${observedAt} ${type.slice(9)} ${subject.slice(2)}`);
  }
  return { events, states: state.listeners };
}

const opened = (at: number, l: Listener): Sighting => ({ kind: 'opened', at, listener: l });
const closed = (at: number, l: Listener): Sighting => ({ kind: 'closed', at, listener: l });
const [web, ssh] = [listener(80), listener(22, '/usr/sbin/sshd')];

describe('between two looks', () => {
  const cases: { name: string; looks: Observation[]; events: string[]; open: number[]; since?: number }[] = [
    {
      name: 'what opened and closed again is in the ledger at its own times, and known as closed',
      looks: [look(10, []), look(20, [], [opened(12, web), closed(13, web)])],
      events: ['12 opened 80/tcp', '13 closed 80/tcp'],
      open: [],
    },
    {
      name: 'every time counts',
      looks: [look(10, []), look(20, [], [opened(11, web), closed(12, web), opened(13, web), closed(14, web)])],
      events: ['11 opened 80/tcp', '12 closed 80/tcp', '13 opened 80/tcp', '14 closed 80/tcp'],
      open: [],
    },
    {
      name: 'what is still open opened when it did',
      looks: [look(10, [ssh]), look(20, [ssh, web], [opened(12, web)])],
      events: ['10 opened 22/tcp', '12 opened 80/tcp'],
      open: [22, 80],
      since: 12,
    },
    {
      name: 'a restart that was seen begins the time of being open anew',
      looks: [look(10, [web]), look(20, [web], [closed(12, web), opened(13, web)])],
      events: ['10 opened 80/tcp', '12 closed 80/tcp', '13 opened 80/tcp'],
      open: [80],
      since: 13,
    },
    {
      name: 'what another look told of meanwhile is not told again',
      looks: [look(10, []), look(15, [web]), look(20, [web], [opened(12, web)])],
      events: ['15 opened 80/tcp'],
      open: [80],
      since: 15,
    },
    {
      name: 'nor is the close of what nobody knew',
      looks: [look(10, []), look(20, [], [closed(12, web)])],
      events: [],
      open: [],
    },
    {
      name: 'another program on it is a change at its time',
      looks: [
        look(10, [web]),
        look(
          20,
          [listener(80, '/usr/bin/ncat', 2)],
          [{ kind: 'changed', at: 12, listener: listener(80, '/usr/bin/ncat', 2) }],
        ),
      ],
      events: ['10 opened 80/tcp', '12 changed 80/tcp'],
      open: [80],
    },
    {
      name: 'what was seen to open and is gone from the look has closed by then',
      looks: [look(10, []), look(20, [], [opened(12, web)])],
      events: ['12 opened 80/tcp', '20 closed 80/tcp'],
      open: [],
    },
  ];
  for (const { name, looks, events, open, since } of cases)
    test(name, () => {
      const got = follow(looks);
      assert.deepEqual(got.events, events);
      const now = got.states.filter((s) => s.open);
      assert.deepEqual(
        now.map((s) => s.listener.port).sort((a, b) => a - b),
        open,
      );
      if (since !== undefined) assert.equal(now.at(-1)?.openSince, since);
      for (const s of got.states) assert.ok(s.open || (s.closedAt ?? 0) >= s.openSince);
    });

  test('a sighting of another host is a fault', () => {
    assert.throws(() => follow([look(10, [], [opened(9, { ...web, host: 'other' })])]), /names the listener other/);
  });

  test('the ledger, played back, gives what is open, however it is cut into looks', () => {
    const steps = fc.array(fc.record({ port: fc.integer({ min: 1, max: 4 }), isLook: fc.boolean() }), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(steps, (list) => {
        const open = new Map<number, Listener>();
        let waiting: Sighting[] = [];
        const looks = [look(0, [])];
        let total = 0;
        for (const [i, { port, isLook }] of list.entries()) {
          const at = i + 1;
          const l = open.get(port) ?? listener(port, '/usr/bin/x', at);
          waiting.push(open.has(port) ? closed(at, l) : opened(at, l));
          if (!open.delete(port)) open.set(port, l);
          total++;
          if (!isLook) continue;
          looks.push(look(at, [...open.values()], waiting));
          waiting = [];
        }
        looks.push(look(list.length + 1, [...open.values()], waiting));
        const { events, states } = follow(looks);
        assert.equal(events.length, total, 'each is told once');
        const replayed = new Set<string>();
        for (const event of events) {
          const [, what, subject = ''] = event.split(' ');
          if (what === 'opened') replayed.add(subject);
          else replayed.delete(subject);
        }
        const now = states.filter((s) => s.open).map((s) => `${s.listener.port}/tcp`);
        assert.deepEqual([...replayed].sort(), now.sort());
        assert.deepEqual(now, [...open.keys()].map((port) => `${port}/tcp`).sort());
      }),
    );
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { TracedListener } from '../collectors/linux/targeted-look-types.ts';
import type { Listener } from '../model/listener.ts';
import { ALL_PORTS, type Coverage } from '../model/observation.ts';
import { createPicture, type Picture } from './watch-picture.ts';

const ALL: readonly Coverage[] = [
  { host: 'h', scope: '*', transports: ['tcp', 'udp'], ports: ALL_PORTS, addresses: 'all' },
];

function listener(port: number, l: Partial<Listener> = {}): Listener {
  return {
    ...{ host: 'h', scope: 'host', transport: 'tcp', port, address: '0.0.0.0', bind: 'any', families: ['ipv4'] },
    ...{ role: 'service', process: { pid: 1, exe: '/usr/sbin/nginx' }, sharedWith: [] },
    ...l,
  };
}

const look = (picture: Picture, observedAt: number, listeners: readonly Listener[], coverage = ALL) =>
  picture.look({ observedAt, listeners, coverage }).map(({ kind, at, listener: l }) => `${at} ${kind} ${l.port}`);

type Life = Pick<TracedListener, 'openedAt' | 'closedAt'> & { ceasedAt?: number; port?: number };
const traced = (picture: Picture, lookedAt: number, ...lives: readonly Life[]) =>
  picture
    .traced({
      ...{ lookedAt, durationMs: 2 },
      listeners: lives.map(({ port = 80, ...life }) => ({
        ...{ listener: listener(port), seenInTable: life.closedAt === null, gaps: [] },
        ...life,
      })),
    })
    .map(({ kind, at, listener: l }) => `${at} ${kind} ${l.port}`);

function begun(...listeners: readonly Listener[]): Picture {
  const picture = createPicture();
  assert.deepEqual(look(picture, 0, listeners), [], 'a first look tells of nothing that happened');
  return picture;
}

test('looks alone: opened, closed, changed; a new pid is a restart and nothing happened', () => {
  const picture = begun(listener(22));
  assert.deepEqual(look(picture, 10, [listener(22), listener(80)]), ['10 opened 80']);
  assert.deepEqual(
    look(picture, 20, [listener(22, { process: { pid: 2, exe: '/usr/sbin/nginx' } }), listener(80)]),
    [],
  );
  const other = listener(80, { process: { pid: 3, exe: '/usr/bin/ncat' } });
  assert.deepEqual(look(picture, 30, [listener(22), other]), ['30 changed 80']);
  assert.deepEqual(look(picture, 40, [other]), ['40 closed 22']);
});

test('what a look does not cover stays open', () => {
  const picture = begun(listener(22), listener(80, { scope: 'netns:a' }));
  const host: readonly Coverage[] = [{ ...(ALL[0] as Coverage), scope: 'host' }];
  assert.deepEqual(look(picture, 10, [], host), ['10 closed 22']);
  assert.deepEqual(
    picture.listeners().map((l) => l.scope),
    ['netns:a'],
  );
});

test('sockets of clients come and go unseen, and one that proves a service opens', () => {
  const dns = listener(40_000, { transport: 'udp', role: 'ephemeral' });
  const picture = begun();
  assert.deepEqual(look(picture, 10, [dns]), []);
  assert.deepEqual(look(picture, 20, [{ ...dns, role: 'service' }]), ['20 opened 40000']);
  assert.deepEqual(look(picture, 30, [dns]), ['30 closed 40000']);
  assert.deepEqual(look(picture, 40, []), []);
});

test('the trace tells of what no look saw', () => {
  const picture = begun();
  assert.deepEqual(traced(picture, 15, { openedAt: 11, closedAt: 12 }), ['11 opened 80', '12 closed 80']);
  assert.deepEqual(traced(picture, 25, { openedAt: 21, closedAt: null }), ['21 opened 80']);
  assert.deepEqual(look(picture, 30, [listener(80)]), [], 'the look confirms it');
  assert.deepEqual(traced(picture, 35, { openedAt: null, closedAt: 33 }), ['33 closed 80']);
  assert.deepEqual(look(picture, 40, []), []);
});

test('what a look saw first is not told again by the trace', () => {
  const picture = begun();
  assert.deepEqual(look(picture, 10, [listener(80)]), ['10 opened 80']);
  assert.deepEqual(traced(picture, 12, { openedAt: 9, closedAt: null }), []);
  assert.deepEqual(look(picture, 20, []), ['20 closed 80']);
  assert.deepEqual(traced(picture, 22, { openedAt: null, closedAt: 19 }), []);
});

test('closed and opened again, told in two pieces: the table showed the second when the first was told', () => {
  const picture = begun(listener(80));
  assert.deepEqual(traced(picture, 12, { openedAt: null, closedAt: null, ceasedAt: 10 }), []);
  assert.deepEqual(traced(picture, 13, { openedAt: 11, closedAt: null }), ['10 closed 80', '11 opened 80']);
});

test('one of two that share a port ceases, and another comes later: it was open all the time', () => {
  const picture = begun(listener(80));
  assert.deepEqual(traced(picture, 12, { openedAt: null, closedAt: null, ceasedAt: 10 }), []);
  assert.deepEqual(traced(picture, 60, { openedAt: 50, closedAt: null }), []);
});

test('what listens although nobody told when it opened is opened now', () => {
  const picture = begun();
  assert.deepEqual(traced(picture, 12, { openedAt: null, closedAt: null }), ['12 opened 80']);
});

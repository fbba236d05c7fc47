import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { Event } from './event.ts';
import type { HostState } from './state.ts';
import type { Ticket } from './ticket.ts';
import { type Change, changesOf, hostNames, idsIn, isInWindow, ticketMatcher } from './ticket-match.ts';

const HOUR = 3_600_000;
const T = Date.UTC(2026, 10, 20, 10);

const host = (name: string, more: Partial<HostState['host']> = {}): HostState => ({
  vantage: 'local',
  host: { name, addresses: [], tags: [], ...more },
  firstObservedAt: T - 100 * HOUR,
  lastObservedAt: T,
  ...{ privilege: 'root', collector: 'local', observationId: 'x', coverage: [], gaps: [] },
});
const ticket = (more: Partial<Ticket> = {}): Ticket => ({
  ...{ id: 'OPS-1', source: 'jira', summary: '', status: 'Done', authorised: true, action: null },
  ...{ from: T - HOUR, to: T + HOUR, hosts: ['db-1'], ports: [{ transport: 'tcp', range: { from: 5432, to: 5432 } }] },
  ...more,
});
const change = (more: Partial<Change> = {}): Change => ({
  ...{
    kind: 'opened',
    seenAt: T,
    sequence: 1,
    endpoint: { host: 'db-1', scope: 'host', transport: 'tcp', port: 5432 },
  },
  ...more,
});
const names = hostNames([
  host('db-1', { addresses: ['10.0.0.5'], names: ['orders.example.org'] }),
  host('web-1.example.org'),
  host('web-1.test.org'),
]);
const match = (t: Ticket, c: Change, ids: string[] = []) =>
  ticketMatcher([{ source: 'jira', importedAt: T, covers: { from: 0, to: T }, items: [t] }], names, 24 * HOUR)
    .match(c, ids)
    .map((m) => m.by);

suite('a ticket speaks of a change', () => {
  const cases: { name: string; ticket?: Partial<Ticket>; change?: Partial<Change>; ids?: string[]; want: string[] }[] =
    [
      { name: 'that names host and port', want: ['endpoint'] },
      { name: 'that names an address of the host', ticket: { hosts: ['10.0.0.5'] }, want: ['endpoint'] },
      { name: 'that names another name of it', ticket: { hosts: ['ORDERS.example.org'] }, want: ['endpoint'] },
      {
        name: 'that leaves the transport open',
        ticket: { ports: [{ transport: null, range: { from: 5000, to: 6000 } }] },
        want: ['endpoint'],
      },
      { name: 'of the host only', ticket: { ports: [] }, want: ['host'] },
      { name: 'not of another port', ticket: { ports: [{ transport: 'tcp', range: { from: 80, to: 80 } }] }, want: [] },
      {
        name: 'not of another transport',
        ticket: { ports: [{ transport: 'udp', range: { from: 5432, to: 5432 } }] },
        want: [],
      },
      { name: 'not of another host', ticket: { hosts: ['db-2'] }, want: [] },
      { name: 'not without a host', ticket: { hosts: [] }, want: [] },
      { name: 'not unauthorised', ticket: { authorised: false }, want: [] },
      { name: 'not an opening where a close was allowed', ticket: { action: 'close' }, want: [] },
      {
        name: 'a close where a close was allowed',
        ticket: { action: 'close' },
        change: { kind: 'closed' },
        want: ['endpoint'],
      },
      { name: 'not long after its window', change: { seenAt: T + 26 * HOUR }, want: [] },
      {
        name: 'long after, where nobody had looked since',
        change: { seenAt: T + 26 * HOUR, after: T },
        want: ['endpoint'],
      },
      { name: 'not without any time', ticket: { from: undefined as never, to: undefined as never }, want: [] },
      {
        name: 'without any time, where an entry names it',
        ticket: { from: undefined as never, to: undefined as never, hosts: [] },
        ids: ['ops-1'],
        want: ['endpoint'],
      },
      {
        name: 'not at another time, though an entry names it',
        ticket: { hosts: [] },
        change: { seenAt: T + 99 * HOUR },
        ids: ['OPS-1'],
        want: [],
      },
    ];
  for (const c of cases) test(c.name, () => assert.deepEqual(match(ticket(c.ticket), change(c.change), c.ids), c.want));

  test('of an entry by its id, or by host and port', () => {
    const entry = {
      id: 'pg',
      change: 'changed',
      ticket: null,
      hosts: ['db-1'],
      transport: 'tcp',
      ports: [{ from: 5430, to: 5440 }],
    } as const;
    const { endpoint: _, ...bare } = change({ kind: 'entry' });
    assert.deepEqual(match(ticket(), { ...bare, entry }), ['endpoint']);
    assert.deepEqual(
      match(ticket({ hosts: [] }), { ...bare, entry: { ...entry, ticket: 'https://jira.example.org/browse/OPS-1' } }),
      ['endpoint'],
    );
    assert.deepEqual(match(ticket({ hosts: ['x'] }), { ...bare, entry }), []);
  });
});

test('a name without a domain means the one host that begins with it, and none of two', () => {
  assert.equal(names.nameOf('db-1.example.org'), 'db-1');
  assert.equal(names.nameOf('web-1'), 'web-1');
  assert.equal(names.isKnown('web-1'), false);
  assert.equal(names.nameOf('web-1.example.org'), 'web-1.example.org');
});

test('ids in a field', () => assert.deepEqual(idsIn('CHG1, https://x/browse/OPS-2; '), ['chg1', 'ops-2']));

suite('the window', () => {
  const time = fc.integer({ min: 0, max: 1000 });
  const window = fc.tuple(time, time).map(([a, b]) => ({ from: Math.min(a, b), to: Math.max(a, b) }));
  const span = fc.tuple(time, time).map(([a, b]) => ({ after: Math.min(a, b), seenAt: Math.max(a, b) }));

  test('holds a change exactly where some moment of its span lies in the widened window', () => {
    fc.assert(
      fc.property(window, span, fc.nat(200), (w, s, widen) => {
        let meets = false;
        for (let at = s.after; at <= s.seenAt; at++) meets ||= at >= w.from - widen && at <= w.to + widen;
        assert.equal(isInWindow(ticket(w), s, widen), meets);
      }),
    );
  });
  test('a wider one never loses a change, nor does knowing less of when it happened', () => {
    fc.assert(
      fc.property(window, span, fc.nat(200), fc.nat(200), (w, s, widen, more) => {
        if (isInWindow(ticket(w), s, widen)) assert.ok(isInWindow(ticket(w), s, widen + more));
        if (isInWindow(ticket(w), { seenAt: s.seenAt }, widen)) assert.ok(isInWindow(ticket(w), s, widen));
      }),
    );
  });
});

suite('changes of the ledger', () => {
  const event = (type: Event['type'], more: Partial<Event> = {}): Event => ({
    ...{ type, observedAt: T, recordedAt: T, actor: 'collector:local', subject: 'db-1', sequence: 1 },
    body: { endpoint: { host: 'db-1', scope: 'host', transport: 'tcp', port: 22 } },
    ...more,
  });
  test('a first look is a baseline, from each vantage for itself', () => {
    const first = event('host.first-seen', { body: {} });
    assert.deepEqual(changesOf([first, event('listener.opened')], names), []);
    assert.equal(changesOf([first, event('listener.opened', { observedAt: T + 1 })], names).length, 1);
    assert.equal(changesOf([first, event('listener.opened', { actor: 'collector:ss' })], names).length, 1);
    assert.equal(changesOf([first, event('listener.closed')], names).length, 1);
    const { body } = event('listener.opened');
    assert.deepEqual(changesOf([event('listener.opened', { body: { ...body, firstLook: true } })], names), []);
  });
  test('hosts go by the name that is known, and records of another version are passed over', () => {
    const byAddress = event('listener.opened', {
      body: { endpoint: { host: '10.0.0.5', scope: 'unknown', transport: 'tcp', port: 22 } },
    });
    assert.equal(changesOf([byAddress], names)[0]?.endpoint?.host, 'db-1');
    assert.deepEqual(
      changesOf([event('listener.opened', { body: { endpoint: 7 } }), event('register.changed', { body: {} })], names),
      [],
    );
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sampleResult } from '../../../test/sample-result.ts';
import type { Event, EventDraft } from '../../model/event.ts';
import type { CheckResult, EndpointResult } from '../../model/facts.ts';
import { changesOf, openedTags, openedValue } from './changes.ts';
import { changeList, knownOf } from './events.ts';

const { result: SAMPLE } = sampleResult('small');
const AT = Date.UTC(2026, 10, 20, 6, 0, 2);

/** Events from the oldest on; a report has them newest first. */
function run(drafts: readonly Pick<EventDraft, 'type' | 'subject' | 'body' | 'observedAt'>[], first = 1): CheckResult {
  const events = drafts.map(
    (d, i): Event => ({ ...d, sequence: first + i, recordedAt: d.observedAt, actor: 'collector:local' }),
  );
  return { ...SAMPLE, results: [], events: events.reverse() };
}

function opened(
  port: number,
  address: string,
  program: string,
  scope = 'host',
  type: 'listener.opened' | 'listener.closed' = 'listener.opened',
) {
  const endpoint = { host: 'db-1', port, scope, transport: 'tcp' };
  const facts = type === 'listener.opened' ? { facts: { exe: `/usr/bin/${program}` } } : {};
  const subject = `db-1:${port}/tcp${scope === 'host' ? '' : `@${scope}`}`;
  return { type, subject, observedAt: AT, body: { address, endpoint, ...facts } };
}

/** The endpoints of events as they are while all of them are open still. */
function openEndpoints(drafts: readonly ReturnType<typeof opened>[]): EndpointResult[] {
  const [pattern] = SAMPLE.results as [EndpointResult, ...EndpointResult[]];
  const [state] = pattern.facts.listeners;
  assert.ok(state);
  return drafts.map(({ body }) => {
    const endpoint = { host: 'db-1', port: body.endpoint.port, scope: body.endpoint.scope, transport: 'tcp' as const };
    const process = { pid: 7, exe: '/usr/bin/python3' };
    const listener = { ...state.listener, ...endpoint, process };
    return { ...pattern, facts: { ...pattern.facts, endpoint, listeners: [{ ...state, openSince: AT, listener }] } };
  });
}

const lines = (result: CheckResult) =>
  changeList(changesOf(result), knownOf(result))
    .markup.split('<li>')
    .slice(1)
    .map((line) =>
      line
        .replace(/<[^>]*>/g, '')
        .replace(/^[\d -]+:\d\d UTC /, '')
        .trim(),
    );

test('addresses of one endpoint are one line, few endpoints a line each', () => {
  assert.deepEqual(lines(run([opened(80, '::', 'nginx'), opened(80, '0.0.0.0', 'nginx'), opened(81, '::', 'nginx')])), [
    'db-1:81/tcp opened on :: by /usr/bin/nginx collector:local',
    'db-1:80/tcp opened on 0.0.0.0 and :: by /usr/bin/nginx collector:local',
  ]);
});

test('a flood is one line, by program and scope, and its number leads to its rows', () => {
  const flood = Array.from({ length: 50 }, (_, i) => opened(2000 + i, '0.0.0.0', 'python3', 'netns:x'));
  const result = { ...run([...flood, opened(80, '::', 'nginx')]), results: openEndpoints(flood) };
  assert.deepEqual(lines(result), [
    'db-1:80/tcp opened on :: by /usr/bin/nginx collector:local',
    '50 ports opened by python3 in netns:x on db-1',
  ]);
  const tagsOf = openedTags(changesOf(result));
  for (const { facts } of result.results)
    assert.deepEqual(tagsOf(facts), ['opened:2026-11-20T06:00:02Z/python3@db-1/netns:x']);
  for (const { facts } of SAMPLE.results) assert.deepEqual(tagsOf(facts), []);
});

test('where the list of events ends within a flood, what is open still counts', () => {
  const flood = Array.from({ length: 50 }, (_, i) => opened(2000 + i, '0.0.0.0', 'python3', 'netns:x'));
  const cut = { ...run(flood.slice(20), 400), results: openEndpoints(flood) };
  assert.deepEqual(lines(cut), ['50 ports that are open still were opened by python3 in netns:x on db-1']);
  assert.deepEqual(lines({ ...cut, results: [] }), ['at least 30 ports opened by python3 in netns:x on db-1']);
});

test('ports that closed together are one line', () => {
  const closed = [1, 2, 3, 4].map((port) => opened(port, '::', '', 'container:web', 'listener.closed'));
  assert.deepEqual(lines(run(closed)), ['4 ports closed in container:web on db-1']);
});

test('the first look at a host tells of the host, not of each port', () => {
  const ports = [1, 2].map((port) => opened(port, '::', 'python3'));
  const host = { type: 'host.first-seen' as const, subject: 'db-1', observedAt: AT, body: {} };
  assert.deepEqual(lines({ ...run([host, ...ports]), results: openEndpoints(ports) }), [
    'db-1 seen for the first time; 2 of its ports are open since',
  ]);
});

test('entries approved by one person on one day are one line', () => {
  const approved = ['a', 'b', 'c', 'd', 'e'].map((id) => ({
    type: 'entry.approved' as const,
    subject: id,
    observedAt: AT,
    body: { by: 'ruth@example.org' },
  }));
  assert.deepEqual(lines(run(approved)), ['5 entries approved by ruth@example.org: e, d, c and 2 more']);
});

test('a changed register is named by its short digest', () => {
  const digest = 'ffee32e19bc6da5364902fbb3f8853ea350e3f4453e34406f1ae0fcab3d6af75';
  const change = { type: 'register.changed' as const, subject: 'orders', observedAt: AT, body: { digest } };
  assert.deepEqual(lines(run([change])), ['orders register changed, digest ffee32 collector:local']);
});

test('the value of a fold names time, program and place', () => {
  assert.equal(openedValue({ host: 'h', scope: null, program: null, at: AT }), '2026-11-20T06:00:02Z@h');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DB } from '../../test/incident-sample.ts';
import type { Anomaly } from './anomaly.ts';
import type { Event } from './event.ts';
import type { Finding } from './finding.ts';
import { causeOfEvent, causesOfAnomalies, causesOfFindings } from './incident-causes.ts';

const event = (type: Event['type'], subject: string, body: Event['body'] = {}): Event => {
  return { type, subject, body, sequence: 7, observedAt: 5, recordedAt: 6, actor: 'collector:local' };
};
const opened = (body: Event['body'] = {}) =>
  event('listener.opened', 'db-1:5432/tcp', { address: '10.0.0.1', endpoint: { ...DB }, ...body });
const gained = { gained: ['10.0.0.0/8'], lost: [], undecided: [], listening: [] };

/** Severity and about what; null: no cause. */
const EVENTS: ReadonlyArray<readonly [name: string, event: Event, isRegistered: boolean, want: string | null]> = [
  ['a port that nobody registered opens', opened(), false, 'medium db-1'],
  ['on loopback', opened({ address: '127.0.0.1' }), false, 'low db-1'],
  ['a registered one', opened(), true, null],
  ['it was there at the first look', opened({ firstLook: true }), false, null],
  ['a record without an endpoint', event('listener.opened', 'db-1:5432/tcp'), false, null],
  ['a record that is odd', event('listener.opened', 'x', { endpoint: { host: 1, port: 'x' } }), false, null],
  [
    'a packet filter lets in more',
    event('firewall.changed', 'db-1', { access: [{ ...gained, listening: [22] }] }),
    false,
    'medium host:db-1',
  ],
  ['to ports where nothing listens', event('firewall.changed', 'db-1', { access: [gained] }), false, 'low host:db-1'],
  [
    'it lets in less',
    event('firewall.changed', 'db-1', { access: [{ ...gained, gained: [], lost: ['10.0.0.1'] }] }),
    false,
    null,
  ],
  [
    'it cannot be decided',
    event('firewall.changed', 'db-1', { access: [{ ...gained, gained: [], undecided: ['10.0.0.1'] }] }),
    false,
    'low host:db-1',
  ],
  ['too many changes to tell', event('firewall.changed', 'db-1', { access: [], cut: 3 }), false, 'low host:db-1'],
  ['nobody worked it out', event('firewall.changed', 'db-1', { summary: '1 rule added' }), false, 'low host:db-1'],
  ['it was forgotten', event('firewall.changed', 'db-1', { removed: true }), false, null],
  ['a short gap', event('watch.gap', 'db-1', { seconds: 30 }), false, 'low host:db-1'],
  ['a long gap', event('watch.gap', 'db-1', { seconds: 7200 }), false, 'medium host:db-1'],
  ['records of the trace were lost', event('watch.gap', 'db-1', { lost: 12 }), false, 'low host:db-1'],
  ['a gap of unknown length', event('watch.gap', 'db-1'), false, 'medium host:db-1'],
  ['flows are missing', event('flows.gap', 'aws-vpc:eni-1', { lost: 12 }), false, 'medium feed:aws-vpc:eni-1'],
  ['an alert was given up', event('alert.undelivered', 'ops', { channel: 'ops' }), false, 'high channel:ops'],
  ['the clock stepped back', event('clock.stepped-back', 'db-1'), false, 'low host:db-1'],
  ['anything else', event('listener.closed', 'db-1:5432/tcp'), false, null],
];

for (const [name, given, isRegistered, want] of EVENTS)
  test(`event: ${name}`, () => {
    const cause = causeOfEvent(given, () => isRegistered);
    assert.equal(cause && `${cause.severity} ${cause.endpoint?.host ?? cause.subject}`, want);
    if (cause) assert.deepEqual([cause.id, cause.kind, cause.lastSeen], ['event:7', given.type, 5]);
  });

test('findings that are accepted, known from a baseline or informative are no causes', () => {
  const finding: Finding = {
    ...{
      fingerprint: 'f',
      rule: 'unapproved-source',
      discriminator: '10.0.0.7',
      severity: 'medium',
      message: 'Too wide.',
      remediation: 'Narrow it.',
    },
    ...{
      subject: { kind: 'endpoint', endpoint: DB },
      endpoint: DB,
      controls: [],
      firstSeen: 1,
      lastSeen: 2,
      status: 'open',
    },
    evidence: [{ label: 'let in by', value: 'rule 14' }],
  };
  const [cause, ...more] = causesOfFindings(
    [
      finding,
      { ...finding, fingerprint: 'a', status: 'accepted' },
      { ...finding, fingerprint: 'b', inBaseline: true },
      { ...finding, fingerprint: 'c', severity: 'info' },
      { ...finding, fingerprint: 'd', rule: 'traffic-spike' },
    ],
    9,
  );
  assert.deepEqual(more, []);
  assert.deepEqual(
    [cause?.id, cause?.rule, cause?.source, cause?.lastSeen, cause?.subject],
    ['f', 'rule 14', '10.0.0.7', 9, undefined],
  );
  const { endpoint: _, ...entry } = { ...finding, subject: { kind: 'entry', entry: 'pg' } as const };
  assert.equal(causesOfFindings([entry], 9)[0]?.subject, 'entry:pg');
});

test('unusual traffic that an exception accepts is no cause', () => {
  const anomaly: Anomaly = {
    ...{ id: 'a', kind: 'off-hours', endpoint: { host: 'db-1', transport: 'tcp', port: 5432 }, severity: 'medium' },
    ...{
      from: '2026-01-01T00:00:00Z',
      to: '2026-01-01T00:05:00Z',
      expected: { words: 'none' },
      seen: { words: 'some' },
    },
    ...{ surprise: 20, message: 'Used at night.', contributing: [], also: [] },
  };
  const { endpoint: _, ...sweep } = { ...anomaly, id: 'b', kind: 'port-sweep', source: '10.0.0.7' } as const;
  const accepted = { rule: 'off-hours', endpoint: DB, status: 'accepted' } as Finding;
  const ids = (findings: readonly Finding[], ...anomalies: Anomaly[]) =>
    causesOfAnomalies(anomalies, () => DB, findings).map((cause) => `${cause.id} ${cause.subject ?? ''}`.trim());
  assert.deepEqual(ids([], anomaly, sweep), ['a', 'b source:10.0.0.7']);
  assert.deepEqual(ids([accepted], anomaly, sweep), ['b source:10.0.0.7']);
  assert.deepEqual(ids([{ ...accepted, rule: 'traffic-spike' }], anomaly), ['a']);
  assert.deepEqual(ids([], { ...anomaly, severity: 'info' }), []);
});

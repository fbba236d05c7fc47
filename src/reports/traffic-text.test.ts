import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointFacts } from '../model/facts.ts';
import type { EndpointTraffic, SourceTraffic } from '../model/traffic.ts';
import { sparkline, trafficAnswer, trafficLines, usualWords } from './traffic-text.ts';

const NOW = Date.UTC(2026, 10, 21, 22, 14);
const source = (more: Partial<SourceTraffic>): SourceTraffic => ({
  source: '10.20.4.11',
  firstSeen: NOW - 20 * 86_400_000,
  lastSeen: NOW,
  connections: 100,
  accepted: 100,
  denied: 0,
  bytes: 1,
  lastAccepted: NOW,
  approved: true,
  ...more,
});
const traffic = (more: Partial<EndpointTraffic>): EndpointTraffic => ({
  from: NOW - 30 * 86_400_000,
  until: NOW,
  covered: 1,
  coveredSince: NOW - 60 * 86_400_000,
  feeds: ['conntrack:db-1'],
  connections: 100,
  denied: 0,
  bytes: 1,
  lastAccepted: NOW,
  sources: [source({})],
  sourceCount: 1,
  acceptedCount: 1,
  unapprovedCount: 0,
  unusedSources: [],
  quarterDays: Array.from({ length: 112 }, (_, i) => i % 4),
  usualHours: null,
  learnedDays: 28,
  now: { hour: NOW, perHour: 2, usualLow: 0, usualHigh: 3 },
  anomalies: [],
  undirected: 0,
  ...more,
});
const nobody = { connections: 0, lastAccepted: null, sources: [], sourceCount: 0, acceptedCount: 0 };
const facts = (of: EndpointTraffic | null, entry = true): EndpointFacts =>
  ({
    endpoint: { host: 'db-1', scope: 'host', transport: 'tcp', port: 5432 },
    entries: entry ? [{ entry: { id: 'pg-orders' } }] : [],
    ...(of && { traffic: of }),
  }) as unknown as EndpointFacts;

const spike = {
  kind: 'traffic-spike',
  also: [],
  from: '2026-11-21T22:00:00Z',
  to: '2026-11-21T22:10:00Z',
  seen: { words: '9,120 an hour' },
  expected: { words: '0 to 3' },
} as unknown as EndpointTraffic['anomalies'][number];

for (const [what, of, answer] of [
  ['no flows', null, null],
  [
    'normal and approved',
    traffic({}),
    'Traffic: normal here, nothing unusual in the last day (2 in the newest hour, 0 to 3 at this time in the weeks before); it conforms: the one source that connected is approved by pg-orders.',
  ],
  [
    'a spike by somebody who is not approved',
    traffic({ anomalies: [spike], sources: [source({ source: '10.20.77.9', approved: false })], unapprovedCount: 1 }),
    'Traffic: not normal here (traffic spike since 2026-11-21 22:00:00 UTC: 9,120 an hour, expected 0 to 3); it does not conform: 1 source of 1 that connected is not approved by pg-orders.',
  ],
  [
    'a spike of two days ago is history',
    traffic({ anomalies: [{ ...spike, to: '2026-11-19T22:10:00Z' }] }),
    'Traffic: normal here, nothing unusual in the last day (2 in the newest hour, 0 to 3 at this time in the weeks before); it conforms: the one source that connected is approved by pg-orders.',
  ],
  [
    'nobody looks',
    traffic({ covered: 0, now: null, ...nobody }),
    'Traffic: whether it is normal is not known, as no feed covers this port; whether it conforms is not known either.',
  ],
  [
    'a week of history',
    traffic({ now: null, learnedDays: 7, sources: [source({ approved: null })] }),
    'Traffic: whether it is normal is not known yet (7 days of history); pg-orders does not say who may connect.',
  ],
  [
    'the newest flows are hours old',
    traffic({ now: { hour: NOW - 6 * 3_600_000, perHour: 2, usualLow: 0, usualHigh: 3 } }),
    'Traffic: normal here until 2026-11-21 17:14:00 UTC (2 in the newest hour, 0 to 3 at this time in the weeks before), and nobody looked since; it conforms: the one source that connected is approved by pg-orders.',
  ],
  [
    'the newest flows are days old',
    traffic({ now: { hour: NOW - 7 * 86_400_000, perHour: 0, usualLow: 0, usualHigh: 0 }, covered: 0.75 }),
    'Traffic: whether it is normal is not known, as nobody looked since 2026-11-14 23:14:00 UTC; what is known conforms: the one source that connected in the 75 % of the time that is covered is approved by pg-orders.',
  ],
  [
    'nobody, and somebody looked',
    traffic({ ...nobody }),
    'Traffic: normal here, nothing unusual in the last day (2 in the newest hour, 0 to 3 at this time in the weeks before); nobody connected, so there is nothing to approve.',
  ],
  [
    'nobody in the little that was looked at',
    traffic({ ...nobody, covered: 0.4 }),
    'Traffic: normal here, nothing unusual in the last day (2 in the newest hour, 0 to 3 at this time in the weeks before); nobody connected in the 40 % of the time that is covered, so there is nothing to approve.',
  ],
  [
    'connections whose direction is not known are not nobody',
    traffic({ ...nobody, undirected: 144 }),
    'Traffic: nothing unusual in the last day, if the flows whose direction is not known went to this port; whether it conforms is not known, as the direction of 144 connections is not known.',
  ],
  [
    'who was only refused did not connect',
    traffic({ ...nobody, sources: [source({ connections: 0, denied: 9, approved: false })], sourceCount: 1 }),
    'Traffic: normal here, nothing unusual in the last day (2 in the newest hour, 0 to 3 at this time in the weeks before); nobody was let in: 1 source was refused.',
  ],
  [
    'who was refused is not among those that are approved',
    traffic({ sources: [source({}), source({ connections: 0, denied: 9, approved: false })], sourceCount: 2 }),
    'Traffic: normal here, nothing unusual in the last day (2 in the newest hour, 0 to 3 at this time in the weeks before); it conforms: the one source that connected is approved by pg-orders.',
  ],
  [
    'what nobody looked at does not conform',
    traffic({ covered: 0.05, undirected: 2 }),
    'Traffic: normal here, nothing unusual in the last day (2 in the newest hour, 0 to 3 at this time in the weeks before); what is known conforms: the one source that connected in the 5 % of the time that is covered is approved by pg-orders, and the direction of 2 connections is not known.',
  ],
] as const)
  test(`is this normal, and does it conform: ${what}`, () => {
    assert.equal(trafficAnswer(facts(of), NOW), answer);
  });

test('without an entry nothing is said to conform', () => {
  assert.match(trafficAnswer(facts(traffic({}), false), NOW) ?? '', /no register entry covers the port\.$/);
});

test('the sparkline: nothing is the lowest, the highest the highest, unknown a dot', () => {
  assert.equal(sparkline([0, 1, 50, 100, null]), '▁▂▅█·');
  assert.equal(sparkline([0, 0]), '▁▁');
  assert.equal(sparkline([]), '');
  assert.equal(sparkline(Array.from({ length: 8 }, () => 1)), '███████ █');
});

const week = (busy: (day: number, hour: number) => number) =>
  Array.from({ length: 168 }, (_, i) => busy(Math.floor(i / 24), i % 24));
for (const [hours, words] of [
  [week(() => 0), 'usually nobody connects'],
  [week(() => 5), 'usually every day, around the clock'],
  [week((d, h) => (d < 5 && h >= 7 && h < 19 ? 10 : 0)), 'usually Mon to Fri 07:00 to 19:00 UTC'],
  [week((d, h) => (d === 6 && h === 23 ? 10 : 0)), 'usually Sun 23:00 to 00:00 UTC'],
  [week((_, h) => (h < 2 || h === 12 ? 10 : 0.5)), 'usually every day 00:00 to 02:00, 12:00 to 13:00 UTC'],
] as const)
  test(words, () => assert.equal(usualWords(hours), words));

test('nobody is told only where somebody looked, and knew who asked whom', () => {
  const does = (more: Partial<EndpointTraffic>) => trafficLines(facts(traffic({ ...nobody, ...more })))[2];
  assert.equal(does({}), 'does: nobody seen');
  assert.equal(does({ covered: 0 }), 'does: not known');
  assert.equal(does({ undirected: 3 }), 'does: not known, as the direction of 3 connections is not known');
});

test('the section names the largest sources, and who is not approved however small', () => {
  const many = Array.from({ length: 9 }, (_, i) => source({ source: `10.20.4.${i}`, connections: 100 - i }));
  const stranger = source({ source: '10.20.77.9', connections: 1, approved: false });
  const lines = trafficLines(facts(traffic({ sources: [stranger, ...many], sourceCount: 10, connections: 864 })));
  assert.deepEqual(lines[2], [
    'does: 10.20.4.0 12 % approved',
    '10.20.4.1 11 % approved',
    '10.20.4.2 11 % approved',
    '10.20.4.3 11 % approved',
    '10.20.77.9 <1 % (not approved, first seen 2026-11-01)',
    '5 more',
  ]);
});

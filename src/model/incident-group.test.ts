import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { anyCauses, DB, PEER as peer, sampleCause } from '../../test/incident-sample.ts';
import type { Cause } from './incident.ts';
import { groupCauses } from './incident-group.ts';

const WEB = { ...DB, host: 'web-1', port: 443 };
const finding = (kind: string, c: Partial<Cause> = {}) => sampleCause({ kind, ...c });
const anomaly = (kind: string, c: Partial<Cause> = {}) => sampleCause({ kind, from: 'anomaly', ...c });
const wide = (port: number, rule = 'inet filter input 14') =>
  finding('open-wider-than-approved', { endpoint: { ...DB, port }, rule });

const TABLE: ReadonlyArray<{
  name: string;
  causes: readonly Cause[];
  open?: readonly string[];
  known?: Readonly<Record<string, string>>;
  want: Readonly<Record<string, readonly string[]>>;
}> = [
  {
    name: 'a port that nobody registered, is open too wide and has a new peer is one trouble',
    causes: [
      finding('unregistered-listener'),
      finding('open-wider-than-approved', { rule: 'rule 14' }),
      anomaly('first-seen-source', { source: peer }),
    ],
    want: { 'endpoint:db-1:5432/tcp': ['unregistered-listener', 'open-wider-than-approved', 'first-seen-source'] },
  },
  {
    name: 'peers of a port that is in order are troubles of their own',
    causes: [anomaly('first-seen-source', { source: peer }), anomaly('unapproved-source', { source: '10.0.0.7' })],
    want: {
      'endpoint:db-1:5432/tcp from 10.20.77.9': ['first-seen-source'],
      'endpoint:db-1:5432/tcp from 10.0.0.7': ['unapproved-source'],
    },
  },
  {
    name: 'several words about one peer are one trouble',
    causes: [anomaly('first-seen-source', { source: peer }), finding('unapproved-source', { source: peer })],
    want: { 'endpoint:db-1:5432/tcp from 10.20.77.9': ['first-seen-source', 'unapproved-source'] },
  },
  {
    name: "the port's own trouble joins the one peer that was told of",
    causes: [finding('open-wider-than-approved', { rule: 'rule 14' })],
    open: ['endpoint:db-1:5432/tcp from 10.20.77.9'],
    want: { 'endpoint:db-1:5432/tcp from 10.20.77.9': ['open-wider-than-approved'] },
  },
  {
    name: 'with several peers it is a trouble of its own',
    causes: [finding('unregistered-listener')],
    open: ['endpoint:db-1:5432/tcp from 10.20.77.9', 'endpoint:db-1:5432/tcp from 10.0.0.7'],
    want: { 'endpoint:db-1:5432/tcp': ['unregistered-listener'] },
  },
  {
    name: 'a new peer joins the open trouble of its port',
    causes: [anomaly('first-seen-source', { source: peer })],
    open: ['endpoint:db-1:5432/tcp'],
    want: { 'endpoint:db-1:5432/tcp': ['first-seen-source'] },
  },
  {
    name: 'one peer on many ports is one trouble',
    causes: [
      anomaly('port-sweep', { endpoint: null, subject: `source:${peer}`, source: peer }),
      anomaly('denied-burst', { source: peer }),
      anomaly('first-seen-source', { source: peer, endpoint: WEB }),
      anomaly('first-seen-source', { source: '10.0.0.7', endpoint: WEB }),
    ],
    want: {
      'source:10.20.77.9': ['port-sweep', 'denied-burst', 'first-seen-source'],
      'endpoint:web-1:443/tcp from 10.0.0.7': ['first-seen-source'],
    },
  },
  {
    name: 'one rule of a packet filter that opens several ports is one trouble, but for a port with more to it',
    causes: [wide(80), wide(81), wide(82), finding('unregistered-listener', { endpoint: { ...DB, port: 82 } })],
    want: {
      'rule:db-1 inet filter input 14': ['open-wider-than-approved', 'open-wider-than-approved'],
      'endpoint:db-1:82/tcp': ['open-wider-than-approved', 'unregistered-listener'],
    },
  },
  {
    name: 'what is patched and what is signed are other troubles than who connects',
    causes: [finding('unregistered-listener'), finding('outdated-package'), finding('weak-tls')],
    want: {
      'endpoint:db-1:5432/tcp': ['unregistered-listener'],
      'db-1:5432/tcp outdated-package': ['outdated-package'],
      'db-1:5432/tcp weak-tls': ['weak-tls'],
    },
  },
  {
    name: 'silence in flows and in sockets is one trouble',
    causes: [anomaly('unexpected-silence'), finding('registered-not-listening')],
    want: { 'endpoint:db-1:5432/tcp silent': ['unexpected-silence', 'registered-not-listening'] },
  },
  {
    name: 'what is about no port goes by its subject',
    causes: [
      finding('stale-observation', { endpoint: null, subject: 'host:db-1' }),
      finding('missing-justification', { endpoint: null, subject: 'entry:pg' }),
      sampleCause({ from: 'event', kind: 'flows.gap', endpoint: null, subject: 'feed:eni-1' }),
      anomaly('feed-silent', { endpoint: null, subject: 'feed:eni-1' }),
      anomaly('estate-quiet', { endpoint: null, subject: 'estate' }),
    ],
    want: {
      'host:db-1 stale-observation': ['stale-observation'],
      'entry:pg missing-justification': ['missing-justification'],
      'feed:eni-1': ['flows.gap', 'feed-silent'],
      'estate estate-quiet': ['estate-quiet'],
    },
  },
  {
    name: 'a cause stays where it was put',
    causes: [finding('unregistered-listener'), finding('wrong-process')],
    known: { 'unregistered-listener 5432 ': 'endpoint:db-1:5432/tcp from 10.0.0.7' },
    open: ['endpoint:db-1:5432/tcp from 10.0.0.7'],
    want: { 'endpoint:db-1:5432/tcp from 10.0.0.7': ['unregistered-listener', 'wrong-process'] },
  },
];

for (const { name, causes, open = [], known = {}, want } of TABLE)
  test(name, () => {
    const groups = groupCauses(causes, { open: new Set(open), keyOf: (id) => known[id] });
    const kinds = [...groups].map(([key, members]) => [key, members.map((cause) => cause.kind).sort()]);
    assert.deepEqual(
      Object.fromEntries(kinds),
      Object.fromEntries(Object.entries(want).map(([key, members]) => [key, members.toSorted()])),
    );
  });

test('every cause is in exactly one incident, whatever the order', () => {
  fc.assert(
    fc.property(anyCauses, anyCauses, (first, second) => {
      const before = groupCauses(first, { open: new Set(), keyOf: () => undefined });
      const keys = new Map([...before].flatMap(([key, causes]) => causes.map((cause) => [cause.id, key] as const)));
      const known = { open: new Set(before.keys()), keyOf: (id: string) => keys.get(id) };
      const groups = groupCauses(second, known);
      const ids = [...groups.values()].flat().map((cause) => cause.id);
      assert.deepEqual(ids.toSorted(), [...new Set(second.map((cause) => cause.id))].sort());
      for (const [key, causes] of groups)
        for (const { id } of causes) assert.ok(!keys.has(id) || keys.get(id) === key, `${id} moved`);
      // Of two that claim one id either may be taken, so the order is tried with those alone that do not.
      const own = [...new Map(second.map((cause) => [cause.id, cause])).values()];
      const byId = (found: ReadonlyMap<string, readonly Cause[]>) =>
        [...found].flatMap(([key, causes]) => causes.map((cause) => `${cause.id}: ${key}`)).sort();
      assert.deepEqual(byId(groupCauses(own.toReversed(), known)), byId(groupCauses(own, known)));
    }),
    { numRuns: 300 },
  );
});

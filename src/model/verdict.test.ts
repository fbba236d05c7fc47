import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { entryOf } from '../../test/register-samples.ts';
import { HOST_SCOPE } from './endpoint.ts';
import type { EndpointFacts, EstateFacts, MatchedEntry } from './facts.ts';
import { type Finding, SEVERITIES } from './finding.ts';
import { BIND_SCOPES, type Listener } from './listener.ts';
import type { ApprovalState, Policy } from './register.ts';
import type { HostState, ListenerState } from './state.ts';
import { verdictOf } from './verdict.ts';

const HOUR_MS = 3_600_000;
const NOW = Date.UTC(2026, 10, 21, 12);
const endpoint = { host: 'web-1', scope: HOST_SCOPE, transport: 'tcp', port: 8080 } as const;
const policy: Policy = {
  ...{ prohibited: [], allow: [], approvers: [], reviewEveryDays: 365, reviewEveryDaysByData: {}, dueSoonDays: 14 },
  ...{ exceptionMaxDays: 180, staleAfterHours: 24, silentAfterDays: 30, privilegedAllowed: [] },
};
const estate: EstateFacts = {
  now: NOW,
  register: {
    ...{ name: 'test', boundary: null, site: 'default', digest: '0', owners: [], zones: [], hosts: [], policy },
    ...{ frameworks: [], entries: [], exceptions: [], problems: [], deviations: [] },
  },
  approvals: new Map(),
  hosts: [],
  endpointsByEntry: new Map(),
  hostsByEntry: new Map(),
};

const anyApproval: fc.Arbitrary<ApprovalState> = fc.constantFrom<ApprovalState>(
  { kind: 'proven', by: 'a@example.org', how: 'ssh-signature' },
  { kind: 'proven', by: 'a@example.org', how: 'ssh-signature' },
  { kind: 'draft' },
  { kind: 'claimed', reason: 'no proof' },
  { kind: 'void', approved: 'sha256:00' },
  { kind: 'unknown', reason: 'no history' },
);
const anyMatch: fc.Arbitrary<MatchedEntry> = fc.record({
  entry: fc.constantFrom(entryOf({ id: 'web' }), entryOf({ id: 'web', process: { exe: '/usr/sbin/nginx' } })),
  approval: anyApproval,
  hostConfirmed: fc.boolean(),
});
const anyListener: fc.Arbitrary<ListenerState> = fc
  .record({
    bind: fc.constantFrom('loopback' as const, ...BIND_SCOPES),
    role: fc.constantFrom('service' as const, 'ephemeral' as const),
    process: fc.constantFrom(null, { pid: 5 }, { pid: 5, exe: '/usr/sbin/nginx' }),
    vantage: fc.constantFrom('local', 'scan'),
  })
  .map(({ vantage, ...seen }) => {
    const listener: Listener = { ...endpoint, address: '127.0.0.1', families: ['ipv4'], sharedWith: [], ...seen };
    const times = { firstSeen: NOW, openSince: NOW, lastSeen: NOW, closedAt: null };
    return { vantage, listener, open: true, restarts: 0, ...times };
  });
const anyHost: fc.Arbitrary<HostState> = fc
  .record({
    vantage: fc.constantFrom('local', 'scan'),
    lastObservedAt: fc.constantFrom(NOW, NOW - HOUR_MS, NOW - 25 * HOUR_MS, NOW + HOUR_MS),
  })
  .map((state) => ({
    ...{ host: { name: 'web-1', addresses: [], tags: [] }, firstObservedAt: 0, privilege: 'root', collector: 'local' },
    ...{ observationId: 'x', coverage: [], gaps: [] },
    ...state,
  }));
const anyFacts: fc.Arbitrary<EndpointFacts> = fc.record({
  endpoint: fc.constant(endpoint),
  listeners: fc.array(anyListener, { maxLength: 2 }),
  closed: fc.constant([]),
  entries: fc.array(anyMatch, { maxLength: 2 }),
  host: fc.array(anyHost, { maxLength: 2 }),
  mayBeInBrokenPart: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
});
const anyFinding: fc.Arbitrary<Finding> = fc
  .record({
    severity: fc.constantFrom(...SEVERITIES),
    status: fc.constantFrom('open' as const, 'accepted' as const),
    rule: fc.constantFrom('wider-bind', 'unapproved-entry', 'unregistered-listener'),
    subject: fc.constantFrom<Finding['subject']>(
      { kind: 'endpoint', endpoint },
      { kind: 'entry', entry: 'web' },
      { kind: 'estate' },
    ),
  })
  .map((f) => ({
    ...{ fingerprint: '0', message: 'm', evidence: [], remediation: 'r', controls: [], firstSeen: NOW, lastSeen: NOW },
    ...f,
  }));

test('unknown never counts as conforming', () => {
  let conforming = 0;
  fc.assert(
    fc.property(anyFacts, (facts) => {
      const { word, reasons } = verdictOf(facts, [], estate);
      assert.ok(reasons.length > 0);
      assert.notEqual(word, 'DEVIATES', 'without a finding nothing deviates');
      if (word !== 'CONFORMS') return;
      conforming++;
      const decides = facts.entries[0] as MatchedEntry;
      assert.equal(facts.mayBeInBrokenPart, false);
      assert.equal(decides.approval.kind, 'proven');
      assert.ok(decides.hostConfirmed);
      assert.ok(facts.listeners.length > 0 && facts.listeners.every((l) => l.listener.bind === 'loopback'));
      const namesProcess = decides.entry.process.exe !== undefined;
      assert.ok(!namesProcess || facts.listeners.every((l) => l.listener.process?.exe !== undefined));
      const vantages = facts.listeners.map((l) => l.vantage);
      assert.ok(
        facts.host.some((h) => vantages.includes(h.vantage) && Math.abs(NOW - h.lastObservedAt) <= 24 * HOUR_MS),
      );
    }),
    { numRuns: 3000 },
  );
  assert.ok(conforming > 0, 'the random facts reach CONFORMS too');
});

test('it deviates exactly where an open finding of severity low or above is about the endpoint or its entry', () => {
  fc.assert(
    fc.property(anyFacts, fc.array(anyFinding, { maxLength: 3 }), (facts, findings) => {
      const { word, reasons } = verdictOf(facts, findings, estate);
      const counting = findings.some(
        (f) => f.status === 'open' && f.severity !== 'info' && f.subject.kind !== 'estate',
      );
      assert.equal(word === 'DEVIATES', counting);
      const failed = findings.some((f) => f.status === 'open' && f.severity !== 'info' && f.subject.kind === 'estate');
      if (failed) assert.notEqual(word, 'CONFORMS');
      for (const f of findings)
        if (f.status === 'accepted' && f.severity !== 'info' && f.subject.kind !== 'estate')
          assert.ok(reasons.some((r) => r.startsWith('accepted by exception')));
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { entryOf } from '../../test/register-samples.ts';
import { HOST_SCOPE } from './endpoint.ts';
import type { EndpointFacts, EstateFacts, MatchedEntry } from './facts.ts';
import { type Finding, SEVERITIES } from './finding.ts';
import { BIND_SCOPES, type Listener } from './listener.ts';
import { ALL_PORTS } from './observation.ts';
import type { ApprovalState, Exception, ExceptionKind, Policy } from './register.ts';
import type { HostState, ListenerState } from './state.ts';
import { verdictOf } from './verdict.ts';

const HOUR_MS = 3_600_000;
const NOW = Date.UTC(2026, 10, 21, 12);
const endpoint = { host: 'web-1', scope: HOST_SCOPE, transport: 'tcp', port: 8080 } as const;
const policy: Policy = {
  ...{ prohibited: [], allow: [], approvers: [], reviewEveryDays: 365, reviewEveryDaysByData: {}, dueSoonDays: 14 },
  ...{ exceptionMaxDays: 180, staleAfterHours: 24, silentAfterDays: 30, privilegedAllowed: [] },
};
function exceptionOf(id: string, kind: ExceptionKind): Exception {
  return {
    ...{
      id,
      kind,
      rule: 'wider-bind',
      subject: 'web-1:8080',
      reason: 'known',
      approver: 'a@example.org',
      ticket: null,
    },
    ...{ from: null, expires: NOW + HOUR_MS, at: { file: 'exceptions.yaml', line: 2, column: 5 } },
  };
}

const estate: EstateFacts = {
  now: NOW,
  register: {
    ...{ name: 'test', boundary: null, site: 'default', digest: '0', owners: [], zones: [], hosts: [], policy },
    ...{
      frameworks: [],
      entries: [],
      exceptions: [exceptionOf('FALSE', 'false-positive'), exceptionOf('NEED', 'operational-requirement')],
      problems: [],
      deviations: [],
    },
  },
  approvals: new Map(),
  hosts: [],
  endpointsByEntry: new Map(),
  hostsByEntry: new Map(),
};

const anyApproval: fc.Arbitrary<ApprovalState> = fc.constantFrom<ApprovalState>(
  ...Array<ApprovalState>(4).fill({ kind: 'proven', by: 'a@example.org', how: 'ssh-signature' }),
  { kind: 'draft' },
  { kind: 'claimed', reason: 'no proof' },
  { kind: 'void', approved: 'sha256:00' },
  { kind: 'unknown', reason: 'no history' },
);
const anyMatch: fc.Arbitrary<MatchedEntry> = fc.record({
  entry: fc.constantFrom(
    entryOf({ id: 'web' }),
    entryOf({ id: 'web', process: { exe: '/usr/sbin/nginx' } }),
    entryOf({ id: 'web', expires: NOW - HOUR_MS }),
  ),
  approval: anyApproval,
  hostConfirmed: fc.constantFrom(true, true, false),
});
const anyListener: fc.Arbitrary<ListenerState> = fc
  .record({
    bind: fc.constantFrom('loopback' as const, 'loopback' as const, 'loopback' as const, ...BIND_SCOPES),
    role: fc.constantFrom('service' as const, 'ephemeral' as const),
    process: fc.constantFrom(null, { pid: 5 }, { pid: 5, exe: '/usr/sbin/nginx' }),
    vantage: fc.constantFrom('local', 'local', 'local', 'scan'),
  })
  .map(({ vantage, ...seen }) => {
    const listener: Listener = { ...endpoint, address: '127.0.0.1', families: ['ipv4'], sharedWith: [], ...seen };
    const times = { firstSeen: NOW, openSince: NOW, lastSeen: NOW, closedAt: null };
    return { vantage, listener, open: true, restarts: 0, ...times };
  });
const anyHost: fc.Arbitrary<HostState> = fc
  .record({
    vantage: fc.constantFrom('local', 'local', 'local', 'scan'),
    lastObservedAt: fc.constantFrom(NOW, NOW, NOW - HOUR_MS, NOW - 25 * HOUR_MS, NOW + HOUR_MS),
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
    exception: fc.constantFrom('FALSE', 'NEED', 'GONE'),
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

test('unknown never counts as conforming, whatever is accepted', () => {
  let conforming = 0;
  const accepted = anyFinding.map((f) => ({ ...f, status: 'accepted' as const, exception: 'FALSE' }));
  fc.assert(
    fc.property(anyFacts, fc.array(accepted, { maxLength: 2 }), (facts, findings) => {
      const { word, reasons } = verdictOf(facts, findings, estate);
      assert.ok(reasons.length > 0);
      assert.notEqual(word, 'DEVIATES', 'without a deviation nothing deviates');
      if (word !== 'CONFORMS') return;
      conforming++;
      const decides = facts.entries[0] as MatchedEntry;
      assert.ok(decides.entry.expires === null || decides.entry.expires > NOW);
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

test('it deviates exactly where a finding of severity low or above is about the endpoint or its entry, and is no false positive', () => {
  fc.assert(
    fc.property(anyFacts, fc.array(anyFinding, { maxLength: 3 }), (facts, findings) => {
      const { word, reasons } = verdictOf(facts, findings, estate);
      const counting = findings.filter((f) => f.severity !== 'info');
      const own = counting.filter((f) => f.subject.kind !== 'estate');
      const isFalse = (f: Finding) => f.status === 'accepted' && f.exception === 'FALSE';
      assert.equal(word === 'DEVIATES', facts.listeners.length > 0 && own.some((f) => !isFalse(f)));
      if (own.length < counting.length) assert.notEqual(word, 'CONFORMS', 'a failed check is unknown, accepted or not');
      for (const f of own.filter((f) => f.status === 'accepted'))
        assert.ok(reasons.some((r) => r.startsWith(`accepted by ${f.exception}`)));
    }),
  );
});

test('what is accepted is named: by which exception, until when, as what, and whose word that is', () => {
  const finding = fc.sample(anyFinding, 1)[0] as Finding;
  const accepted: Finding = {
    ...finding,
    severity: 'high',
    status: 'accepted',
    exception: 'NEED',
    subject: { kind: 'entry', entry: 'web' },
  };
  const facts: EndpointFacts = {
    ...(fc.sample(anyFacts, 1)[0] as EndpointFacts),
    listeners: fc.sample(anyListener, 1),
  };
  const { word, reasons } = verdictOf(facts, [accepted], estate);
  assert.equal(word, 'DEVIATES');
  assert.equal(
    reasons[0],
    'accepted by NEED until 2026-11-21 (operational requirement): m That a@example.org approved NEED is claimed, not proven.',
  );
});

test('where nothing is known to listen nothing deviates, and the reason says who looked', () => {
  const draft = { ...(fc.sample(anyFinding, 1)[0] as Finding), severity: 'medium', status: 'open' } as const;
  const base = { endpoint, listeners: [], closed: [], entries: [], mayBeInBrokenPart: false };
  const [look] = fc.sample(anyHost, 1) as [HostState];
  const at = (lastObservedAt: number): HostState => ({
    ...{ ...look, lastObservedAt },
    coverage: [{ host: 'web-1', scope: '*', transports: ['tcp'], ports: ALL_PORTS, addresses: 'all' }],
  });
  const cases: [host: readonly HostState[], reason: string][] = [
    [[], 'nobody looked at web-1'],
    [[{ ...look, coverage: [] }], 'nobody looked at this port of web-1'],
    [[at(NOW)], 'nothing listens: looked at 2026-11-21 12:00:00 UTC'],
    [[at(NOW - 25 * HOUR_MS)], 'nothing listens: looked at 2026-11-20 11:00:00 UTC, too long ago to speak of now'],
    [[at(NOW + HOUR_MS)], 'nothing listens: looked at 2026-11-21 13:00:00 UTC, which is after now: a clock is wrong'],
  ];
  for (const [host, reason] of cases) {
    const { word, reasons } = verdictOf(
      { ...base, host },
      [{ ...draft, subject: { kind: 'entry', entry: 'web' } }],
      estate,
    );
    assert.deepEqual([word, reasons], ['UNDETERMINED', [reason]]);
  }
});

test('a look that failed, or was about other ports, makes nothing fresh', () => {
  const facts = fc.sample(anyFacts, 200).find(({ listeners }) => listeners.length > 0) as EndpointFacts;
  const [listener] = facts.listeners as [ListenerState];
  const [look] = fc.sample(anyHost, 1) as [HostState];
  const local = { ...listener, vantage: 'local', lastSeen: NOW - 25 * HOUR_MS };
  const host = { ...look, vantage: 'local', lastObservedAt: NOW, coverage: [] };
  const { word, reasons } = verdictOf({ ...facts, listeners: [local], host: [host] }, [], estate);
  assert.notEqual(word, 'CONFORMS');
  assert.ok(reasons.includes('last observed at 2026-11-20 11:00:00 UTC, too long ago to speak of now'), reasons.join());
});

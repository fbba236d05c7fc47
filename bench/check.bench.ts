/**
 * Checks of 100,000 listeners on 1,000 hosts against 20,000 register entries, mixed result: facts and checks in this
 * process, no files and no store. Medians of 5 runs. Fails when an answer is wrong, never because it is slow.
 */
import assert from 'node:assert/strict';
import { runChecks } from '../src/checks/run.ts';
import { controlsOfRule, loadFrameworks } from '../src/frameworks/load.ts';
import { buildFacts } from '../src/model/build-facts.ts';
import type { VerdictWord } from '../src/model/facts.ts';
import type { Listener } from '../src/model/listener.ts';
import { ALL_PORTS } from '../src/model/observation.ts';
import { type ApprovalState, DAY_MS, type Register, type RegisterEntry } from '../src/model/register.ts';
import type { HostState, ListenerState } from '../src/model/state.ts';
import { median, printTable } from './measure.ts';

const HOSTS = 1_000;
const PER_HOST = 100;
const ENTRIES = 20_000;
const RUNS = 5;
const NOW = Date.UTC(2026, 10, 21, 12);
const USUAL_TARGET_MS = 1_200;

const portOf = (n: number) => 1_024 + 7 * n;

/** 12,000 entries name two ports of a host, 6,000 a port of 16 hosts of a subnet, 2,000 a range on tagged hosts. */
function entryAt(n: number): RegisterEntry {
  const [hosts, from, to] =
    n < 12_000
      ? [[`host-${n % HOSTS}`], portOf(2 * Math.floor(n / HOSTS)), portOf(2 * Math.floor(n / HOSTS)) + 7]
      : n < 18_000
        ? [
            [`10.0.${(n % 62) >> 4}.${(n % 16) << 4}/28`],
            portOf(24 + (Math.floor(n / 80) % 75)),
            portOf(24 + (Math.floor(n / 80) % 75)),
          ]
        : [[`tag:t${n % 20}`], 20_000 + n, 20_010 + n];
  return {
    ...{ id: `entry-${String(n).padStart(5, '0')}`, service: 'https', purpose: 'bench', workflow: null },
    ...{ owner: n % 50 === 0 ? 'gone' : 'team', hosts, scope: 'host', workload: {} },
    ports: from === to || to - from > 7 ? [{ from, to }] : [from, to].map((port) => ({ from: port, to: port })),
    ...{ transport: 'tcp', bind: n % 3 === 0 ? 'loopback' : 'any', process: { exe: '/usr/sbin/service-*' } },
    ...{
      sources: n % 40 === 0 ? null : ['10.0.0.0/8'],
      data: [],
      encryption: null,
      auth: null,
      change: null,
      risk: null,
    },
    approval: { by: 'a@example.org', at: NOW - (n % 400) * DAY_MS },
    ...{ review: null, expires: n % 90 === 0 ? NOW - DAY_MS : null, evidence: [], digest: `sha256:${n}` },
    ...{ at: { file: 'register/bench.yaml', line: n, column: 5 }, inheritedFrom: null },
  };
}

function listenerAt(n: number): ListenerState {
  const host = `host-${n % HOSTS}`;
  const isLoopback = n % 5 === 0;
  const listener: Listener = {
    ...{ host, scope: 'host', transport: 'tcp', port: portOf(Math.floor(n / HOSTS)) },
    ...{ address: isLoopback ? '127.0.0.1' : '0.0.0.0', bind: isLoopback ? 'loopback' : 'any', families: ['ipv4'] },
    role: 'service',
    process:
      n % 11 === 0
        ? null
        : {
            ...{ pid: 1_000 + n, name: 'service', exe: n % 13 === 0 ? '/opt/other' : `/usr/sbin/service-${n % 7}` },
            ...{ exeState: n % 97 === 0 ? 'replaced' : 'present', uid: n % 17 === 0 ? 0 : 998, user: 'service' },
          },
    sharedWith: [],
  };
  const times = { firstSeen: NOW - 50 * DAY_MS, openSince: NOW - 50 * DAY_MS, lastSeen: NOW - 60_000, closedAt: null };
  return { vantage: 'local', listener, open: true, restarts: 0, ...times };
}

function hostAt(n: number): HostState {
  const name = `host-${n}`;
  return {
    ...{ vantage: 'local', host: { name, addresses: [`10.0.${n >> 8}.${n & 255}`], tags: [`t${n % 20}`] } },
    ...{ firstObservedAt: NOW - 60 * DAY_MS, lastObservedAt: n % 100 === 0 ? NOW - 3 * DAY_MS : NOW - 60_000 },
    ...{ privilege: 'root', collector: 'local', observationId: `o${n}`, gaps: [] },
    coverage: [{ host: name, scope: '*', transports: ['tcp', 'udp'], ports: ALL_PORTS, addresses: 'all' }],
  };
}

const entries = Array.from({ length: ENTRIES }, (_, n) => entryAt(n));
const listeners = Array.from({ length: HOSTS * PER_HOST }, (_, n) => listenerAt(n));
const hosts = Array.from({ length: HOSTS }, (_, n) => hostAt(n));
const register: Register = {
  ...{ name: 'bench', boundary: null, site: 'default', digest: '0', zones: [], hosts: [], entries },
  owners: [{ name: 'team', title: null, email: null, codeowners: [], members: [] }],
  policy: {
    ...{ prohibited: [], allow: [], approvers: [], reviewEveryDays: 365, reviewEveryDaysByData: {}, dueSoonDays: 14 },
    ...{ exceptionMaxDays: 180, staleAfterHours: 24, silentAfterDays: 30, privilegedAllowed: [] },
  },
  ...{ frameworks: [], exceptions: [], problems: [], deviations: [] },
};
const STATES: readonly ApprovalState[] = [
  { kind: 'proven', by: 'a@example.org', how: 'ssh-signature' },
  { kind: 'proven', by: 'a@example.org', how: 'signed-commit' },
  { kind: 'claimed', reason: 'no signature' },
  { kind: 'draft' },
];
const approvals = new Map(entries.map((e, n) => [e.id, STATES[Math.floor(n / 7) % STATES.length] as ApprovalState]));

const controlsOf = controlsOfRule(loadFrameworks());
const times: { facts: number; checks: number; total: number; cpu: number }[] = [];
let firstRss = 0;
let summary = '';
for (let run = 0; run <= RUNS; run++) {
  const cpuBefore = process.threadCpuUsage();
  const start = performance.now();
  const facts = buildFacts({ now: NOW, register, approvals, hosts, listeners });
  const between = performance.now();
  const { findings, results } = runChecks(facts, controlsOf, { firstSeen: () => undefined });
  const end = performance.now();
  const cpu = process.threadCpuUsage(cpuBefore);
  // The first run warms up nothing that a command would have warm: it is told apart, not thrown away.
  times.push({
    facts: between - start,
    checks: end - between,
    total: end - start,
    cpu: (cpu.user + cpu.system) / 1000,
  });
  if (run === 0) firstRss = process.resourceUsage().maxRSS;

  assert.equal(results.length, HOSTS * PER_HOST);
  const byRule = Map.groupBy(findings, (f) => f.rule);
  const unregistered = facts.endpoints.filter((e) => e.entries.length === 0).length;
  assert.equal(byRule.get('unregistered-listener')?.length, unregistered);
  assert.equal(byRule.get('unapproved-entry')?.length, unapproved());
  const words = { CONFORMS: 0, DEVIATES: 0, UNDETERMINED: 0 } satisfies Record<VerdictWord, number>;
  for (const r of results) words[r.verdict.word]++;
  for (const [word, n] of Object.entries(words)) assert.ok(n > 0, `some endpoint is ${word}`);
  summary = `${findings.length} findings of ${byRule.size} rules; ${JSON.stringify(words)}`;

  function unapproved(): number {
    const unproven = [...approvals.values()].filter((a) => a.kind !== 'proven').length;
    const unconfirmed = new Set<string>();
    for (const {
      entries: [decides],
    } of facts.endpoints)
      if (decides?.approval.kind === 'proven' && !decides.hostConfirmed) unconfirmed.add(decides.entry.id);
    return unproven + unconfirmed.size;
  }
}

const [first, ...rest] = times;
const row = (name: 'facts' | 'checks' | 'total' | 'cpu', title: string = name) => [
  title,
  `${Math.round(median(rest.map((t) => t[name])))} ms`,
  `${Math.round(first?.[name] ?? 0)} ms`,
];
printTable(
  ['part', `median of ${RUNS}`, 'first run'],
  [row('facts'), row('checks'), row('total'), row('cpu', 'CPU of this thread')],
);
console.log(`${summary}\npeak RSS ${Math.round(firstRss / 1024)} MiB in the first run; target ${USUAL_TARGET_MS} ms`);

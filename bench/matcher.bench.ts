/**
 * 100,000 listeners matched against 20,000 register entries, and the facts built from them. Medians of 5 runs.
 * Fails when an answer is wrong, never because it is slow.
 */
import assert from 'node:assert/strict';
import { buildFacts } from '../src/model/build-facts.ts';
import type { Endpoint } from '../src/model/endpoint.ts';
import type { MatchHost } from '../src/model/host-selector.ts';
import { buildMatcher, specificityOf } from '../src/model/match.ts';
import type { PortRange } from '../src/model/observation.ts';
import { findOverlaps } from '../src/model/overlap.ts';
import type { Register, RegisterEntry } from '../src/model/register.ts';
import type { HostState, ListenerState } from '../src/model/state.ts';

const HOSTS = 1_000;
const LISTENERS = 100_000;
const ENTRIES = 20_000;
const RUNS = 5;

function entry(n: number, hosts: readonly string[], ports: readonly PortRange[]): RegisterEntry {
  return {
    id: `entry-${String(n).padStart(5, '0')}`,
    service: 'https',
    purpose: 'bench',
    workflow: null,
    owner: 'team',
    hosts,
    scope: 'host',
    workload: {},
    ports,
    transport: 'tcp',
    bind: 'any',
    process: {},
    sources: null,
    data: [],
    encryption: null,
    auth: null,
    change: null,
    risk: null,
    approval: { by: 'a@example.org', at: 2 },
    review: null,
    expires: null,
    evidence: [],
    digest: `sha256:${n}`,
    at: { file: 'register/bench.yaml', line: n, column: 1 },
    inheritedFrom: null,
  };
}

const hosts: MatchHost[] = Array.from({ length: HOSTS }, (_, h) => ({
  name: `host-${h}`,
  addresses: [`10.0.${h >> 8}.${h & 255}`, `fd00::${h.toString(16)}`],
  tags: [`tag-${h % 20}`],
}));
const endpoints: Endpoint[] = Array.from({ length: LISTENERS }, (_, n) => {
  const host = `host-${n % HOSTS}`;
  return { host, scope: 'host', transport: 'tcp', port: 443 + 37 * Math.floor(n / HOSTS) };
});
const one = (port: number): PortRange[] => [{ from: port, to: port }];

const CASES: readonly { readonly name: string; readonly make: (n: number) => RegisterEntry }[] = [
  {
    name: 'every kind of selector',
    make: (n) => {
      const port = 443 + 37 * (n % 100);
      const kinds = [
        `host-${n % HOSTS}`,
        `10.0.${n & 3}.${(n >> 2) & 255}`,
        `10.0.${n & 3}.${((n >> 2) & 15) << 4}/28`,
        `host-${n % 100}*`,
        `tag:tag-${n % 997}`,
      ];
      return entry(n, [kinds[n % 5] as string], n % 7 === 0 ? [{ from: port, to: port + (n % 50) }] : one(port));
    },
  },
  { name: 'all on port 443', make: (n) => entry(n, [`host-${n}`], one(443)) },
  { name: 'overlapping ranges', make: (n) => entry(n, [`host-${n % HOSTS}`], [{ from: 1 + n, to: 1001 + 2 * n }]) },
  { name: 'one wildcard each', make: (n) => entry(n, [`host-${n}*`], one(443 + 37 * (n % 100))) },
];

function states(): { hosts: HostState[]; listeners: ListenerState[] } {
  return {
    hosts: hosts.map((host) => ({
      vantage: 'local',
      host,
      firstObservedAt: 1,
      lastObservedAt: 2,
      privilege: 'root',
      collector: 'local',
      observationId: 'o',
      coverage: [],
      gaps: [],
    })),
    listeners: endpoints.map((e) => ({
      vantage: 'local',
      listener: {
        ...e,
        address: '0.0.0.0',
        bind: 'any',
        families: ['ipv4'],
        role: 'service',
        process: null,
        sharedWith: [],
      },
      open: true,
      firstSeen: 1,
      openSince: 1,
      lastSeen: 2,
      closedAt: null,
      restarts: 0,
    })),
  };
}

function medianMs(work: () => void): string {
  const times = Array.from({ length: RUNS }, () => {
    const start = performance.now();
    work();
    return performance.now() - start;
  });
  return `${(times.sort((a, b) => a - b)[RUNS >> 1] as number).toFixed(0)} ms`;
}

const byName = new Map(hosts.map((host) => [host.name, host]));
const observed = states();
const rows = [['100,000 x 20,000', 'match all', 'build facts', 'find overlaps', 'pairs']];
for (const { name, make } of CASES) {
  const entries = Array.from({ length: ENTRIES }, (_, n) => make(n));
  let pairs = 0;
  const match = medianMs(() => {
    const matcher = buildMatcher(entries, hosts);
    pairs = 0;
    for (const endpoint of endpoints) pairs += matcher.entriesFor(endpoint).length;
  });
  const register = { entries, hosts: [], problems: [] } as unknown as Register;
  const build = medianMs(() => {
    const facts = buildFacts({ now: 3, register, approvals: new Map(), ...observed });
    assert.equal(facts.endpoints.length, LISTENERS);
  });
  const overlaps = medianMs(() => {
    findOverlaps(entries, hosts);
  });
  const matcher = buildMatcher(entries, hosts);
  for (let n = 0; n < LISTENERS; n += 9_973) {
    const endpoint = endpoints[n] as Endpoint;
    const host = byName.get(endpoint.host) as MatchHost;
    const expected = entries.filter((e) => specificityOf(e, host, endpoint) > 0).map((e) => e.id);
    const found = matcher.entriesFor(endpoint).map((c) => c.entry.id);
    assert.deepEqual(found.toSorted(), expected, `${name}: entries of ${endpoint.host}:${endpoint.port}`);
  }
  rows.push([name, match, build, overlaps, pairs.toLocaleString('en')]);
}
for (const row of rows)
  console.log(
    row
      .map((cell) => cell.padEnd(24))
      .join('')
      .trimEnd(),
  );

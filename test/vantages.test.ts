import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { bindScopeOf } from '../src/model/address.ts';
import type { AnswerFacts } from '../src/model/answer.ts';
import type { Asset } from '../src/model/asset.ts';
import type { Declaration } from '../src/model/declaration.ts';
import type { Listener, ProcessFacts } from '../src/model/listener.ts';
import { ALL_PORTS, type Observation } from '../src/model/observation.ts';
import { openStore } from '../src/store/store.ts';
import { assertGolden } from './golden.ts';
import { quietdoor, temporaryFolder } from './run-quietdoor.ts';

// One host, seen by its own collector, by a network scan and by an nmap import, known to the inventory and declared in a
// compose file: one host with one endpoint for each port, and where they disagree it is shown.

const NOW = Date.UTC(2026, 10, 22, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const env = { SOURCE_DATE_EPOCH: String(NOW / 1000), QUIETDOOR_HOST: 'auditor' };

const POSTGRES: ProcessFacts = {
  ...{ pid: 812, name: 'postgres', exe: '/usr/lib/postgresql/15/bin/postgres', exeState: 'present' },
  ...{ uid: 105, user: 'postgres', unit: 'postgresql@15-main.service', startedAt: NOW - 40 * HOUR },
};

const REGISTER = `ports:
  - id: pg-orders
    service: postgresql
    purpose: Orders database, read and written by the order API
    owner: team-orders
    hosts: [db-1]
    port: 5432
    bind: any
    sources: [10.20.8.0/24]
    process: { exe: /usr/lib/postgresql/*/bin/postgres, user: postgres }
    encryption: tls
`;

function listener(host: string, address: string, port: number, more: Partial<Listener> = {}): Listener {
  return {
    ...{ host, scope: 'host', transport: 'tcp', port, address, bind: bindScopeOf(address), role: 'service' },
    ...{ families: [address.includes(':') ? 'ipv6' : 'ipv4'], process: null, sharedWith: [], ...more },
  };
}

function local(observedAt: number, listeners: readonly Listener[]): Observation {
  return {
    ...{ id: uuid(observedAt, 1), collector: 'local', vantage: 'local', observedAt, durationMs: 9, privilege: 'root' },
    host: { name: 'db-1', addresses: ['10.20.3.5', '10.20.3.6', '172.17.0.1'], tags: [] },
    coverage: [{ host: 'db-1', scope: '*', transports: ['tcp', 'udp'], ports: ALL_PORTS, addresses: 'all' }],
    ...{ gaps: [], listeners },
  };
}

type Outcomes = NonNullable<Observation['outcomes']>;

function outside(
  vantage: string,
  address: string,
  observedAt: number,
  open: Readonly<Record<number, AnswerFacts>>,
  filtered: readonly number[] = [],
): Observation {
  const ports = [...Object.keys(open).map(Number), ...filtered].map((port) => ({ from: port, to: port }));
  const outcomes: Outcomes = filtered.map((port) => ({
    ...{ outcome: 'filtered', transport: 'tcp', address, ports: [{ from: port, to: port }] },
  }));
  return {
    ...{ id: uuid(observedAt, vantage.length), collector: vantage.split(':')[0] as string, vantage, observedAt },
    ...{ durationMs: 900, privilege: 'user', gaps: [] },
    host: { name: address, addresses: [address], tags: [], names: ['db-1.example.org'] },
    coverage: [{ host: address, scope: 'unknown', transports: ['tcp'], ports, addresses: [address] }],
    listeners: Object.entries(open).map(([port, answer]) =>
      listener(address, address, Number(port), { scope: 'unknown', answer }),
    ),
    ...(outcomes.length > 0 && { outcomes }),
  };
}

function uuid(at: number, n: number): string {
  return `${at
    .toString(16)
    .padStart(12, '0')
    .replace(/^(.{8})/, '$1-')}-7000-8000-${String(n).padStart(12, '0')}`;
}

const PG: AnswerFacts = {
  ...{ service: 'postgresql', product: 'PostgreSQL', version: '15.4', encryption: 'starttls', by: 'postgresql' },
  tls: {
    ...{ protocol: 'TLSv1.3', subject: 'CN=db-1.example.org', issuer: 'CN=Example CA', key: 'RSA 2048' },
    ...{ notBefore: Date.UTC(2026, 0, 1), notAfter: Date.UTC(2027, 2, 1), selfSigned: false },
  },
};

const ASSET: Asset = {
  ...{ id: '17', source: 'netbox', name: 'DB-1', names: [], addresses: ['10.20.3.5'], tags: ['orders'] },
  ...{ zone: 'data', owner: 'team-orders' },
};

const DECLARED: Declaration = {
  ...{ source: 'deploy/compose.yaml', format: 'compose', line: 12, host: null, what: 'service db', transport: 'tcp' },
  ...{ ports: [{ from: 5432, to: 5432 }], reach: 'host', scope: 'host' },
};

async function estate(t: TestContext, observations: readonly Observation[]): Promise<string> {
  const dir = join(temporaryFolder(t), 'workspace');
  mkdirSync(join(dir, 'register'), { recursive: true });
  writeFileSync(join(dir, 'quietdoor.yaml'), 'name: orders\nowners: { team-orders: orders@example.org }\n');
  writeFileSync(join(dir, 'register/orders.yaml'), REGISTER);
  await using store = await openStore({ dir: join(dir, '.quietdoor'), mode: 'write' });
  for (const o of observations) await store.recordObservation(o, o.observedAt + o.durationMs);
  const event = { observedAt: NOW - 2 * HOUR, actor: 'user:alice' };
  await store.putList(
    'assets',
    { source: 'netbox', importedAt: NOW - 2 * HOUR, items: [ASSET] },
    { type: 'assets.imported', subject: 'netbox', ...event },
  );
  await store.putList(
    'declarations',
    { source: DECLARED.source, importedAt: NOW - 2 * HOUR, items: [DECLARED] },
    { type: 'declarations.imported', subject: DECLARED.source, ...event },
  );
  return dir;
}

const LISTENING = (at: number) =>
  local(at, [
    listener('db-1', '0.0.0.0', 5432, { process: POSTGRES }),
    listener('db-1', '127.0.0.1', 6379, { process: { pid: 900, name: 'redis-server' } }),
  ]);

const SEEN = [
  LISTENING(NOW - 4 * HOUR),
  outside('import:nmap', '10.20.3.6', NOW - 3 * HOUR, {}, [5432]),
  LISTENING(NOW - 10 * MINUTE),
  outside('network:scanner-1', '10.20.3.5', NOW - 5 * MINUTE, {
    5432: PG,
    8443: { service: 'http', product: 'Jetty' },
  }),
];

interface CheckJson {
  readonly summary: { readonly hosts: number; readonly endpoints: number };
  readonly endpoints: readonly { readonly key: string; readonly listeners: readonly { readonly vantage: string }[] }[];
  readonly findings: readonly { readonly rule: string; readonly message: string }[];
}

test('a host seen from three places is one host, and each port one endpoint', async (t) => {
  const cwd = await estate(t, SEEN);
  const { stdout } = await quietdoor(['check', '--format', 'json'], { cwd, env });
  const found = JSON.parse(stdout) as CheckJson;
  assert.equal(found.summary.hosts, 1);
  assert.deepEqual(
    found.endpoints.map((e) => [e.key, e.listeners.map((l) => l.vantage)]),
    [
      ['db-1:5432/tcp', ['local', 'network:scanner-1']],
      ['db-1:6379/tcp', ['local']],
      ['db-1:8443/tcp@unknown', ['network:scanner-1']],
    ],
  );
  const rules = found.findings.map((f) => f.rule);
  assert.ok(rules.includes('vantage-disagreement'));
  assert.ok(!rules.includes('unknown-asset'));
});

test('explain shows what each vantage saw, whatever name it is asked by', async (t) => {
  const cwd = await estate(t, SEEN);
  const run = (port: string) => quietdoor(['explain', port], { cwd, env });
  const { stdout, stderr } = await run('db-1:5432');
  assert.equal(stderr, '');
  for (const name of ['DB-1:5432', '10.20.3.5:5432', '10.20.3.6:5432', 'db-1.example.org:5432'])
    assert.equal((await run(name)).stdout, stdout, name);
  const hidden = await run('db-1:8443');
  assertGolden('end-to-end/explain-vantages.golden.txt', `${stdout}\n\n${hidden.stdout}`);
  const data = await quietdoor(['explain', 'db-1:5432', '--format', 'json'], { cwd, env });
  assertGolden('end-to-end/explain-vantages.golden.json', data.stdout);
});

test('a scan closes nothing that the host itself shows, and the host nothing that only a scan can see', async (t) => {
  const cwd = await estate(t, [
    ...SEEN,
    outside('network:scanner-1', '10.20.3.5', NOW - MINUTE, { 8443: { service: 'http' } }, [5432]),
  ]);
  const { stdout } = await quietdoor(['check', '--format', 'json'], { cwd, env });
  const { endpoints } = JSON.parse(stdout) as CheckJson;
  assert.deepEqual(
    endpoints.map((e) => [e.key, e.listeners.map((l) => l.vantage)]),
    [
      ['db-1:5432/tcp', ['local']],
      ['db-1:6379/tcp', ['local']],
      ['db-1:8443/tcp@unknown', ['network:scanner-1']],
    ],
  );
});

test('events of a host are those under every name that it was recorded by', async (t) => {
  const cwd = await estate(t, SEEN);
  const subjects = async (...args: string[]) => {
    const { stdout } = await quietdoor(['events', ...args, '--format', 'json'], { cwd, env });
    return (JSON.parse(stdout) as { events: { subject: string }[] }).events.map((e) => e.subject);
  };
  assert.deepEqual(new Set(await subjects('db-1')), new Set(await subjects('10.20.3.5')));
  assert.ok((await subjects('db-1')).includes('10.20.3.5:8443/tcp@unknown'));
  assert.ok((await subjects('db-1:5432')).includes('10.20.3.5:5432/tcp@unknown'));
});

test('the ledger says which names are one host, once, and when that ends', async (t) => {
  const cwd = await estate(t, SEEN);
  const told = async () => {
    const { stdout } = await quietdoor(['events', '--type', 'host.merged,host.split', '--format', 'json'], {
      cwd,
      env,
    });
    const { events } = JSON.parse(stdout) as { events: { type: string; subject: string; body: { names: string[] } }[] };
    return events.map((e) => `${e.type} ${e.subject}: ${e.body.names.join(' ')}`).reverse();
  };
  await quietdoor(['check', '--quiet'], { cwd, env });
  await quietdoor(['check', '--quiet'], { cwd, env });
  const merged = 'host.merged db-1: 10.20.3.5 10.20.3.6';
  assert.deepEqual(await told(), [merged]);
  await using store = await openStore({ dir: join(cwd, '.quietdoor'), mode: 'write' });
  const moved = local(NOW, []);
  await store.recordObservation({ ...moved, host: { ...moved.host, addresses: ['10.20.3.5'] } }, NOW);
  await store.close();
  await quietdoor(['check', '--quiet'], { cwd, env });
  assert.deepEqual(await told(), [merged, 'host.split db-1: 10.20.3.5']);
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openStore } from '../src/store/store.ts';
import { executable, quietdoor } from './run-quietdoor.ts';

const HOUR = 3_600;
const DAY = 86_400;
const NOW = Math.floor(Date.now() / 1_000 / HOUR) * HOUR;

const REGISTER = `ports:
  - id: pg-orders
    service: postgresql
    purpose: Orders database
    owner: team-orders
    hosts: [db-1]
    port: 5432
    transport: tcp
    bind: any
    sources: [10.20.4.0/24, 10.20.9.17]
    encryption: none
    auth: password
    change: CHG-1
`;

/** A workspace in which db-1 was seen to listen on 5432, on every address. */
async function workspaceFor(t: TestContext): Promise<string> {
  const cwd = mkdtempSync(join(tmpdir(), 'quietdoor-traffic-'));
  t.after(() => rmSync(cwd, { recursive: true, force: true }));
  assert.equal((await quietdoor(['init', cwd])).code, 0);
  writeFileSync(join(cwd, 'quietdoor.yaml'), 'name: example\nowners: { team-orders: orders@example.org }\n');
  writeFileSync(join(cwd, 'register/ports.yaml'), REGISTER);
  await using store = await openStore({ dir: join(cwd, '.quietdoor'), mode: 'write' });
  const at = Date.now() - 60_000;
  await store.recordObservation(
    {
      schemaVersion: 1,
      id: '01936f2e-7b1a-7c3d-9e4f-0123456789ab',
      collector: 'local',
      vantage: 'local',
      observedAt: at,
      durationMs: 1,
      privilege: 'root',
      host: { name: 'db-1', addresses: ['10.20.3.5'], tags: [] },
      coverage: [{ host: 'db-1', scope: '*', transports: ['tcp'], addresses: 'all', ports: [{ from: 0, to: 65_535 }] }],
      gaps: [],
      listeners: [
        {
          ...{ host: 'db-1', scope: 'host', transport: 'tcp', port: 5432, address: '0.0.0.0', bind: 'any' },
          ...{ families: ['ipv4'], role: 'service', process: null, sharedWith: [] },
        },
      ],
    } as unknown as Parameters<typeof store.recordObservation>[0],
    at,
  );
  return cwd;
}

/** Four weeks and a bit of working hours, and a stranger in the last hour. */
function flows(): string {
  const rows = ['start,end,src,dst,src_port,dst_port,protocol,action,packets,bytes'];
  const row = (start: number, src: string, action = 'accept') =>
    rows.push(`${start},${start + 1},${src},10.20.3.5,${40_000 + (start % 20_000)},5432,tcp,${action},10,2000`);
  for (let hour = NOW - 35 * DAY; hour < NOW; hour += HOUR) {
    const date = new Date(hour * 1_000);
    const isWork = date.getUTCDay() % 6 !== 0 && date.getUTCHours() >= 7 && date.getUTCHours() < 19;
    if (isWork) for (let i = 0; i < 12; i++) row(hour + i * 300, `10.20.4.${11 + (i % 3)}`);
    // Somebody is refused every hour, so that every hour is known.
    row(hour, '10.20.88.4', 'deny');
  }
  for (let i = 0; i < 400; i++) row(NOW - HOUR + i * 8, '10.20.77.9');
  return `${rows.join('\n')}\n`;
}

test('flows are put beside the port: who is not approved, what nobody uses, what is usual', async (t) => {
  const cwd = await workspaceFor(t);
  writeFileSync(join(cwd, 'flows.csv'), flows());
  const imported = await quietdoor(['flows', 'import', '--as', 'csv', 'flows.csv'], { cwd });
  assert.equal(imported.code, 0, imported.stderr);
  const checked = JSON.parse((await quietdoor(['check', '--format', 'json'], { cwd })).stdout);
  const found = checked.findings.filter((f: { rule: string }) => f.rule === 'unapproved-source');
  assert.equal(found.length, 1);
  assert.match(
    found[0].message,
    /^10\.20\.77\.9 connected 400 times to port 5432\/tcp between .*; pg-orders does not allow it/,
  );
  const explained = await quietdoor(['explain', 'db-1:5432'], { cwd });
  const words = explained.stdout.replace(/\s+/g, ' ');
  assert.match(
    words,
    // Which kind depends on the day and the hour at which the test runs.
    /Traffic: not normal here \([a-z ]+ since .* UTC: .*\); it does not conform: 1 source of 4 that connected is not approved by pg-orders/,
  );
  assert.match(explained.stdout, /TRAFFIC\s+last 4 weeks\s+(?:[▁▂▃▄▅▆▇█·]{7} ){3}[▁▂▃▄▅▆▇█·]{7}/);
  assert.match(explained.stdout, /usually Mon to Fri 07:00 to 19:00 UTC/);
  assert.match(explained.stdout, /10\.20\.77\.9 \d+ % \(not approved/);
  const json = JSON.parse((await quietdoor(['explain', 'db-1:5432', '--format', 'json'], { cwd })).stdout);
  assert.equal(json.traffic.unapprovedCount, 1);
});

test('what a finding about unusual traffic advises works, and shows who it was', async (t) => {
  const cwd = await workspaceFor(t);
  writeFileSync(join(cwd, 'flows.csv'), flows());
  assert.equal((await quietdoor(['flows', 'import', '--as', 'csv', 'flows.csv'], { cwd })).code, 0);
  const checked = JSON.parse((await quietdoor(['check', '--format', 'json'], { cwd })).stdout);
  const advice: string[] = checked.findings
    .map(({ remediation }: { remediation: string }) => / quietdoor (flows top .*)$/.exec(remediation)?.[1])
    .filter(Boolean);
  assert.ok(advice.length > 0);
  for (const one of advice) {
    const { code, stdout, stderr } = await quietdoor(one.split(' '), { cwd });
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^10\.20\.77\.9 +\d/m);
  }
});

test('flows are asked by the names of hosts; a host that is not known is no clean answer', async (t) => {
  const cwd = await workspaceFor(t);
  writeFileSync(join(cwd, 'flows.csv'), flows());
  assert.equal((await quietdoor(['flows', 'import', '--as', 'csv', 'flows.csv'], { cwd })).code, 0);
  const endpoints = ['db-1', 'db-1:5432', 'DB-1:5432/tcp', '10.20.3.5:5432'];
  const tops = await Promise.all(endpoints.map((one) => quietdoor(['flows', 'top', '--endpoint', one], { cwd })));
  for (const { code, stdout } of tops) {
    assert.equal(code, 0);
    // The port is what was asked for: it is never cut.
    assert.match(stdout, /^10\.20\.3\.5:5432\/tcp +[\d,]+ /m);
  }
  const usual = await Promise.all(
    endpoints.map((one) => quietdoor(['flows', 'anomalies', '--endpoint', one], { cwd })),
  );
  for (const { stdout } of usual) assert.match(stdout, /db-1:5432\/tcp/);
  for (const command of ['top', 'anomalies', 'backtest'])
    for (const [endpoint, message] of [
      ['db-9:5432', /no host db-9 is known\n.*db-1/],
      ['db-1:5432/tpc', /neither HOST nor HOST:PORT/],
      ['db-1:99999', /neither HOST nor HOST:PORT/],
    ] as const) {
      const { code, stderr } = await quietdoor(['flows', command, '--endpoint', endpoint], { cwd });
      assert.equal(code, 2);
      assert.match(stderr, message);
    }
});

test('nothing unusual is no news where there was nothing to learn from', async (t) => {
  const cwd = await workspaceFor(t);
  writeFileSync(join(cwd, 'flows.csv'), `${flows().split('\n').slice(0, 40).join('\n')}\n`);
  assert.equal((await quietdoor(['flows', 'import', '--as', 'csv', 'flows.csv'], { cwd })).code, 0);
  const { stdout } = await quietdoor(['flows', 'anomalies'], { cwd });
  assert.match(stdout, /^No unusual traffic\.\n(Only 0 days of flows before it|Nobody was let in)/);
});

test('a feed that stopped has a gap until now; a log of single packets covers no time, and says when it came last', async (t) => {
  const cwd = await workspaceFor(t);
  const stopped = NOW - 5 * DAY;
  const rows = [0, HOUR].map(
    (late) => `${stopped + late},${stopped + late},10.20.4.11,10.20.3.5,40000,5432,tcp,accept,1,60`,
  );
  writeFileSync(join(cwd, 'flows.csv'), `${flows().split('\n', 1)[0]}\n${rows.join('\n')}\n`);
  const at = new Date((NOW - 3 * HOUR) * 1_000).toISOString();
  const packet = 'IN=eth0 OUT= SRC=10.0.0.9 DST=10.20.3.5 LEN=60 TTL=52 ID=1 PROTO=TCP SPT=40000 DPT=22 SYN URGP=0';
  writeFileSync(join(cwd, 'kern.log'), `${at} db-1 kernel: [UFW BLOCK] ${packet}\n`);
  assert.equal((await quietdoor(['flows', 'import', 'flows.csv', 'kern.log'], { cwd })).code, 0);
  const { stdout } = await quietdoor(['flows', 'feeds'], { cwd });
  assert.match(stdout, /^import:csv +csv +4 days ago +0\.\d % +1 gap, 4 days /m);
  assert.match(stdout, /^netfilter-log:db-1 +netfilter-log +(2|3) hours ago +- +- /m);
  const json = JSON.parse((await quietdoor(['flows', 'feeds', '-f', 'json'], { cwd })).stdout);
  assert.deepEqual(
    json.feeds.filter((f: { name: string }) => f.name.endsWith('db-1')).map((f: { covered: unknown }) => f.covered),
    [null],
  );
});

test('a port is unused only where somebody looked all the time', async (t) => {
  const cwd = await workspaceFor(t);
  const rows = ['start,end,src,dst,src_port,dst_port,protocol,action,packets,bytes'];
  for (let hour = NOW - 60 * DAY; hour < NOW; hour += HOUR)
    rows.push(`${hour},${hour + 1},10.20.88.4,10.20.3.5,40000,22,tcp,deny,1,60`);
  writeFileSync(join(cwd, 'flows.csv'), `${rows.join('\n')}\n`);
  assert.equal((await quietdoor(['flows', 'import', '--as', 'csv', 'flows.csv'], { cwd })).code, 0);
  const { stdout } = await quietdoor(['check', '--format', 'json'], { cwd });
  const rules = JSON.parse(stdout).findings.map((f: { rule: string }) => f.rule);
  // It listens since a minute ago only.
  assert.ok(!rules.includes('unused-port'));
  assert.ok(rules.includes('unused-source'), rules.join(' '));
});

test('a workspace without flows says so, and loads nothing for them', async (t) => {
  const cwd = await workspaceFor(t);
  const { stdout } = await quietdoor(['explain', 'db-1:5432'], { cwd });
  assert.match(stdout, /not seen: .*flows/);
  assert.doesNotMatch(stdout, /TRAFFIC/);
  assert.ok(executable.endsWith('quietdoor.js'));
});

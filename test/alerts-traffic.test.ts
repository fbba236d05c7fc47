import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { sampleListener, sampleObservation } from '../src/store/sample.ts';
import { openStore } from '../src/store/store.ts';
import { quietdoor, temporaryFolder } from './run-quietdoor.ts';

const CONFIG = `name: flows
owners:
  team-orders: { email: orders@example.org }
zones:
  app: [10.20.4.0/24]
alerts:
  channels:
    - { name: file, kind: jsonl, path: alerts.jsonl }
`;
const REGISTER = `ports:
  - id: pg
    service: postgresql
    purpose: Orders database
    owner: team-orders
    hosts: [db-1]
    port: 5432
    bind: any
    sources: [zone:app]
    data: [phi]
`;
const HEADER = 'start,end,src,dst,src_port,dst_port,protocol,action,packets,bytes';
const flow = (at: number, source: string) => `${at},${at + 60},${source},10.20.3.5,40000,5432,6,accept,20,4000`;

test('a quiet port that pulses with traffic from somebody new is one alert, with the owner, within one run', async (t) => {
  const cwd = temporaryFolder(t);
  writeFileSync(join(cwd, 'quietdoor.yaml'), CONFIG);
  mkdirSync(join(cwd, 'register'));
  writeFileSync(join(cwd, 'register/pg.yaml'), REGISTER);
  {
    await using store = await openStore({ dir: join(cwd, '.quietdoor'), mode: 'write' });
    const seen = sampleObservation('db-1', Date.now(), [
      sampleListener('db-1', 5432, { address: '0.0.0.0', bind: 'any' }),
    ]);
    const host = { name: 'db-1', addresses: ['10.20.3.5'], tags: [] };
    await store.recordObservation({ ...seen, host }, Date.now());
  }
  const run = async (...args: string[]) => {
    const done = await quietdoor(args, { cwd });
    assert.equal(done.code, 0, `${args.join(' ')}: ${done.stderr}`);
    return done.stdout;
  };
  const now = Math.floor(Date.now() / 300_000) * 300;
  const days = Array.from({ length: 30 * 288 - 8 }, (_, n) => flow(now - 30 * 86_400 + n * 300, '10.20.4.11'));
  writeFileSync(join(cwd, 'usual.csv'), `${HEADER}\n${days.join('\n')}\n`);
  await run('flows', 'import', '--as', 'csv', 'usual.csv');
  await run('alerts', 'run');

  const pulse = Array.from({ length: 400 }, (_, n) => flow(now - 1_200 + n * 2, '10.20.77.9'));
  writeFileSync(join(cwd, 'pulse.csv'), `${HEADER}\n${pulse.join('\n')}\n`);
  await run('flows', 'import', '--as', 'csv', 'pulse.csv');
  const { raised, escalated, sent } = JSON.parse(await run('alerts', 'run', '-f', 'json'));
  assert.deepEqual([raised.length + escalated.length, sent], [1, 1]);

  const lines = readFileSync(join(cwd, 'alerts.jsonl'), 'utf8').trimEnd().split('\n');
  const { kind, incidents } = JSON.parse(lines.at(-1) ?? '');
  const [incident] = incidents;
  assert.deepEqual(
    [kind, incident.owner, incident.service, incident.severity, incident.endpoint.host],
    ['raised', 'team-orders', 'postgresql', 'critical', 'db-1'],
  );
  const kinds = incident.causes.map((cause: { kind: string }) => cause.kind);
  assert.ok(kinds.includes('unapproved-source') && kinds.includes('traffic-spike'), kinds.join(' '));
  assert.match(incident.title, /^10\.20\.77\.9 connected 400 times to port 5432\/tcp/);
});

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { randomOf } from '../bench/random.ts';
import { loadAnomalies } from '../src/app/flows-anomalies.ts';
import type { Anomaly } from '../src/model/anomaly.ts';
import type { FlowQuery } from '../src/store/flow-store.ts';
import { openFlowStore } from '../src/store/flows.ts';
import { openStore } from '../src/store/store.ts';
import { quietdoor } from './run-quietdoor.ts';

/** From a CSV of flows to what `flows anomalies` says of them, as a person runs it. */
const START = Date.UTC(2026, 8, 7) / 1_000; // a Monday
const BUCKET = 300;
const DAYS = 30;
const JUDGED = 28;
const NOON = (JUDGED * 24 + 12) * 12;
const STRANGER = '198.51.100.7';
const HEADER = 'start,end,src,dst,src_port,dst_port,protocol,action,packets,bytes';

/** Twelve ports: eight that are busy, two that are sparse, one of an office, and one that nobody uses. */
function csvOfFlows(): string {
  const random = randomOf(2);
  const lines = [HEADER];
  const add = (bucket: number, src: string, port: number, action = 'accept', bytes = 4_000) => {
    const start = START + bucket * BUCKET + random.whole(0, 290);
    lines.push(`${start},${start + 2},${src},10.0.0.5,${random.whole(32_768, 60_000)},${port},6,${action},10,${bytes}`);
  };
  for (let bucket = 0; bucket < DAYS * 288; bucket++) {
    const hour = Math.floor(bucket / 12) % 24;
    const isWork = Math.floor(bucket / 288) % 7 < 5 && hour >= 8 && hour < 18;
    for (let port = 8_000; port < 8_008; port++) {
      const isSilent = port === 8_003 && bucket >= NOON + 24 && bucket < NOON + 36;
      const factor = port === 8_001 && bucket >= NOON && bucket < NOON + 3 ? 5 : 1;
      const bytes = port === 8_002 && bucket === NOON + 40 ? 400_000 : 4_000;
      if (!isSilent)
        for (let n = random.poisson(8 * factor); n > 0; n--)
          add(bucket, `10.9.${port & 7}.${(n % 4) + 1}`, port, 'accept', bytes);
    }
    if (random.chance(0.02)) add(bucket, '10.9.1.1', 8_010);
    if (random.chance(0.02)) add(bucket, '10.9.2.1', 8_011);
    if (isWork) for (let n = random.poisson(6); n > 0; n--) add(bucket, '10.9.3.1', 8_012);
    if (bucket === NOON + 50) for (let n = 0; n < 40; n++) add(bucket, '10.9.4.1', 8_004, 'deny', 60);
    if (bucket === NOON + 60) for (let n = 0; n < 30; n++) add(bucket, '10.9.1.1', 8_010);
    if (bucket === NOON + 70) add(bucket, STRANGER, 8_005);
    if (bucket === NOON + 80) add(bucket, STRANGER, 8_013);
    if (bucket === NOON + 168) for (let n = 0; n < 5; n++) add(bucket, '10.9.3.1', 8_012);
  }
  return `${lines.join('\n')}\n`;
}

/** What was put in, and nothing else. */
const WANT = [
  'bytes-spike 10.0.0.5:8002',
  'denied-burst 10.0.0.5:8004',
  'dormant-port-active 10.0.0.5:8013',
  'first-seen-source 10.0.0.5:8005',
  'off-hours 10.0.0.5:8012',
  'traffic-spike 10.0.0.5:8001',
  'traffic-spike 10.0.0.5:8010',
  'unexpected-silence 10.0.0.5:8003',
];

describe('flows anomalies, from a CSV', () => {
  const dir = mkdtempSync(join(tmpdir(), 'quietdoor-anomalies-'));
  after(() => rmSync(dir, { recursive: true, force: true }));
  const at = ['-w', dir];
  const from = new Date((START + JUDGED * 86_400) * 1_000).toISOString();
  const to = new Date((START + DAYS * 86_400) * 1_000).toISOString();

  before(async () => {
    const made = await quietdoor(['init', dir]);
    assert.equal(made.code, 0, made.stderr);
    const file = join(dir, 'flows.csv');
    writeFileSync(file, csvOfFlows());
    const run = await quietdoor(['flows', 'import', file, '--as', 'csv', ...at]);
    assert.equal(run.code, 0, run.stderr);
  });

  const found = async (...args: string[]) => {
    const run = await quietdoor(['flows', ...args, ...at, '--format', 'json']);
    assert.equal(run.code, 0, run.stderr);
    const json = JSON.parse(run.stdout) as { schemaVersion: number; anomalies: Anomaly[] };
    assert.equal(json.schemaVersion, 1);
    return json.anomalies;
  };
  const named = (all: readonly Anomaly[]) => all.map((a) => `${a.kind} ${a.endpoint?.host}:${a.endpoint?.port}`).sort();

  test('what was put in is found, and not more', async () => {
    const anomalies = await found('anomalies', '--from', from, '--to', to);
    assert.deepEqual(named(anomalies), WANT);
    for (const a of anomalies) {
      assert.match(a.message, /; expected .+\. The odds of that are .+ Since 2026-10-0\d \d\d:\d\d:00 UTC, for /);
      assert.ok(a.contributing.length > 0 || a.kind === 'unexpected-silence', a.kind);
    }
    assert.equal(anomalies.find((a) => a.kind === 'first-seen-source')?.source, STRANGER);
  });

  test('a backtest says the same', async () => {
    assert.deepEqual(named(await found('backtest', '--from', from, '--to', to)), WANT);
    const { stdout } = await quietdoor(['flows', 'backtest', '--from', from, ...at]);
    assert.match(stdout, /^all +8 +4\.00 +\d/m);
  });

  test('one port, one kind', async () => {
    const one = await found('anomalies', '--from', from, '--endpoint', '10.0.0.5:8010/tcp');
    assert.deepEqual(named(one), ['traffic-spike 10.0.0.5:8010']);
    assert.deepEqual(named(await found('anomalies', '--from', from, '--kind', 'off-hours')), [
      'off-hours 10.0.0.5:8012',
    ]);
  });

  test('a narrower time tells the same cards, by the same names', async () => {
    const ids = (all: readonly Anomaly[]) => all.map((a) => a.id);
    const all = await found('anomalies', '--from', from, '--to', to);
    const noon = new Date((START + NOON * BUCKET) * 1_000).toISOString();
    for (const a of await found('anomalies', '--from', noon, '--to', to)) assert.ok(ids(all).includes(a.id), a.message);
  });

  test('what was found and learned is remembered: then the newest day alone is read, and says the same', async () => {
    const state = join(dir, '.quietdoor');
    await using store = await openStore({ dir: state, mode: 'write' });
    await using flows = await openFlowStore(state, store, 'read');
    const asked: number[] = [];
    const watched = new Proxy(flows, {
      get(target, name) {
        if (name === 'rows')
          return (query: FlowQuery) => {
            asked.push(query.from);
            return target.rows(query);
          };
        const value = Reflect.get(target, name, target) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    // Until half an hour after the silence began: a port without a row on the newest day's end is judged too.
    for (const until of [START + (NOON + 34) * BUCKET, START + (NOON + 100) * BUCKET]) {
      const time = { from: START + 27 * 86_400, until };
      const want = await loadAnomalies(flows, (a) => a, time);
      assert.deepEqual(await loadAnomalies(watched, (a) => a, { ...time, store }), want);
      asked.length = 0;
      assert.deepEqual(await loadAnomalies(watched, (a) => a, { ...time, store }), want);
      assert.ok(asked.length > 0 && asked.every((from) => from >= START + JUDGED * 86_400 - 4 * 3_600));
      assert.ok(want.anomalies.some((a) => a.kind === 'unexpected-silence'));
    }
  });

  test('what cannot be asked is said', async () => {
    const kind = await quietdoor(['flows', 'anomalies', '--kind', 'nothing', ...at]);
    assert.equal(kind.code, 2);
    const time = await quietdoor(['flows', 'anomalies', '--from', to, '--to', from, ...at]);
    assert.match(time.stderr, /--from must be before --to/);
  });
});

/**
 * The flow store by itself: rows a second that are appended (durably, as Parquet), read back sorted and added up, and
 * compacted, with the memory that it takes. The sums are compared with those of the rows that went in. Fails when an
 * answer is wrong, never because it is slow.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BUCKET_SECONDS, emptyBatch, type FlowBatch } from '../src/model/flow.ts';
import { openFlowStore } from '../src/store/flows.ts';
import { openStore } from '../src/store/store.ts';
import { printTable } from './measure.ts';

const ROWS = 6_000_000;
const DAYS = 28;
const PORTS = 1_000;
const START = 20_000 * 86_400;
const BUCKETS = (DAYS * 86_400) / BUCKET_SECONDS;
const BATCH = 16_384;

const dir = mkdtempSync(join(tmpdir(), 'quietdoor-bench-'));
const sums = { rows: 0, connections: 0, packets: 0, bytes: 0 };

/** Rows by time, as a roll-up gives them: a thousand ports with a few sources each in every bucket. */
function* batches(): Generator<FlowBatch> {
  const batch = emptyBatch(BATCH);
  let seed = 12_345;
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (let row = 0; row < ROWS; row++) {
    const i = batch.length++;
    const port = random(PORTS);
    batch.bucket[i] = START + Math.floor((row / ROWS) * BUCKETS) * BUCKET_SECONDS;
    batch.src.set([0x0a000000 + random(2_000), 0xffff], i * 4);
    batch.dst.set([0x0a010000 + (port >> 1), 0xffff], i * 4);
    batch.port[i] = 1_000 + port;
    batch.protocol[i] = 6;
    batch.action[i] = random(50) === 0 ? 2 : 1;
    batch.directed[i] = 1;
    batch.connections[i] = 1 + random(20);
    batch.packets[i] = 10 + random(2_000);
    batch.bytes[i] = 400 + random(2_000_000);
    sums.rows++;
    sums.connections += batch.connections[i] as number;
    sums.packets += batch.packets[i] as number;
    sums.bytes += batch.bytes[i] as number;
    if (batch.length === BATCH) {
      yield batch;
      batch.length = 0;
    }
  }
  if (batch.length > 0) yield batch;
}

const lines: string[][] = [];
async function measured<T>(what: string, rows: number, work: () => Promise<T>): Promise<T> {
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  const result = await work();
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  const rss = process.resourceUsage().maxRSS / 1024;
  lines.push([
    what,
    `${(ms / 1000).toFixed(2)} s`,
    `${(rows / ms / 1000).toFixed(2)} M/s`,
    `${((user + system) / 1e6).toFixed(2)} s`,
    `${rss.toFixed(0)} MB`,
  ]);
  return result;
}

try {
  await using store = await openStore({ dir, mode: 'write' });
  await using flows = await openFlowStore(dir, store, 'write');
  const all = { from: START, until: START + DAYS * 86_400 };
  await measured('make the rows alone', ROWS, async () => {
    for (const _ of batches());
  });
  Object.assign(sums, { rows: 0, connections: 0, packets: 0, bytes: 0 });
  await measured('append', ROWS, () =>
    flows.append({
      batches: batches(),
      feeds: [{ name: 'bench', format: 'bench' }],
      coverage: [],
      digest: 'bench',
      source: 'bench',
      recordedAt: 0,
    }),
  );
  assert.deepEqual(await measured('totals', ROWS, () => flows.totals(all)), sums);
  const read = async (): Promise<void> => {
    const seen = { connections: 0, packets: 0, bytes: 0 };
    for await (const batch of flows.rows(all))
      for (let i = 0; i < batch.length; i++) {
        seen.connections += batch.connections[i] as number;
        seen.packets += batch.packets[i] as number;
        seen.bytes += batch.bytes[i] as number;
      }
    const { rows: _, ...want } = sums;
    assert.deepEqual(seen, want);
  };
  await measured('rows, sorted', ROWS, read);
  await measured('compact', ROWS, () => flows.compact((START + DAYS * 86_400) * 1000));
  await measured('rows, compacted', ROWS, read);
  printTable(['', 'time', 'rows', 'CPU', 'peak RSS'], lines);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

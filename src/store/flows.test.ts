import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ACTION, emptyBatch, type FlowBatch } from '../model/flow.ts';
import { putWords, textOfWords } from '../model/flow-address.ts';
import type { FlowPart, FlowQuery, FlowStore } from './flow-store.ts';
import { openFlowStore } from './flows.ts';
import { openStore, type Store } from './store.ts';

const DAY = 86_400;
const START = 20_000 * DAY;
const ALL: FlowQuery = { from: 0, until: 2 ** 32 };

interface Row {
  readonly bucket: number;
  readonly src: string;
  readonly dst: string;
  readonly port: number;
  readonly connections?: number;
  readonly packets?: number;
  readonly bytes?: number;
  readonly action?: number;
  readonly directed?: number;
  readonly feed?: number;
}

function batchOf(rows: readonly Row[]): FlowBatch {
  const batch = emptyBatch(Math.max(rows.length, 1));
  batch.length = rows.length;
  for (const [i, row] of rows.entries()) {
    batch.bucket[i] = row.bucket;
    assert.ok(putWords(batch.src, i, row.src) && putWords(batch.dst, i, row.dst));
    batch.port[i] = row.port;
    batch.protocol[i] = 6;
    batch.action[i] = row.action ?? ACTION.accepted;
    batch.directed[i] = row.directed ?? 1;
    batch.connections[i] = row.connections ?? 1;
    batch.packets[i] = row.packets ?? 10;
    batch.bytes[i] = row.bytes ?? 1000;
    batch.feed[i] = row.feed ?? 0;
  }
  return batch;
}

let made = 0;
function partOf(rows: readonly Row[], more: Partial<FlowPart> = {}): FlowPart {
  return {
    batches: [batchOf(rows)],
    feeds: [{ name: 'import:a', format: 'csv' }],
    coverage: [],
    digest: `digest-${++made}`,
    source: 'a.csv',
    recordedAt: 1,
    ...more,
  };
}

async function rowsOf(flows: FlowStore, query: FlowQuery = ALL): Promise<string[]> {
  const found: string[] = [];
  for await (const b of flows.rows(query))
    for (let i = 0; i < b.length; i++)
      found.push(
        `${b.bucket[i]} ${textOfWords(b.src, i)} > ${textOfWords(b.dst, i)}:${b.port[i]} ${b.connections[i]} ${b.packets[i]} ${b.bytes[i]} f${b.feed[i]}`,
      );
  return found;
}

async function inState(use: (place: { dir: string; store: Store; flows: FlowStore }) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'quietdoor-flows-'));
  try {
    await using store = await openStore({ dir, mode: 'write' });
    await using flows = await openFlowStore(dir, store, 'write');
    await use({ dir, store, flows });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

test('gives back what was appended, sorted, rows of several parts added up', async () => {
  await inState(async ({ dir, store, flows }) => {
    const first = { bucket: START, src: '10.0.0.9', dst: '10.0.0.1', port: 443 };
    const ipv6 = { bucket: START + 300, src: 'fd00::1', dst: '2001:db8::ffff:1', port: 22 };
    const late = { bucket: START - 300, src: '10.0.0.8', dst: '10.0.0.1', port: 443 };
    const rows = [ipv6, { ...first, port: 80 }, first];
    assert.deepEqual(await flows.append(partOf(rows)), { isNew: true, rows: 3 });
    assert.deepEqual(await flows.append(partOf([late, { ...first, connections: 4, bytes: 2 ** 52 }])), {
      isNew: true,
      rows: 2,
    });
    const want = [
      `${START} 10.0.0.9 > 10.0.0.1:80 1 10 1000 f1`,
      `${START - 300} 10.0.0.8 > 10.0.0.1:443 1 10 1000 f1`,
      `${START} 10.0.0.9 > 10.0.0.1:443 5 20 ${2 ** 52 + 1000} f1`,
      `${START + 300} fd00::1 > 2001:db8::ffff:1:22 1 10 1000 f1`,
    ];
    assert.deepEqual(await rowsOf(flows), want);
    await using other = await openFlowStore(dir, store, 'read');
    assert.deepEqual(await rowsOf(other), want);
    assert.deepEqual(await flows.totals(ALL), { rows: 5, connections: 8, packets: 50, bytes: 2 ** 52 + 4000 });
    assert.deepEqual(await flows.span(), { from: START - 300, until: START + 600 });
  });
});

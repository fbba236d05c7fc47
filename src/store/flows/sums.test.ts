import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { emptyBatch, type FlowBatch } from '../../model/flow.ts';
import { putWords } from '../../model/flow-address.ts';
import { openFlowStore } from '../flows.ts';
import { openStore } from '../store.ts';

interface Row {
  readonly bucket: number;
  readonly src: string;
  readonly dst: string;
  readonly port: number;
  readonly action: number;
  readonly directed: number;
  readonly connections: number;
}
const START = 20_000 * 86_400;
const rows = fc.array(
  fc.record({
    bucket: fc.integer({ min: 0, max: 60 }).map((n) => START + n * 300),
    src: fc.constantFrom('10.0.0.1', '10.0.0.2', 'fd00::1'),
    dst: fc.constantFrom('10.1.0.1', '2001:db8::1'),
    port: fc.constantFrom(22, 443),
    action: fc.constantFrom(0, 1, 2),
    directed: fc.constantFrom(0, 1),
    connections: fc.integer({ min: 0, max: 1_000 }),
  }),
  { maxLength: 60 },
);

function batchOf(list: readonly Row[]): FlowBatch {
  const batch = emptyBatch(Math.max(1, list.length));
  batch.length = list.length;
  for (const [i, row] of list.entries()) {
    batch.bucket[i] = row.bucket;
    putWords(batch.src, i, row.src);
    putWords(batch.dst, i, row.dst);
    batch.port[i] = row.port;
    batch.protocol[i] = 6;
    batch.action[i] = row.action;
    batch.directed[i] = row.directed;
    batch.connections[i] = row.connections;
    batch.bytes[i] = row.connections * 100;
  }
  return batch;
}

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

const sum = (list: readonly Row[]): number => list.reduce((n, row) => n + row.connections, 0);

test('sums by source and by slot are those of adding up by hand', async () => {
  await fc.assert(
    fc.asyncProperty(rows, rows, fc.integer({ min: 0, max: 70 }), async (first, second, since) => {
      const dir = mkdtempSync(join(tmpdir(), 'quietdoor-sums-'));
      try {
        await using store = await openStore({ dir, mode: 'write' });
        await using flows = await openFlowStore(dir, store, 'write');
        for (const [i, list] of [first, second].entries()) {
          const part = { feeds: [{ name: 'a', format: 'csv' }], coverage: [], source: 'a', recordedAt: 1 };
          await flows.append({ ...part, batches: [batchOf(list)], digest: String(i) });
        }
        const from = START + since * 300;
        const query = { from: 0, until: 2 ** 32 };
        const all = [...first, ...second];
        const directed = all.filter((row) => row.directed === 1);
        const expected = [...Map.groupBy(directed, (row) => `${row.dst} ${row.port} ${row.src}`)].map(([key, list]) => {
          const recent = list.filter((row) => row.bucket >= from);
          const accepted = list.filter((row) => row.action !== 2).map((row) => row.bucket);
          return [
            key,
            sum(recent.filter((row) => row.action !== 2)),
            sum(recent.filter((row) => row.action === 1)),
            sum(recent.filter((row) => row.action === 2)),
            sum(recent) * 100,
            Math.min(...list.map((row) => row.bucket)),
            Math.max(...list.map((row) => row.bucket)),
            accepted.length === 0 ? null : Math.max(...accepted),
          ];
        });
        const found = (await collect(flows.sources(query, from))).map((one) => [
          `${one.destination} ${one.port} ${one.source}`,
          ...[one.connections, one.accepted, one.denied, one.bytes, one.first, one.last, one.lastAccepted],
        ]);
        assert.deepEqual(found.sort(), expected.sort());
        const slots = [
          ...Map.groupBy(all, (row) => `${row.dst} ${row.port} ${Math.floor(row.bucket / 3_600) * 3_600}`),
        ].map(([key, list]) => {
          const known = list.filter((row) => row.directed === 1);
          return [
            key,
            sum(known.filter((row) => row.action !== 2)),
            sum(known.filter((row) => row.action === 2)),
            sum(list.filter((row) => row.directed === 0)),
          ];
        });
        const foundSlots = (await collect(flows.slots(query, 3_600))).map((one) => [
          `${one.destination} ${one.port} ${one.slot}`,
          ...[one.connections, one.denied, one.undirected],
        ]);
        assert.deepEqual(foundSlots.sort(), slots.sort());
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    }),
    { numRuns: 15 },
  );
});

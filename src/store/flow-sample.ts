import assert from 'node:assert/strict';
import { ACTION, emptyBatch, type FlowBatch } from '../model/flow.ts';
import { putWords, textOfWords } from '../model/flow-address.ts';
import type { FlowPart, FlowQuery, FlowStore } from './flow-store.ts';

export const DAY = 86_400;
export const START = 20_000 * DAY;
export const ALL: FlowQuery = { from: 0, until: 2 ** 32 };

/** A row as a test writes it; what is left out has a default. */
export interface SampleRow {
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

export function batchOf(rows: readonly SampleRow[]): FlowBatch {
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
export function partOf(rows: readonly SampleRow[], more: Partial<FlowPart> = {}): FlowPart {
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

export async function rowsOf(flows: FlowStore, query: FlowQuery = ALL): Promise<string[]> {
  const found: string[] = [];
  for await (const b of flows.rows(query))
    for (let i = 0; i < b.length; i++)
      found.push(
        `${b.bucket[i]} ${textOfWords(b.src, i)} > ${textOfWords(b.dst, i)}:${b.port[i]} ${b.connections[i]} ${b.packets[i]} ${b.bytes[i]} f${b.feed[i]}`,
      );
  return found;
}

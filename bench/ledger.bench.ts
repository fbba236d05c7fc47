/**
 * The ledger beside raw node:sqlite in one run. Appends: batches of 1,000 durable rows, raw; beside them as many callers
 * that append one record each, committed together; and the same with the records put into the Merkle tree and signed.
 * Verification: records, columns, tree and signatures with one and two threads. Medians. Fails when an answer is wrong,
 * never because it is slow.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Context } from '../src/app/context.ts';
import { makeCheckpoint, openSequencer, type Sequencer } from '../src/app/ledger-checkpoint.ts';
import { verifyLedger } from '../src/app/ledger-verify.ts';
import { eventRecord } from '../src/model/event-record.ts';
import { MIGRATIONS } from '../src/store/migrations/index.ts';
import { sampleEvent } from '../test/ledger-sample.ts';
import { median, printTable } from './measure.ts';

const BATCH = 1_000;
const PER_ROUND = 20_000;
const ROUNDS = 7;
const RECORDS = 1_000_000;
const dir = mkdtempSync(join(tmpdir(), 'quietdoor-bench-'));
const state = join(dir, 'ours');
const context: Context = { workspace: dir, state, now: Date.now, actor: 'user:bench', env: {}, settings: [] };

interface Cost {
  readonly ms: number;
  /** Of all threads: what the machine's other work does not change. */
  readonly cpuMs: number;
}

async function timed(work: () => Promise<unknown> | unknown): Promise<Cost> {
  const [started, cpu] = [performance.now(), process.cpuUsage()];
  await work();
  const { user, system } = process.cpuUsage(cpu);
  return { ms: performance.now() - started, cpuMs: (user + system) / 1000 };
}

const wall = (costs: readonly Cost[]): number => median(costs.map(({ ms }) => ms));
const cpu = (costs: readonly Cost[]): number => median(costs.map(({ cpuMs }) => cpuMs));

/** A store of its own for each way, so that all have as many rows. */
function storeFor(name: string): Promise<Sequencer> {
  return openSequencer({ ...context, state: join(dir, name) });
}

async function compareAppends(): Promise<void> {
  await using batched = await storeFor('batches');
  await using grouped = await storeFor('groups');
  await using signed = await storeFor('signed');
  const db = new DatabaseSync(join(dir, 'raw.db'));
  db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -16384');
  for (const statement of MIGRATIONS.flat()) db.exec(statement);
  const insert = db.prepare('insert into events values (?, ?, ?, ?, ?, ?, ?)');
  const raw: Cost[] = [];
  const batches: Cost[] = [];
  const groups: Cost[] = [];
  const trees: Cost[] = [];
  const inBatches = async (from: number, append: (at: number) => Promise<unknown>): Promise<void> => {
    for (let i = 0; i < PER_ROUND; i += BATCH) await append(from + i);
  };
  let rows = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const drafts = Array.from({ length: PER_ROUND }, (_, i) => sampleEvent(i));
    const ready = drafts.map((draft, i) => {
      const event = { ...draft, sequence: rows + i + 1, recordedAt: 1 };
      return { ...event, record: eventRecord(event) };
    });
    rows += PER_ROUND;
    raw.push(
      await timed(() => {
        for (let i = 0; i < PER_ROUND; i += BATCH) {
          db.exec('begin immediate');
          for (const r of ready.slice(i, i + BATCH))
            insert.run(r.sequence, r.observedAt, r.recordedAt, r.type, r.actor, r.subject, r.record);
          db.exec('commit');
        }
      }),
    );
    batches.push(await timed(() => inBatches(0, (at) => batched.store.appendEvents(drafts.slice(at, at + BATCH), 1))));
    groups.push(
      await timed(() =>
        inBatches(0, (at) =>
          Promise.all(drafts.slice(at, at + BATCH).map((draft) => grouped.store.appendEvents([draft], 1))),
        ),
      ),
    );
    trees.push(
      await timed(async () => {
        await inBatches(0, (at) => signed.store.appendEvents(drafts.slice(at, at + BATCH), 1));
        await makeCheckpoint(context, signed);
      }),
    );
  }
  db.close();
  const rate = (ms: number) => Math.round((PER_ROUND / ms) * 1000).toLocaleString('en');
  const row = (name: string, times: readonly Cost[]) => [
    name,
    rate(wall(times)),
    (wall(raw) / wall(times)).toFixed(2),
    (cpu(raw) / cpu(times)).toFixed(2),
  ];
  printTable(
    [`${PER_ROUND} durable records, ${BATCH} a commit`, 'records/s', ': raw', 'by CPU time'],
    [
      row('raw node:sqlite, texts ready', raw),
      row('batches', batches),
      row('single records of 1,000 callers at once', groups),
      row('batches, then into the tree and signed', trees),
    ],
  );
}

async function measureVerify(sequencer: Sequencer): Promise<void> {
  const { store, reader } = sequencer;
  for (let n = reader.head().newest; n < RECORDS; n += PER_ROUND)
    await store.appendEvents(
      Array.from({ length: PER_ROUND }, (_, i) => sampleEvent(n + i)),
      1,
    );
  const checkpoint = await makeCheckpoint(context, sequencer);
  const rows: string[][] = [];
  for (const workers of [0, 1, 2]) {
    const times: Cost[] = [];
    for (let round = 0; round < 5; round++)
      times.push(
        await timed(async () => {
          const { problems, last } = await verifyLedger({ state, workers, witnessed: [checkpoint] });
          assert.deepEqual([problems, last], [[], checkpoint.size]);
        }),
      );
    const ms = wall(times);
    const each = ((cpu(times) * 1000) / checkpoint.size).toFixed(2);
    rows.push([
      `${workers} threads`,
      ms.toFixed(0),
      Math.round((checkpoint.size / ms) * 1000).toLocaleString('en'),
      each,
    ]);
  }
  printTable([`verify ${checkpoint.size.toLocaleString('en')} records`, 'ms', 'records/s', 'CPU us a record'], rows);
}

try {
  await compareAppends();
  console.log();
  await using sequencer = await openSequencer(context);
  await measureVerify(sequencer);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

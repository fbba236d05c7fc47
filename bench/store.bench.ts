/**
 * The store beside raw node:sqlite in one run: durable batches of ledger records into the same table with the same
 * indexes (raw is handed ready texts, ours makes the canonical ones), look-ups among a million records, and the state
 * of 100,000 listeners. Medians. Fails when an answer is wrong, never because it is slow.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { EventDraft } from '../src/model/event.ts';
import { compareListeners } from '../src/model/listener.ts';
import { MIGRATIONS } from '../src/store/migrations/index.ts';
import { sampleListener, sampleObservation } from '../src/store/sample.ts';
import { openStore, type Store } from '../src/store/store.ts';
import { canonicalJson } from '../src/util/canonical-json.ts';
import { median, printTable } from './measure.ts';

const BATCH = 1_000;
const PER_ROUND = 20_000;
const ROUNDS = 7;
const EVENTS = 1_000_000;
const ENDPOINTS = 5_000;
const START = 1_790_000_000_000;
const dir = mkdtempSync(join(tmpdir(), 'quietdoor-bench-'));

function draftAt(n: number): EventDraft {
  const { host, scope, transport, port, address } = sampleListener('db-1', n % ENDPOINTS);
  return {
    type: n % 2 === 0 ? 'listener.opened' : 'listener.closed',
    observedAt: START + n,
    actor: 'collector:local',
    subject: `${host}:${port}/${transport}`,
    body: { address, endpoint: { host, port, scope, transport }, lastSeen: START + n, openSince: START },
  };
}

async function timed<T>(work: () => Promise<T> | T): Promise<[ms: number, result: T]> {
  const started = performance.now();
  const result = await work();
  return [performance.now() - started, result];
}

async function medianOf<T>(rounds: number, work: () => Promise<T> | T): Promise<[ms: number, last: T]> {
  let [ms, last] = await timed(work);
  const times = [ms];
  for (let round = 1; round < rounds; round++) {
    [ms, last] = await timed(work);
    times.push(ms);
  }
  return [median(times), last];
}

/** Durable inserts into the ledger, by turns: raw, then ours. */
async function compareInserts(store: Store): Promise<void> {
  const db = new DatabaseSync(join(dir, 'raw.db'));
  db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma cache_size = -16384');
  for (const statement of MIGRATIONS.flat()) db.exec(statement);
  const insert = db.prepare('insert into events values (?, ?, ?, ?, ?, ?, ?)');
  const [raw, ours]: [number[], number[]] = [[], []];
  for (let round = 0; round < ROUNDS; round++) {
    const drafts = Array.from({ length: PER_ROUND }, (_, i) => draftAt(round * PER_ROUND + i));
    const rows = drafts.map((draft, i) => {
      const event = { ...draft, sequence: round * PER_ROUND + i + 1, recordedAt: START };
      return { ...event, record: canonicalJson(event) };
    });
    const [rawMs] = await timed(() => {
      for (let i = 0; i < PER_ROUND; i += BATCH) {
        db.exec('begin immediate');
        for (const r of rows.slice(i, i + BATCH)) {
          insert.run(r.sequence, r.observedAt, r.recordedAt, r.type, r.actor, r.subject, r.record);
        }
        db.exec('commit');
      }
    });
    const [ourMs] = await timed(async () => {
      for (let i = 0; i < PER_ROUND; i += BATCH) await store.appendEvents(drafts.slice(i, i + BATCH), START);
    });
    raw.push(rawMs);
    ours.push(ourMs);
  }
  const lastRaw = db.prepare('select record from events order by sequence desc limit 1').get();
  const [last] = await store.events({ limit: 1 });
  assert.ok(last);
  assert.equal(lastRaw?.record, canonicalJson({ ...last }), 'both wrote the same bytes');
  db.close();
  const rate = (ms: number) => Math.round((PER_ROUND / ms) * 1000).toLocaleString('en');
  const [a, b] = [median(raw), median(ours)];
  const title = `${PER_ROUND} records in batches of ${BATCH}, durable`;
  printTable(
    [title, 'raw /s', 'ours /s', 'ours : raw'],
    [[`median of ${ROUNDS}`, rate(a), rate(b), (a / b).toFixed(2)]],
  );
}

async function measureLookups(store: Store): Promise<void> {
  const { events } = await store.stats();
  for (let n = events; n < EVENTS; n += PER_ROUND) {
    await store.appendEvents(
      Array.from({ length: PER_ROUND }, (_, i) => draftAt(n + i)),
      START,
    );
  }
  const queries: Record<string, Parameters<Store['events']>[0]> = {
    'a subject, all 200': { subject: 'db-1:443/tcp', limit: 1_000 },
    'a subject, newest 20': { subject: 'db-1:443/tcp', limit: 20 },
    'a whole host, newest 100': { subjectPrefix: 'db-1:', limit: 100 },
    'two types, newest 100': { types: ['listener.opened', 'listener.closed'], limit: 100 },
    'a type that never was': { types: ['entry.approved'], limit: 100 },
    'an old minute, newest 100': { since: START + 1_000, until: START + 61_000, limit: 100 },
    'the newest 100': { limit: 100 },
  };
  const rows: string[][] = [];
  for (const [name, query] of Object.entries(queries)) {
    const [ms, found] = await medianOf(ROUNDS, () => store.events(query));
    rows.push([name, ms.toFixed(1), String(found.length)]);
  }
  printTable([`among ${EVENTS.toLocaleString('en')} records`, 'ms', 'records'], rows);
}

async function measureState(count: number): Promise<string[]> {
  await using store = await openStore({ dir: join(dir, `state-${count}`), mode: 'write' });
  const listeners = Array.from({ length: count }, (_, n) => sampleListener('db-1', n));
  const [firstMs, events] = await timed(() => store.recordObservation(sampleObservation('db-1', 1, listeners), START));
  assert.equal(events.length, count + 2);
  let at = 2;
  const [againMs, same] = await medianOf(ROUNDS, () =>
    store.recordObservation(sampleObservation('db-1', at++, structuredClone(listeners)), START),
  );
  assert.equal(same.length, 1);
  const [cloneMs] = await medianOf(ROUNDS, () => structuredClone(listeners));
  const [loadMs, states] = await medianOf(ROUNDS, () => store.listenerStates());
  assert.deepEqual(states.at(-1)?.listener, listeners.toSorted(compareListeners).at(-1));
  return [String(count), firstMs.toFixed(0), (againMs - cloneMs).toFixed(0), loadMs.toFixed(0)];
}

try {
  await using store = await openStore({ dir: join(dir, 'ours'), mode: 'write' });
  await compareInserts(store);
  console.log();
  await measureLookups(store);
  console.log();
  const rows = [await measureState(5_000), await measureState(100_000)];
  printTable(['listeners', 'first look, ms', 'look without change, ms', 'load, ms'], rows);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

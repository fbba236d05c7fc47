import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../model/errors.ts';
import { emptyBatch, type FeedCoverage, type FlowBatch } from '../model/flow.ts';
import { DEFAULT_FLOW_RETENTION, type FlowRetention } from '../model/flow-retention.ts';
import type { FlowTop, TopKey, TopMeasure } from '../model/flow-top.ts';
import { type DuckDBConnection, type DuckDb, openDuckDb } from '../util/duckdb.ts';
import type { FlowManifestStore, StoredFeed, StoredPart } from './flow-manifest.ts';
import type {
  Appended,
  DamagedPart,
  FlowPart,
  FlowQuery,
  FlowStore,
  FlowTotals,
  SlotSum,
  SourceSum,
} from './flow-store.ts';
import { RowAdder } from './flows/chunks.ts';
import { KEYS, READ_OUT } from './flows/columns.ts';
import { mergeParts } from './flows/compact.ts';
import { planCompaction } from './flows/compaction-plan.ts';
import { mergedCoverage } from './flows/coverage.ts';
import { explainFlowError } from './flows/errors.ts';
import { COMPACTING, cleanUp, filesIn, flowFolder, makeFlowFolder, spillFolder, WRITING } from './flows/folder.ts';
import { PartChecker } from './flows/part-checker.ts';
import { PartWriter } from './flows/part-writer.ts';
import { inWindow, isPartFor, tableOf, type Window, whereOf, windowsQuery } from './flows/query.ts';
import { readSlots, readSources, slotsQuery, sourcesQuery } from './flows/sums.ts';
import { topRows } from './flows/top.ts';
import { shareRunLock, takeRunLock } from './run-lock.ts';
import type { Store } from './store.ts';

export interface FlowStoreOptions {
  /** Memory of the database, MB; default 192. What does not fit goes to disk. */
  readonly memoryMb?: number;
  /** Rows of a part at most, and rows that are sorted at once; for tests. */
  readonly partRows?: number;
  readonly windowRows?: number;
  /** How long what is kept; default DEFAULT_FLOW_RETENTION. */
  readonly retention?: FlowRetention;
  /** Who compacts, for the ledger: `user:alice`. */
  readonly actor?: string;
  /** Longest wait for who cleans up; default 10 s. */
  readonly lockTimeoutMs?: number;
}

/** What a compaction did. */
export interface Compacted {
  /** Parts that were merged, and what they became. */
  readonly merged: number;
  readonly into: number;
  /** What was past its time and was removed. UTC seconds; null: nothing was. */
  readonly expired: { readonly rows: number; readonly from: number; readonly until: number } | null;
  readonly damaged: readonly DamagedPart[];
}

/** The flow store with all that it can do. */
export interface KeptFlows extends FlowStore {
  feeds(): Promise<readonly StoredFeed[]>;
  damaged(): Promise<readonly DamagedPart[]>;
  compact(now: number): Promise<Compacted>;
  /** Rows added up by some of their fields, the largest first. */
  top(query: FlowQuery, by: TopKey, measure: TopMeasure, limit: number): Promise<FlowTop>;
  /** Parts that count, by time. */
  parts(): Promise<readonly StoredPart[]>;
  /** Names in the folder that are none of this program's. */
  foreign(): readonly string[];
}

const MEMORY_MB = 192;
const APPEND_MEMORY_MB = 128;
const LOCK_TIMEOUT_MS = 10_000;
/** Rows of the batches that are handed out. */
const BATCH = 8_192;
/** Rows that are sorted at once: some 35 MB. */
const WINDOW = 512 * 1024;

/**
 * Opens the flows beside a store. `write` removes what a broken off writer left. DuckDB is loaded with the first rows,
 * not before. Throws UserError where the folder cannot be used.
 */
export async function openFlowStore(
  dir: string,
  store: Store,
  mode: 'read' | 'write',
  options: FlowStoreOptions = {},
): Promise<KeptFlows> {
  try {
    if (mode === 'write') {
      makeFlowFolder(dir);
      await cleanUp(dir, store.flows, Date.now());
    }
    return new ParquetFlowStore(dir, store.flows, mode, options);
  } catch (error) {
    throw explainFlowError(error, flowFolder(dir));
  }
}

class ParquetFlowStore implements KeptFlows {
  readonly #dir: string;
  readonly #folder: string;
  readonly #manifest: FlowManifestStore;
  readonly #mode: 'read' | 'write';
  readonly #options: FlowStoreOptions;
  readonly #checker: PartChecker;
  #duck: Promise<DuckDb> | undefined;
  #appender: Promise<DuckDb> | undefined;
  readonly #spills: string[] = [];
  #appending: Promise<unknown> = Promise.resolve();

  constructor(dir: string, manifest: FlowManifestStore, mode: 'read' | 'write', options: FlowStoreOptions) {
    this.#dir = dir;
    this.#folder = flowFolder(dir);
    this.#manifest = manifest;
    this.#mode = mode;
    this.#options = options;
    this.#checker = new PartChecker(this.#folder, manifest);
  }

  append(part: FlowPart): Promise<Appended> {
    if (this.#mode === 'read') return Promise.reject(new Error('the flow store was opened for reading'));
    // One after the other: they share the tables that rows wait in.
    const appended = this.#appending.then(() => this.#explained(() => this.#append(part)));
    this.#appending = appended.catch(() => {});
    return appended;
  }

  async *rows(query: FlowQuery): AsyncGenerator<FlowBatch> {
    const parts = await this.#soundParts(query);
    if (parts.length === 0) return;
    const batch = emptyBatch(BATCH);
    const adder = new RowAdder(batch);
    const [table, where] = [tableOf(this.#folder, parts), whereOf(query)];
    const connection = await this.#connect();
    try {
      for (const window of await this.#windows(connection, table, where, parts)) {
        const result = await this.#explained(() =>
          connection.stream(`SELECT ${READ_OUT} FROM ${table} WHERE ${where} AND ${window} ORDER BY ${KEYS}`),
        );
        for (;;) {
          const chunk = await this.#explained(() => result.fetchChunk());
          if (!chunk || chunk.rowCount === 0) break;
          for (let at = 0; ; ) {
            at = adder.take(chunk, at);
            if (at >= chunk.rowCount) break;
            yield batch;
            batch.length = 0;
          }
        }
      }
      if (batch.length > 0) yield batch;
    } finally {
      connection.closeSync();
    }
  }

  async totals(query: FlowQuery): Promise<FlowTotals> {
    const parts = await this.#soundParts(query);
    if (parts.length === 0) return { rows: 0, connections: 0, packets: 0, bytes: 0 };
    const connection = await this.#connect();
    try {
      const [row] = (
        await this.#explained(() =>
          connection.runAndReadAll(`SELECT count(*)::DOUBLE, coalesce(sum(connections), 0)::DOUBLE,
            coalesce(sum(packets), 0)::DOUBLE, coalesce(sum(bytes), 0)::DOUBLE
            FROM ${tableOf(this.#folder, parts)} WHERE ${whereOf(query)}`),
        )
      ).getRows() as [number, number, number, number][];
      const [rows, connections, packets, bytes] = row ?? [0, 0, 0, 0];
      return { rows, connections, packets, bytes };
    } finally {
      connection.closeSync();
    }
  }

  sources(query: FlowQuery, since: number): AsyncIterable<SourceSum> {
    return this.#sums(query, (table, where) => sourcesQuery(table, where, since), readSources);
  }

  slots(query: FlowQuery, seconds: number): AsyncIterable<SlotSum> {
    return this.#sums(query, (table, where) => slotsQuery(table, where, seconds), readSlots);
  }

  async *#sums<T>(
    query: FlowQuery,
    ask: (table: string, where: string) => string,
    read: (connection: DuckDBConnection, query: string) => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    const parts = await this.#soundParts(query);
    if (parts.length === 0) return;
    const connection = await this.#connect();
    try {
      yield* read(connection, ask(tableOf(this.#folder, parts), whereOf(query)));
    } catch (error) {
      throw explainFlowError(error, this.#folder);
    } finally {
      connection.closeSync();
    }
  }

  async top(query: FlowQuery, by: TopKey, measure: TopMeasure, limit: number): Promise<FlowTop> {
    const told = { by, measure, from: query.from, until: query.until };
    const parts = await this.#soundParts(query);
    if (parts.length === 0) return { ...told, count: 0, rows: [] };
    const feeds = new Map((await this.feeds()).map(({ id, name }) => [id, name]));
    const connection = await this.#connect();
    try {
      const [table, where] = [tableOf(this.#folder, parts), whereOf(query)];
      const found = await this.#explained(() => topRows(connection, table, where, by, measure, limit, feeds));
      return { ...told, ...found };
    } finally {
      connection.closeSync();
    }
  }

  parts(): Promise<readonly StoredPart[]> {
    return this.#manifest.parts();
  }

  foreign(): readonly string[] {
    return existsSync(this.#folder) ? filesIn(this.#folder).foreign : [];
  }

  async coverage(from: number, until: number): Promise<readonly FeedCoverage[]> {
    const damaged = await this.damaged();
    const all = await this.#manifest.coverage(from, until);
    if (damaged.length === 0) return mergedCoverage(all, from, until);
    const names = new Map((await this.feeds()).map(({ id, name }) => [id, name]));
    const lost = damaged.flatMap(({ part }) =>
      part.feeds.map((id): FeedCoverage => {
        return { feed: names.get(id) ?? String(id), from: part.from, until: part.until, kind: 'gap', lost: null };
      }),
    );
    return mergedCoverage([...all, ...lost], from, until);
  }

  feedAddresses(): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
    return this.#manifest.addresses();
  }

  feeds(): Promise<readonly StoredFeed[]> {
    return this.#manifest.feeds();
  }

  async damaged(): Promise<readonly DamagedPart[]> {
    const { damaged } = await this.#checker.check();
    return damaged;
  }

  async span(): Promise<{ readonly from: number; readonly until: number } | null> {
    const parts = await this.#manifest.parts();
    if (parts.length === 0) return null;
    const from = parts.reduce((first, part) => Math.min(first, part.from), Number.POSITIVE_INFINITY);
    return { from, until: parts.reduce((last, part) => Math.max(last, part.until), 0) };
  }

  async compact(now: number): Promise<Compacted> {
    if (this.#mode === 'read') throw new Error('the flow store was opened for reading');
    const whole = takeRunLock(this.#dir, COMPACTING);
    if (!whole)
      throw new UserError(`the flows in ${this.#folder} are being compacted by another process`, {
        hint: 'Wait until it is done; there is nothing else to do.',
      });
    try {
      const share = await shareRunLock(this.#dir, WRITING, this.#options.lockTimeoutMs ?? LOCK_TIMEOUT_MS);
      try {
        return await this.#explained(() => this.#compact(now));
      } finally {
        share.release();
        await cleanUp(this.#dir, this.#manifest, now);
      }
    } finally {
      whole.release();
    }
  }

  async close(): Promise<void> {
    await this.#appending;
    const opened = [this.#duck, this.#appender];
    this.#duck = undefined;
    this.#appender = undefined;
    for (const duck of opened) (await duck?.catch(() => undefined))?.close();
    for (const spill of this.#spills) rmSync(spill, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #append(part: FlowPart): Promise<Appended> {
    if (await this.#manifest.hasInput(part.digest)) return { isNew: false, rows: 0 };
    const lock = await shareRunLock(this.#dir, WRITING, this.#options.lockTimeoutMs ?? LOCK_TIMEOUT_MS);
    try {
      let ids = await this.#manifest.addFeeds(part.feeds);
      const writer = new PartWriter(this.#folder, () => this.#openToAppend(), this.#options.partRows);
      try {
        for await (const batch of part.batches) {
          // A stream names its feeds as it meets them.
          if (part.feeds.length > ids.length) ids = await this.#manifest.addFeeds(part.feeds);
          await writer.add(batch, ids);
        }
        await this.#manifest.addFeeds(part.feeds);
        const named = new Set(part.feeds.map(({ name }) => name));
        const unknown = [...new Set(part.coverage.map(({ feed }) => feed))].filter((feed) => !named.has(feed));
        if (unknown.length > 0)
          await this.#manifest.addFeeds(unknown.map((name) => ({ name, format: part.feeds[0]?.format ?? 'unknown' })));
        await writer.finish();
        const isNew = await this.#manifest.addInput({ ...part, ...writer, rows: writer.rows });
        if (!isNew) await writer.discard();
        return { isNew, rows: isNew ? writer.rows : 0 };
      } catch (error) {
        await writer.discard();
        throw error;
      } finally {
        writer.close();
      }
    } finally {
      lock.release();
    }
  }

  async #compact(now: number): Promise<Compacted> {
    const { sound, damaged } = await this.#checker.check();
    const parts = [...sound, ...damaged.map(({ part }) => part)];
    const retention = this.#options.retention ?? DEFAULT_FLOW_RETENTION;
    const broken = new Set(damaged.map(({ part }) => part.file));
    const nowS = Math.floor(now / 1000);
    const plan = planCompaction(parts, broken, retention, nowS);
    const expired = await this.#expire(plan.expired, now);
    let [merged, into] = [0, 0];
    if (plan.merges.length > 0) {
      const connection = await this.#connect();
      try {
        for (const merge of plan.merges)
          if (await mergeParts(connection, this.#folder, this.#manifest, merge, now)) {
            merged += merge.parts.length;
            into++;
          }
      } finally {
        connection.closeSync();
      }
    }
    await this.#manifest.forgetBefore(nowS - retention.dayDays * 86_400);
    return { merged, into, expired, damaged };
  }

  async #expire(parts: readonly StoredPart[], now: number): Promise<Compacted['expired']> {
    if (parts.length === 0) return null;
    const span = {
      rows: parts.reduce((sum, part) => sum + part.rows, 0),
      from: parts.reduce((first, part) => Math.min(first, part.from), Number.POSITIVE_INFINITY),
      until: parts.reduce((last, part) => Math.max(last, part.until), 0),
    };
    const retired = parts.map(({ file }) => file);
    const actor = this.#options.actor ?? 'collector:flows';
    const body = { ...span, parts: parts.length };
    const event = { type: 'flows.expired', observedAt: now, actor, subject: 'flows', body } as const;
    return (await this.#manifest.exchange({ retired, added: [], event, at: now })) ? span : null;
  }

  /** Conditions, one after the other, so that what is sorted at once fits into memory. */
  async #windows(
    connection: DuckDBConnection,
    table: string,
    where: string,
    parts: readonly StoredPart[],
  ): Promise<readonly string[]> {
    const rows = this.#options.windowRows ?? WINDOW;
    if (parts.reduce((sum, part) => sum + part.rows, 0) <= rows) return ['true'];
    const windows = await this.#explained(() => connection.runAndReadAll(windowsQuery(table, where, rows)));
    return (windows.getRows() as unknown as Window[]).map(inWindow);
  }

  async #soundParts(query: FlowQuery): Promise<readonly StoredPart[]> {
    return (await this.#checker.check((part) => isPartFor(part, query))).sound;
  }

  async #connect(): Promise<DuckDBConnection> {
    return this.#explained(async () => (await this.#open()).connect());
  }

  /** A database of its own for appending: while rows come in the caller has work of its own to do. */
  #openToAppend(): Promise<DuckDb> {
    this.#appender ??= this.#openDuck(APPEND_MEMORY_MB, Math.max(1, Math.min(availableParallelism() - 1, 2)));
    return this.#appender;
  }

  #open(): Promise<DuckDb> {
    this.#duck ??= this.#openDuck(this.#options.memoryMb ?? MEMORY_MB, Math.min(availableParallelism(), 4));
    return this.#duck;
  }

  async #openDuck(memoryMb: number, threads: number): Promise<DuckDb> {
    const spill = this.#spillFolder();
    this.#spills.push(spill);
    return openDuckDb({ folders: [this.#folder], spill, memoryMb, threads });
  }

  #spillFolder(): string {
    // A reader may not be allowed to write in the store.
    return this.#mode === 'write' ? spillFolder(this.#folder) : mkdtempSync(join(tmpdir(), 'quietdoor-'));
  }

  async #explained<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw explainFlowError(error, this.#folder);
    }
  }
}

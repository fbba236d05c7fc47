import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { UserError } from '../model/errors.ts';
import { emptyBatch, type FeedCoverage, type FlowBatch } from '../model/flow.ts';
import { type DuckDBConnection, type DuckDb, openDuckDb } from '../util/duckdb.ts';
import type { FlowManifestStore, StoredFeed, StoredPart } from './flow-manifest.ts';
import type { Appended, DamagedPart, FlowPart, FlowQuery, FlowStore, FlowTotals } from './flow-store.ts';
import { RowAdder } from './flows/chunks.ts';
import { KEYS, READ_OUT } from './flows/columns.ts';
import { mergedCoverage } from './flows/coverage.ts';
import { explainFlowError } from './flows/errors.ts';
import { cleanUp, flowFolder, makeFlowFolder, spillFolder, WRITING } from './flows/folder.ts';
import { PartChecker } from './flows/part-checker.ts';
import { PartWriter } from './flows/part-writer.ts';
import { isPartFor, tableOf, whereOf } from './flows/query.ts';
import { shareRunLock } from './run-lock.ts';
import type { Store } from './store.ts';

export interface FlowStoreOptions {
  /** Memory of the database, MB; default 192. What does not fit goes to disk. */
  readonly memoryMb?: number;
  /** Longest wait for who cleans up; default 10 s. */
  readonly lockTimeoutMs?: number;
}

const MEMORY_MB = 192;
const LOCK_TIMEOUT_MS = 10_000;
/** Rows of the batches that are handed out. */
const BATCH = 8_192;

/**
 * Opens the flows beside a store. `write` removes what a broken off writer left. DuckDB is loaded with the first rows,
 * not before. Throws UserError where the folder cannot be used.
 */
export async function openFlowStore(
  dir: string,
  store: Store,
  mode: 'read' | 'write',
  options: FlowStoreOptions = {},
): Promise<FlowStore> {
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

class ParquetFlowStore implements FlowStore {
  readonly #dir: string;
  readonly #folder: string;
  readonly #manifest: FlowManifestStore;
  readonly #mode: 'read' | 'write';
  readonly #options: FlowStoreOptions;
  readonly #checker: PartChecker;
  #duck: Promise<DuckDb> | undefined;
  #spill: string | undefined;
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
    const batch = emptyBatch(BATCH);
    const adder = new RowAdder(batch);
    const parts = await this.#soundParts(query);
    if (parts.length === 0) return;
    const connection = await this.#connect();
    try {
      const result = await this.#explained(() =>
        connection.stream(
          `SELECT ${READ_OUT} FROM ${tableOf(this.#folder, parts)} WHERE ${whereOf(query)} ORDER BY ${KEYS}`,
        ),
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

  async compact(_now: number): Promise<void> {
    throw new UserError('compaction is not there yet');
  }

  async close(): Promise<void> {
    await this.#appending;
    const duck = this.#duck;
    this.#duck = undefined;
    (await duck?.catch(() => undefined))?.close();
    if (this.#spill !== undefined) rmSync(this.#spill, { recursive: true, force: true });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #append(part: FlowPart): Promise<Appended> {
    if (await this.#manifest.hasInput(part.digest)) return { isNew: false, rows: 0 };
    const lock = await shareRunLock(this.#dir, WRITING, this.#options.lockTimeoutMs ?? LOCK_TIMEOUT_MS);
    try {
      const ids = await this.#manifest.addFeeds(part.feeds);
      const covered = [...new Set(part.coverage.map(({ feed }) => feed))];
      const unknown = covered.filter((feed) => !part.feeds.some(({ name }) => name === feed));
      if (unknown.length > 0)
        await this.#manifest.addFeeds(unknown.map((name) => ({ name, format: part.feeds[0]?.format ?? 'unknown' })));
      const writer = new PartWriter(this.#folder, () => this.#open());
      try {
        for await (const batch of part.batches) await writer.add(batch, ids);
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

  async #soundParts(query: FlowQuery): Promise<readonly StoredPart[]> {
    return (await this.#checker.check((part) => isPartFor(part, query))).sound;
  }

  async #connect(): Promise<DuckDBConnection> {
    return this.#explained(async () => (await this.#open()).connect());
  }

  #open(): Promise<DuckDb> {
    this.#duck ??= this.#openDuck();
    return this.#duck;
  }

  async #openDuck(): Promise<DuckDb> {
    // A reader may not be allowed to write in the store.
    const spill =
      this.#mode === 'write' ? spillFolder(this.#folder) : join(mkdtempSync(join(tmpdir(), 'quietdoor-')), 'spill');
    this.#spill = this.#mode === 'write' ? spill : join(spill, '..');
    return openDuckDb({
      folders: [this.#folder],
      spill,
      memoryMb: this.#options.memoryMb ?? MEMORY_MB,
      threads: 2,
    });
  }

  async #explained<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw explainFlowError(error, this.#folder);
    }
  }
}

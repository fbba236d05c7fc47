import { rmSync } from 'node:fs';
import type { FlowBatch } from '../../model/flow.ts';
import { textOfHalves } from '../../model/flow-address.ts';
import { type DuckDBAppender, type DuckDBConnection, type DuckDb, sqlText } from '../../util/duckdb.ts';
import { type FeedAddress, MOST_FEED_ADDRESSES, type StoredPart } from '../flow-manifest.ts';
import { ChunkWriter } from './chunks.ts';
import { FILL_COLUMNS, KEPT, WRITTEN } from './columns.ts';
import { keepStaged, removeFiles, stagedFile, TIERS } from './folder.ts';

/** Rows that wait in memory before they are written: 17 MB. Twice that while one table is filled and one written. */
const ROWS = 256 * 1024;
/** Rows of a group in a file: a query for one port reads the groups that have it. A multiple of 2,048. */
const GROUP_ROWS = 30_720;

/**
 * Addresses that are noted of one input. Sources are noted only because they may be a destination of others: whoever makes
 * up sources must not fill the memory, nor take the room of destinations.
 */
const MOST_NOTED = { 1: MOST_FEED_ADDRESSES, 2: 3 * MOST_FEED_ADDRESSES } as const;

interface Table {
  readonly name: string;
  readonly connection: DuckDBConnection;
  appender: DuckDBAppender | null;
  rows: number;
}

/** Writes rows as parts, one per day and half a million rows, while the next rows come in. */
export class PartWriter {
  readonly parts: StoredPart[] = [];
  readonly addresses: FeedAddress[] = [];
  rows = 0;
  readonly #folder: string;
  readonly #open: () => Promise<DuckDb>;
  readonly #most: number;
  #chunks: ChunkWriter | undefined;
  #tables: Table[] = [];
  #writing: Promise<void> = Promise.resolve();
  readonly #noted = { 1: 0, 2: 0 };

  /** `open`: gives the database; not asked for one where there are no rows. */
  constructor(folder: string, open: () => Promise<DuckDb>, most = ROWS) {
    this.#folder = folder;
    this.#most = most;
    this.#open = open;
  }

  /** Takes the rows of a batch. `feeds`: numbers in the store by those of the batch. */
  async add(batch: FlowBatch, feeds: readonly number[]): Promise<void> {
    for (let at = 0; at < batch.length; ) {
      const [table, chunks] = await this.#ready();
      const to = Math.min(batch.length, at + this.#most - table.rows);
      chunks.append(table.appender, batch, at, to, feeds);
      table.rows += to - at;
      this.rows += to - at;
      at = to;
      if (table.rows === this.#most) await this.#turn();
    }
  }

  /** Writes the rest. Then all parts are on disk, and none counts yet. */
  async finish(): Promise<void> {
    if ((this.#tables[0]?.rows ?? 0) > 0) await this.#turn();
    await this.#writing;
  }

  /** Removes what was written. */
  async discard(): Promise<void> {
    await this.#writing.catch(() => {});
    removeFiles(
      this.#folder,
      this.parts.map(({ file }) => file),
    );
  }

  /** Frees what the rows waited in. */
  close(): void {
    for (const { connection } of this.#tables.splice(0)) connection.closeSync();
  }

  async #ready(): Promise<[table: Table & { appender: DuckDBAppender }, chunks: ChunkWriter]> {
    if (this.#tables.length === 0) {
      const duck = await this.#open();
      this.#chunks = new ChunkWriter(duck);
      for (const name of ['incoming_a', 'incoming_b']) {
        const connection = await duck.connect();
        this.#tables.push({ name, connection, appender: null, rows: 0 });
        await connection.run(`CREATE OR REPLACE TABLE ${name} (${FILL_COLUMNS.map((c) => c.join(' ')).join(', ')})`);
      }
      await this.#tables[0]?.connection.run(
        'CREATE OR REPLACE TABLE known (feed USMALLINT, hi UBIGINT, lo UBIGINT, role UTINYINT)',
      );
    }
    const [table] = this.#tables as [Table];
    const appender = table.appender ?? (await table.connection.createAppender(table.name));
    table.appender = appender;
    return [table as Table & { appender: DuckDBAppender }, this.#chunks as ChunkWriter];
  }

  async #turn(): Promise<void> {
    const full = this.#tables.shift() as Table;
    this.#tables.push(full);
    full.appender?.closeSync();
    full.appender = null;
    await this.#writing;
    this.#writing = this.#write(full);
    // Whoever waits for it next is told of its error.
    this.#writing.catch(() => {});
  }

  async #write(table: Table): Promise<void> {
    const { connection, name } = table;
    const days = await connection.runAndReadAll(
      `SELECT min(bucket) AS first, max(bucket) AS last, string_agg(DISTINCT feed::VARCHAR, ',') AS feeds
       FROM ${name} GROUP BY bucket // 86400 ORDER BY first`,
    );
    for (const [first, last, feeds] of days.getRows() as [number, number, string][]) {
      const until = last + TIERS.fiveMinutes;
      const where = `bucket BETWEEN ${first} AND ${last}`;
      const query = `SELECT ${WRITTEN} FROM ${name} WHERE ${where} ORDER BY ${KEPT}`;
      const span = { tier: TIERS.fiveMinutes, from: first, until };
      this.parts.push(await writePart(connection, this.#folder, query, { ...span, feeds: numbers(feeds) }));
    }
    await this.#takeAddresses(table);
    await connection.run(`TRUNCATE ${name}`);
    table.rows = 0;
  }

  /** Notes the addresses that were not noted yet, up to a bound. */
  async #takeAddresses({ connection, name }: Table): Promise<void> {
    for (const [role, end] of [
      [2, 'dst'],
      [1, 'src'],
    ] as const) {
      const room = MOST_NOTED[role] - this.#noted[role];
      if (room <= 0) continue;
      const found = await connection.runAndReadAll(
        `INSERT INTO known SELECT feed, hi, lo, role FROM (
           SELECT DISTINCT feed, ${end}_hi AS hi, ${end}_lo AS lo, ${role}::UTINYINT AS role FROM ${name}
         ) ANTI JOIN known USING (feed, hi, lo, role) LIMIT ${room} RETURNING *`,
      );
      const rows = found.getRows() as [number, bigint, bigint, number][];
      this.#noted[role] += rows.length;
      for (const [feed, high, low] of rows) this.addresses.push({ feed, address: textOfHalves(high, low), role });
    }
  }
}

/** Writes what a query gives as a part. It does not count before it is in the manifest. */
export async function writePart(
  connection: DuckDBConnection,
  folder: string,
  query: string,
  span: Pick<StoredPart, 'tier' | 'from' | 'until' | 'feeds'>,
): Promise<StoredPart> {
  const staged = stagedFile(folder);
  try {
    const { rowsChanged: rows } = await connection.run(
      `COPY (${query}) TO ${sqlText(staged)} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${GROUP_ROWS})`,
    );
    return { ...span, rows, ...(await keepStaged(folder, staged, span.tier, span.from)) };
  } catch (error) {
    rmSync(staged, { force: true });
    throw error;
  }
}

/** `3,1` → [1, 3]. */
export function numbers(list: string): number[] {
  return list
    .split(',')
    .map(Number)
    .sort((a, b) => a - b);
}

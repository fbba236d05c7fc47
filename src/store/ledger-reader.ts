import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { StoredCheckpoint, StoredTile } from './ledger-store.ts';
import { schemaOf } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { notUpgraded, openToRead } from './open-to-read.ts';
import { explainError } from './sqlite-errors.ts';
import { prepareFile, storeFile } from './sqlite-file.ts';
import { retryWhileBusy } from './sqlite-lock.ts';

/** Where the ledger stands. */
export interface LedgerHead {
  /** Name of the ledger; null until it has a key. */
  readonly origin: string | null;
  /** Records in the tree. */
  readonly size: number;
  /** Records that only an archive has. */
  readonly archived: number;
  /** Sequence of the newest record; 0 where there is none. */
  readonly newest: number;
  /** Sequence of the oldest record in the table; null where there is none. */
  readonly oldest: number | null;
}

/** sequence, observed_at, recorded_at, type, actor, subject, record. */
export type LedgerRow = [number, number, number, string, string, string, string];

/** Reads the ledger; each has a connection of its own, so that threads can read side by side. */
export interface LedgerReader extends Disposable {
  head(): LedgerHead;
  /** Rows with a sequence from `from` to `to`, both included, in order. */
  rows(from: number, to: number): LedgerRow[];
  /** Tiles of a level with numbers from `from` to `to`, both included. */
  tiles(level: number, from: number, to: number): StoredTile[];
  /** Checkpoints, the smallest first. */
  checkpoints(): StoredCheckpoint[];
  /** Records about the ledger itself: of the events with these types, also of those archived. */
  keptRecords(types: readonly string[]): { readonly sequence: number; readonly record: string }[];
  /** Newest sequence such that it and all before it were recorded before a time; `archived` where there is none. */
  lastBefore(time: number): number;
}

/** Opens the ledger of a store for reading. Throws UserError where that cannot be done. Loads no query layer. */
export async function openLedgerReader(dir: string, lockTimeoutMs = 10_000): Promise<LedgerReader> {
  const file = storeFile(dir);
  let db: DatabaseSync | undefined;
  try {
    prepareFile({ dir, mode: 'read' });
    const opened = openToRead(file);
    db = opened;
    const schema = await retryWhileBusy(lockTimeoutMs, () => schemaOf(opened, file, MIGRATIONS.length));
    if (schema < MIGRATIONS.length) throw notUpgraded(file, schema, MIGRATIONS.length);
    return new SqliteLedgerReader(opened, file);
  } catch (error) {
    if (db?.isOpen) db.close();
    throw explainError(error, file, lockTimeoutMs);
  }
}

class SqliteLedgerReader implements LedgerReader {
  readonly #db: DatabaseSync;
  readonly #file: string;
  readonly #rows: StatementSync;

  constructor(db: DatabaseSync, file: string) {
    this.#db = db;
    this.#file = file;
    this.#rows = db.prepare(
      `select sequence, observed_at, recorded_at, type, actor, subject, record from events
       where sequence between ? and ? order by sequence`,
    );
    this.#rows.setReturnArrays(true);
  }

  head(): LedgerHead {
    const row = this.#explained(() =>
      this.#db
        .prepare(
          `select (select origin from ledger_tree) as origin, coalesce((select size from ledger_tree), 0) as size,
            coalesce((select archived from ledger_tree), 0) as archived,
            coalesce((select max(sequence) from events), 0) as newest,
            (select min(sequence) from events) as oldest`,
        )
        .get(),
    );
    return { ...row } as unknown as LedgerHead;
  }
  rows(from: number, to: number): LedgerRow[] {
    return this.#explained(() => this.#rows.all(from, to)) as unknown as LedgerRow[];
  }
  tiles(level: number, from: number, to: number): StoredTile[] {
    const rows = this.#explained(() =>
      this.#db
        .prepare('select number, hashes from ledger_tiles where level = ? and number between ? and ? order by number')
        .all(level, from, to),
    );
    return rows.map((row) => {
      const { number, hashes } = row as { number: number; hashes: Uint8Array };
      return { level, number, hashes: Buffer.from(hashes.buffer, hashes.byteOffset, hashes.length).toString('latin1') };
    });
  }
  checkpoints(): StoredCheckpoint[] {
    const rows = this.#explained(() =>
      this.#db.prepare('select size, signed_at as signedAt, note from ledger_checkpoints order by size').all(),
    );
    return rows.map((row) => ({ ...row }) as unknown as StoredCheckpoint);
  }
  keptRecords(types: readonly string[]): { readonly sequence: number; readonly record: string }[] {
    const marks = types.map(() => '?').join(', ');
    const rows = this.#explained(() =>
      this.#db
        .prepare(
          `select sequence, record from events where type in (${marks}) union
           select sequence, record from ledger_kept where json_extract(record, '$.type') in (${marks}) order by sequence`,
        )
        .all(...types, ...types),
    );
    return rows.map((row) => ({ ...row }) as unknown as { sequence: number; record: string });
  }
  lastBefore(time: number): number {
    const row = this.#explained(() =>
      this.#db
        .prepare(
          `select coalesce((select min(sequence) from events where recorded_at >= ?),
            (select max(sequence) from events) + 1, 1) - 1 as last`,
        )
        .get(time),
    ) as { last: number };
    return row.last;
  }
  [Symbol.dispose](): void {
    if (this.#db.isOpen) this.#db.close();
  }

  #explained<T>(read: () => T): T {
    try {
      return read();
    } catch (error) {
      throw explainError(error, this.#file);
    }
  }
}

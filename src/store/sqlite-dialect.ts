import type { DatabaseSync, SQLInputValue, SQLOutputValue, StatementSync } from 'node:sqlite';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type Kysely,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
  type TransactionSettings,
} from 'kysely';
import { retryWhileBusy } from './sqlite-lock.ts';

/** Prepared statements kept; the store has some forty texts, batches of odd sizes included. */
const MAX_STATEMENTS = 200;

/**
 * Kysely on node:sqlite. Kysely's own dialect does not fit: it expects better-sqlite3's `reader` flag. Integers come as
 * numbers; node:sqlite throws on one beyond 2^53, which is what we want.
 */
export class NodeSqliteDialect implements Dialect {
  readonly #db: DatabaseSync;
  readonly #lockTimeoutMs: number;

  /** `lockTimeoutMs`: longest wait for another process that holds the write lock. */
  constructor(db: DatabaseSync, lockTimeoutMs: number) {
    this.#db = db;
    this.#lockTimeoutMs = lockTimeoutMs;
  }
  createAdapter(): SqliteAdapter {
    return new SqliteAdapter();
  }
  createDriver(): Driver {
    return new NodeSqliteDriver(this.#db, this.#lockTimeoutMs);
  }
  createIntrospector(db: Kysely<unknown>): SqliteIntrospector {
    return new SqliteIntrospector(db);
  }
  createQueryCompiler(): SqliteQueryCompiler {
    return new SqliteQueryCompiler();
  }
}

/** One connection, handed out to one user at a time. */
class NodeSqliteDriver implements Driver {
  readonly #db: DatabaseSync;
  readonly #lockTimeoutMs: number;
  readonly #connection: NodeSqliteConnection;
  #tail: Promise<void> = Promise.resolve();
  #release: () => void = () => {};

  constructor(db: DatabaseSync, lockTimeoutMs: number) {
    this.#db = db;
    this.#lockTimeoutMs = lockTimeoutMs;
    this.#connection = new NodeSqliteConnection(db);
  }
  async init(): Promise<void> {}
  async acquireConnection(): Promise<DatabaseConnection> {
    const before = this.#tail;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#tail = promise;
    await before;
    this.#release = resolve;
    return this.#connection;
  }
  async releaseConnection(): Promise<void> {
    this.#release();
  }
  /**
   * `BEGIN IMMEDIATE`, because a deferred transaction that comes to write fails at once when another has written since
   * (SQLITE_BUSY_SNAPSHOT), whatever the timeout.
   */
  async beginTransaction(_: DatabaseConnection, settings: TransactionSettings): Promise<void> {
    if (settings.accessMode === 'read only') return this.#db.exec('begin');
    await retryWhileBusy(this.#lockTimeoutMs, () => this.#db.exec('begin immediate'));
  }
  async commitTransaction(): Promise<void> {
    this.#db.exec('commit');
  }
  async rollbackTransaction(): Promise<void> {
    // A full disk rolls back by itself; a second rollback would hide the reason behind its own error.
    if (this.#db.isTransaction) this.#db.exec('rollback');
  }
  async destroy(): Promise<void> {
    if (this.#db.isOpen) this.#db.close();
  }
}

class NodeSqliteConnection implements DatabaseConnection {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, Prepared>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }
  async executeQuery<R>({ sql, parameters }: CompiledQuery): Promise<QueryResult<R>> {
    const { statement, columns } = this.#prepare(sql);
    const values = parameters as SQLInputValue[];
    // Asking for its columns is right for RETURNING and raw SQL too, where the kind of query is not.
    if (columns.length > 0) {
      return {
        rows: (statement.all(...values) as unknown as SQLOutputValue[][]).map((row) => toObject<R>(columns, row)),
      };
    }
    const { changes } = statement.run(...values);
    return { numAffectedRows: BigInt(changes), rows: [] };
  }
  // biome-ignore lint/correctness/useYield: a generator by the interface of Kysely
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('streams are not used on the embedded store');
  }
  #prepare(sql: string): Prepared {
    let prepared = this.#statements.get(sql);
    if (!prepared) {
      if (this.#statements.size >= MAX_STATEMENTS) this.#statements.clear();
      const statement = this.#db.prepare(sql);
      statement.setReturnArrays(true);
      prepared = { statement, columns: statement.columns().map((column) => column.name) };
      this.#statements.set(sql, prepared);
    }
    return prepared;
  }
}

interface Prepared {
  readonly statement: StatementSync;
  /** Names; empty for a statement that gives no rows. */
  readonly columns: readonly string[];
}

/** node:sqlite's own objects are in dictionary mode: twice as slow to make and to read (measured on 100,000 rows). */
function toObject<R>(columns: readonly string[], values: readonly SQLOutputValue[]): R {
  const row: Record<string, SQLOutputValue | undefined> = {};
  for (let i = 0; i < columns.length; i++) row[columns[i] as string] = values[i];
  return row as R;
}

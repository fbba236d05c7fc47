import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isBusy } from './sqlite-errors.ts';
import { makeFileBeside } from './sqlite-file.ts';
import { retryWhileBusy } from './sqlite-lock.ts';

/** Keeps others from doing the same at the same time, until it is released or its process ends. */
export interface RunLock {
  release(): void;
}

/**
 * Takes the lock of a name in the directory of a store; null where another process (or this one) has it. The lock is
 * SQLite's own on an empty database: the kernel takes it back from a process that dies, so none is ever stale. `name`:
 * letters, digits, `.`, `_`, `@` and `-`.
 */
export function takeRunLock(dir: string, name: string): RunLock | null {
  const file = join(dir, `run-${name}.lock`);
  makeFileBeside(file, dir);
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    db.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    db.close();
    if (isBusy(error)) return null;
    throw error;
  }
  return {
    release() {
      db.exec('ROLLBACK');
      db.close();
    },
  };
}

/**
 * Takes a share of the lock of a name, beside the shares of others: while one is held, takeRunLock gives null. Throws
 * SQLite's error where somebody holds the whole lock for longer than `timeoutMs`.
 */
export async function shareRunLock(dir: string, name: string, timeoutMs: number): Promise<RunLock> {
  const file = join(dir, `run-${name}.lock`);
  makeFileBeside(file, dir);
  const db = new DatabaseSync(file, { timeout: 0 });
  try {
    await retryWhileBusy(timeoutMs, () => {
      if (!db.isTransaction) db.exec('BEGIN');
      // The first read takes the share; it is kept until the transaction ends.
      db.prepare('select count(*) from sqlite_schema').get();
    });
  } catch (error) {
    db.close();
    throw error;
  }
  return {
    release() {
      db.exec('ROLLBACK');
      db.close();
    },
  };
}

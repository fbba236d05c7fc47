import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { isBusy } from './sqlite-errors.ts';
import { makeFileBeside } from './sqlite-file.ts';

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

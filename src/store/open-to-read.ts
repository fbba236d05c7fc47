import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { pathToFileURL } from 'node:url';
import { UserError } from '../model/errors.ts';

/** SQLite's own wait, which stops the event loop: only for the short locks of recovery and checkpoints. */
export const BUSY_TIMEOUT_MS = 200;

/** Opens without writing. Where not even the shared memory file can be made (read-only mount), nobody writes either. */
export function openToRead(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { readOnly: true, timeout: BUSY_TIMEOUT_MS });
  try {
    db.prepare('select count(*) from sqlite_schema').get();
    return db;
  } catch (error) {
    db.close();
    if ((statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) throw error;
    const url = pathToFileURL(file);
    url.searchParams.set('immutable', '1');
    return new DatabaseSync(url, { readOnly: true });
  }
}

/** A store that must be upgraded before it can be read. */
export function notUpgraded(file: string, schema: number, newest: number): UserError {
  if (schema === 0) {
    return new UserError(`the store ${file} is empty`, {
      hint: 'Nothing was recorded yet. Begin with: quietdoor scan',
    });
  }
  return new UserError(
    `the store ${file} was written by an older quietdoor (schema ${schema}, this one reads ${newest})`,
    {
      hint: 'A command that records, such as quietdoor scan, upgrades it (a backup is kept beside it).',
    },
  );
}

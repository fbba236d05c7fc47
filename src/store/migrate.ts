import { chmodSync, chownSync, renameSync, rmSync, statSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { UserError } from '../model/errors.ts';
import { foreign } from './sqlite-errors.ts';
import { retryWhileBusy } from './sqlite-lock.ts';

/** `QDor`, in the file's header (sqlite.org/pragma.html#pragma_application_id): tells our files from others'. */
const APPLICATION_ID = 0x51446f72;

/** Statements per migration; the schema of a store is how many migrations it has seen. */
export type Migrations = readonly (readonly string[])[];

/**
 * Returns the schema number of an open database: 0 if it is still empty. Throws UserError if it is not ours, or newer
 * than this program.
 */
export function schemaOf(db: DatabaseSync, file: string, newest: number): number {
  const id = pragma(db, 'application_id');
  const schema = pragma(db, 'user_version');
  if (id !== APPLICATION_ID) {
    const tables = (db.prepare('select count(*) as n from sqlite_schema').get() as { n: number }).n;
    if (id === 0 && schema === 0 && tables === 0) return 0;
    throw foreign(
      file,
      `it is an SQLite database of another program (application id ${id}, ${tables} tables and indexes)`,
    );
  }
  if (schema > newest) {
    throw new UserError(
      `the store ${file} was written by a newer quietdoor (schema ${schema}, this one knows ${newest})`,
      {
        hint: 'It was left as it is. Update quietdoor, or choose another directory with --state or QUIETDOOR_STATE.',
      },
    );
  }
  return schema;
}

/**
 * Brings a database to the newest schema, forward only. An existing store is copied first, to `FILE.schema-N.backup`
 * beside it. Safe when two processes do it at once.
 */
export async function migrate(
  db: DatabaseSync,
  file: string,
  migrations: Migrations,
  lockTimeoutMs: number,
): Promise<void> {
  const schema = schemaOf(db, file, migrations.length);
  if (schema === migrations.length) return;
  if (schema > 0) await retryWhileBusy(lockTimeoutMs, () => backUp(db, file, `${file}.schema-${schema}.backup`));
  await retryWhileBusy(lockTimeoutMs, () => db.exec('begin immediate'));
  try {
    // Another process may have done it while this one waited.
    const now = schemaOf(db, file, migrations.length);
    for (const statements of migrations.slice(now)) for (const statement of statements) db.exec(statement);
    db.exec(`pragma application_id = ${APPLICATION_ID}`);
    db.exec(`pragma user_version = ${migrations.length}`);
    db.exec('commit');
  } catch (error) {
    if (db.isTransaction) db.exec('rollback');
    throw error;
  }
}

/** Writes a compact copy under another name and renames it, so that the name never stands for half a copy. */
function backUp(db: DatabaseSync, file: string, target: string): void {
  const part = `${target}.${process.pid}`;
  rmSync(part, { force: true });
  try {
    db.prepare('vacuum into ?').run(part);
    chmodSync(part, 0o600);
    const { uid, gid } = statSync(file);
    if (process.getuid?.() === 0) chownSync(part, uid, gid);
    renameSync(part, target);
  } finally {
    rmSync(part, { force: true });
  }
}

function pragma(db: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return (db.prepare(`pragma ${name}`).get() as Record<string, number>)[name] ?? 0;
}

import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { MIGRATIONS } from './migrations/index.ts';
import { sampleListener, sampleObservation } from './sample.ts';
import { openSqliteStore } from './sqlite.ts';

const NEXT = [...MIGRATIONS, ['alter table cache add column note text', 'create table notes (text text) strict']];
const BROKEN = [...MIGRATIONS, ['create table notes (text text) strict', 'create table notes (text text) strict']];
const BACKUP = `quietdoor.db.schema-${MIGRATIONS.length}.backup`;

async function withOldStore(use: (dir: string, file: string) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'quietdoor-migrate-'));
  try {
    await using store = await openSqliteStore({ dir, mode: 'write' });
    await store.recordObservation(sampleObservation('db-1', 1000, [sampleListener('db-1', 22)]), 1000);
    await store.close();
    await use(dir, join(dir, 'quietdoor.db'));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

function schemaOfFile(file: string): unknown {
  const db = new DatabaseSync(file, { readOnly: true });
  const schema = db.prepare('pragma user_version').get()?.user_version;
  db.close();
  return schema;
}

/** Backups, whole or not. (Read-only connections leave empty -wal and -shm files.) */
function backupsIn(dir: string): string[] {
  return readdirSync(dir).filter((name) => name.includes('backup'));
}

test('an older store is copied, then upgraded, with all that was in it', () =>
  withOldStore(async (dir, file) => {
    await assert.rejects(openSqliteStore({ dir, mode: 'read' }, NEXT), /written by an older quietdoor/);
    const both = await Promise.all([1, 2].map(() => openSqliteStore({ dir, mode: 'write' }, NEXT)));
    for (const store of both) {
      assert.equal((await store.listenerStates()).length, 1);
      assert.equal((await store.stats()).schema, NEXT.length);
      await store.close();
    }
    assert.equal(schemaOfFile(join(dir, BACKUP)), MIGRATIONS.length);
    assert.equal(statSync(join(dir, BACKUP)).mode & 0o777, 0o600);
    assert.equal(schemaOfFile(file), NEXT.length);
    assert.deepEqual(backupsIn(dir), [BACKUP]);
    await assert.rejects(openSqliteStore({ dir, mode: 'write' }), /written by a newer quietdoor/);
  }));

test('a migration that fails changes nothing', () =>
  withOldStore(async (dir, file) => {
    await assert.rejects(openSqliteStore({ dir, mode: 'write' }, BROKEN), /already exists/);
    assert.equal(schemaOfFile(file), MIGRATIONS.length);
    await using store = await openSqliteStore({ dir, mode: 'write' });
    assert.equal((await store.listenerStates()).length, 1);
  }));

test('opening a store of the present schema makes no backup', () =>
  withOldStore(async (dir) => {
    await (await openSqliteStore({ dir, mode: 'write' })).close();
    assert.deepEqual(backupsIn(dir), []);
  }));

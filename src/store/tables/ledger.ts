import { sql } from 'kysely';
import type { EventDraft } from '../../model/event.ts';
import type { Database } from '../database.ts';
import type { StoredCheckpoint, StoredTile } from '../ledger-store.ts';
import { insertEvents } from './events.ts';

/** At most one row: none until the ledger has a key. */
export interface LedgerTreeTable {
  id: number;
  origin: string;
  /** Records in the tree. */
  size: number;
  /** Records that only an archive has, from the first on. */
  archived: number;
}

export interface LedgerTileTable {
  level: number;
  number: number;
  hashes: Uint8Array;
}

export interface LedgerCheckpointTable {
  size: number;
  signed_at: number;
  note: string;
}

export interface LedgerKeptTable {
  sequence: number;
  record: string;
}

/** Records removed in one transaction: others wait for the lock meanwhile. */
const FORGET_ROWS = 10_000;

export async function beginLedger(
  db: Database,
  origin: string,
  event: EventDraft,
  recordedAt: number,
): Promise<boolean> {
  if (await db.selectFrom('ledger_tree').select('id').executeTakeFirst()) return false;
  await db.insertInto('ledger_tree').values({ id: 1, origin, size: 0, archived: 0 }).execute();
  await insertEvents(db, [event], recordedAt);
  return true;
}

export async function growLedger(
  db: Database,
  from: number,
  size: number,
  tiles: readonly StoredTile[],
): Promise<boolean> {
  const tree = await db.selectFrom('ledger_tree').select('size').executeTakeFirst();
  if (tree?.size !== from) return false;
  for (const { level, number, hashes } of tiles) {
    const bytes = Buffer.from(hashes, 'latin1');
    await db
      .insertInto('ledger_tiles')
      .values({ level, number, hashes: bytes })
      .onConflict((conflict) => conflict.columns(['level', 'number']).doUpdateSet({ hashes: bytes }))
      .execute();
  }
  await db.updateTable('ledger_tree').set({ size }).execute();
  return true;
}

export async function insertCheckpoint(db: Database, { size, signedAt, note }: StoredCheckpoint): Promise<boolean> {
  const { numInsertedOrUpdatedRows: rows } = await db
    .insertInto('ledger_checkpoints')
    .values({ size, signed_at: signedAt, note })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  return rows === 1n;
}

export async function forgetRecords(db: Database, through: number): Promise<number> {
  const tree = await db.selectFrom('ledger_tree').select(['archived', 'size']).executeTakeFirst();
  const newest = await db
    .selectFrom('events')
    .select((eb) => eb.fn.max('sequence').as('sequence'))
    .executeTakeFirst();
  if (!tree) return 0;
  const last = Math.min(through, tree.archived + FORGET_ROWS, tree.size, (newest?.sequence ?? 0) - 1);
  if (last <= tree.archived) return tree.archived;
  await sql`insert or ignore into ledger_kept select sequence, record from events
    where sequence <= ${last} and type like 'ledger.%'`.execute(db);
  await db.deleteFrom('events').where('sequence', '<=', last).execute();
  await db.updateTable('ledger_tree').set({ archived: last }).execute();
  return last;
}

import { sql } from 'kysely';
import type { Database } from '../database.ts';

/** A text that can be worked out again. */
export interface CacheTable {
  key: string;
  /** Higher is newer. */
  id: number;
  /** UTF-16 code units of key and value. */
  size: number;
  value: string;
}

/** Bound of the whole cache and of one text, in UTF-16 code units (bytes for plain ASCII). */
export const MAX_CACHE_SIZE = 128 * 1024 * 1024;
const MAX_VALUE_SIZE = MAX_CACHE_SIZE / 2;

export async function readCache(db: Database, key: string): Promise<string | undefined> {
  return (await db.selectFrom('cache').select('value').where('key', '=', key).executeTakeFirst())?.value;
}

/** Keeps a text and drops the oldest beyond the bound. Inside a transaction. */
export async function writeCache(db: Database, key: string, value: string): Promise<void> {
  const size = key.length + value.length;
  if (size > MAX_VALUE_SIZE) return;
  const newest = await db
    .selectFrom('cache')
    .select((eb) => eb.fn.max('id').as('id'))
    .executeTakeFirst();
  await sql`insert or replace into cache (key, id, size, value)
    values (${key}, ${(newest?.id ?? 0) + 1}, ${size}, ${value})`.execute(db);
  await sql`delete from cache where id in (select id from (select id, sum(size) over (order by id desc) as total from cache)
    where total > ${MAX_CACHE_SIZE})`.execute(db);
}

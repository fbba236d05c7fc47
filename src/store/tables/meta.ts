import type { Database } from '../database.ts';

/** Single values that no other table is about. */
export interface MetaTable {
  key: 'findings.synced_at' | 'findings.digest' | 'alerts.marks';
  value: string;
}

export async function readMeta(db: Database, key: MetaTable['key']): Promise<string | undefined> {
  return (await db.selectFrom('meta').select('value').where('key', '=', key).executeTakeFirst())?.value;
}

export async function writeMeta(db: Database, key: MetaTable['key'], value: string): Promise<void> {
  await db
    .insertInto('meta')
    .values({ key, value })
    .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
    .execute();
}

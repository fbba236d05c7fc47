import type { MaintenanceWindow } from '../../model/maintenance.ts';
import type { Database } from '../database.ts';

export interface MaintenanceWindowTable {
  id: string;
  starts_at: number;
  ends_at: number;
  ended_at: number | null;
  /** JSON of the MaintenanceWindow. */
  maintenance: string;
}

export async function selectWindows(db: Database, now: number | null): Promise<MaintenanceWindow[]> {
  let query = db.selectFrom('maintenance_windows').select('maintenance');
  if (now !== null) query = query.where('ends_at', '>', now).where('ended_at', 'is', null);
  const rows = await query.orderBy('starts_at').orderBy('id').execute();
  return rows.map((row) => JSON.parse(row.maintenance) as MaintenanceWindow);
}

export async function writeWindows(db: Database, windows: readonly MaintenanceWindow[]): Promise<void> {
  for (const window of windows) {
    const row = {
      ...{ id: window.id, starts_at: window.from, ends_at: window.until, ended_at: window.endedAt },
      maintenance: JSON.stringify(window),
    };
    await db
      .insertInto('maintenance_windows')
      .values(row)
      .onConflict((conflict) => conflict.column('id').doUpdateSet(row))
      .execute();
  }
}

import type { Observation } from '../../model/observation.ts';
import type { Database } from '../database.ts';

/** An acknowledged look. What it saw is in the state and the ledger, what it rests on in `documents`. */
export interface ObservationTable {
  id: string;
  host: string;
  vantage: string;
  observed_at: number;
  recorded_at: number;
  duration_ms: number;
  listeners: number;
  /** The ledger record that names it. */
  sequence: number;
}

/** Says whether an observation was recorded before. */
export async function hasObservation(db: Database, id: string): Promise<boolean> {
  return (await db.selectFrom('observations').select('id').where('id', '=', id).executeTakeFirst()) !== undefined;
}

export async function insertObservation(
  db: Database,
  o: Observation,
  recordedAt: number,
  sequence: number,
): Promise<void> {
  await db
    .insertInto('observations')
    .values({
      id: o.id,
      host: o.host.name,
      vantage: o.vantage,
      observed_at: o.observedAt,
      recorded_at: recordedAt,
      duration_ms: o.durationMs,
      listeners: o.listeners.length,
      sequence,
    })
    .execute();
}

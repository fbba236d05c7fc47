import type { Observation } from '../../model/observation.ts';
import { batches, type Database, writeBatches } from '../database.ts';

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

/** Which of these ids were recorded before. */
export async function knownObservations(db: Database, ids: readonly string[]): Promise<ReadonlySet<string>> {
  const known = new Set<string>();
  for (const some of batches(ids)) {
    const rows = await db.selectFrom('observations').select('id').where('id', 'in', some).execute();
    for (const row of rows) known.add(row.id);
  }
  return known;
}

/** Writes looks; `sequence`: the ledger record that names each. */
export async function insertObservations(
  db: Database,
  looks: readonly { readonly observation: Observation; readonly sequence: number }[],
  recordedAt: number,
): Promise<void> {
  const rows = looks.map(
    ({ observation: o, sequence }): ObservationTable => ({
      id: o.id,
      host: o.host.name,
      vantage: o.vantage,
      observed_at: o.observedAt,
      recorded_at: recordedAt,
      duration_ms: o.durationMs,
      listeners: o.listeners.length,
      sequence,
    }),
  );
  await writeBatches(db, 'observations', rows, (batch) => db.insertInto('observations').values(batch));
}

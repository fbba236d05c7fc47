import type { Event, EventType } from '../../model/event.ts';
import type { Cause } from '../../model/incident.ts';
import type { IncidentRecord } from '../../model/incident-record.ts';
import { batches, type Database, writeBatches } from '../database.ts';
import type { AlertBatch, AlertMarks, StoredIncidents } from '../incident-store.ts';
import { insertDeliveries, selectDeliveriesOf } from './alert-deliveries.ts';
import { insertEvents } from './events.ts';
import { writeWindows } from './maintenance-windows.ts';
import { readMeta, writeMeta } from './meta.ts';

export interface IncidentTable {
  id: string;
  key: string;
  state: string;
  severity: string;
  owner: string | null;
  last_seen: number;
  /** JSON of the IncidentRecord. */
  incident: string;
}

export interface IncidentCauseTable {
  id: string;
  incident: string;
  last_seen: number;
  /** JSON of the Cause. */
  cause: string;
}

const NO_MARKS: AlertMarks = { version: 0, cursor: null, begunAt: null, digestAt: null };

export async function readMarks(db: Database): Promise<AlertMarks> {
  const text = await readMeta(db, 'alerts.marks');
  return text === undefined ? NO_MARKS : { ...NO_MARKS, ...(JSON.parse(text) as Partial<AlertMarks>) };
}

export async function selectIncidents(
  db: Database,
  causeIds: readonly string[],
  keys: readonly string[],
): Promise<StoredIncidents> {
  const found = new Map<string, IncidentRecord>();
  const add = (rows: readonly { readonly incident: string }[]) => {
    for (const record of rows.map(recordOf)) found.set(record.id, record);
  };
  add(await db.selectFrom('incidents').select('incident').where('state', '!=', 'resolved').execute());
  for (const some of batches([...new Set(keys)]))
    add(await db.selectFrom('incidents').select('incident').where('key', 'in', some).execute());
  for (const some of batches([...new Set(causeIds)]))
    add(
      await db
        .selectFrom('incidents')
        .select('incident')
        .where('id', 'in', db.selectFrom('incident_causes').select('incident').where('id', 'in', some))
        .execute(),
    );
  const causes: { incident: string; cause: Cause }[] = [];
  for (const some of batches([...found.keys()])) {
    const rows = await db
      .selectFrom('incident_causes')
      .select(['incident', 'cause'])
      .where('incident', 'in', some)
      .execute();
    for (const row of rows) causes.push({ incident: row.incident, cause: JSON.parse(row.cause) as Cause });
  }
  return { records: [...found.values()], causes };
}

export async function listIncidents(db: Database, states: readonly string[], limit: number): Promise<IncidentRecord[]> {
  const rows = await db
    .selectFrom('incidents')
    .select('incident')
    .where('state', 'in', [...states])
    .orderBy('last_seen', 'desc')
    .orderBy('id')
    .limit(limit)
    .execute();
  return rows.map(recordOf);
}

export async function findIncident(db: Database, id: string) {
  const row = await db.selectFrom('incidents').select('incident').where('id', '=', id).executeTakeFirst();
  if (!row) return undefined;
  const causes = await db
    .selectFrom('incident_causes')
    .select('cause')
    .where('incident', '=', id)
    .orderBy('last_seen', 'desc')
    .orderBy('id')
    .execute();
  return {
    record: recordOf(row),
    causes: causes.map(({ cause }) => JSON.parse(cause) as Cause),
    deliveries: await selectDeliveriesOf(db, id),
  };
}

export async function selectIncidentIds(db: Database): Promise<Set<string>> {
  return new Set((await db.selectFrom('incidents').select('id').execute()).map((row) => row.id));
}

/** Oldest first: what alerting reads on from where it stopped. */
export async function selectEventsAfter(
  db: Database,
  sequence: number,
  types: readonly EventType[],
  limit: number,
): Promise<Event[]> {
  const rows = await db
    .selectFrom('events')
    .select('record')
    .where('sequence', '>', sequence)
    .where('type', 'in', [...types])
    .orderBy('sequence')
    .limit(limit)
    .execute();
  return rows.map((row) => JSON.parse(row.record) as Event);
}

export async function selectNewestSequence(db: Database): Promise<number> {
  const row = await db
    .selectFrom('events')
    .select((eb) => eb.fn.max('sequence').as('sequence'))
    .executeTakeFirst();
  return row?.sequence ?? 0;
}

/** Writes what belongs together. Inside a transaction. False where somebody else wrote since `version`. */
export async function writeAlerts(db: Database, batch: AlertBatch, recordedAt: number): Promise<boolean> {
  const marks = await readMarks(db);
  if (batch.version !== undefined && batch.version !== marks.version) return false;
  await writeMeta(db, 'alerts.marks', JSON.stringify({ ...marks, ...batch.marks, version: marks.version + 1 }));
  const rows = (batch.records ?? []).map(rowOf);
  await writeBatches(db, 'upsert incidents', rows, (some) =>
    db
      .insertInto('incidents')
      .values(some)
      .onConflict((conflict) =>
        conflict.column('id').doUpdateSet((eb) => ({
          state: eb.ref('excluded.state'),
          severity: eb.ref('excluded.severity'),
          owner: eb.ref('excluded.owner'),
          last_seen: eb.ref('excluded.last_seen'),
          incident: eb.ref('excluded.incident'),
        })),
      ),
  );
  const causes = (batch.causes ?? []).map(({ incident, cause }) => {
    return { id: cause.id, incident, last_seen: cause.lastSeen, cause: JSON.stringify(cause) };
  });
  // A cause that is there already stays in its incident.
  await writeBatches(db, 'upsert incident causes', causes, (some) =>
    db
      .insertInto('incident_causes')
      .values(some)
      .onConflict((conflict) =>
        conflict
          .column('id')
          .doUpdateSet((eb) => ({ last_seen: eb.ref('excluded.last_seen'), cause: eb.ref('excluded.cause') })),
      ),
  );
  await insertDeliveries(db, batch.deliveries ?? []);
  await writeWindows(db, batch.windows ?? []);
  await insertEvents(db, batch.events, recordedAt);
  return true;
}

function recordOf(row: { readonly incident: string }): IncidentRecord {
  return JSON.parse(row.incident) as IncidentRecord;
}

function rowOf(record: IncidentRecord): IncidentTable {
  const { id, key, state, severity, owner, lastSeen } = record;
  return { id, key, state, severity, owner, last_seen: lastSeen, incident: JSON.stringify(record) };
}

import { sql } from 'kysely';
import type { EventDraft } from '../../model/event.ts';
import { type Database, writeBatches } from '../database.ts';
import type { AlertDelivery, DeliveryCount, Settlement } from '../incident-store.ts';
import { insertEvents } from './events.ts';

/** The outbox. */
export interface AlertDeliveryTable {
  id: string;
  channel: string;
  owner: string | null;
  kind: string;
  urgent: number;
  counts: number;
  created_at: number;
  state: string;
  attempts: number;
  next_attempt: number;
  settled_at: number | null;
  error: string | null;
  /** Ids between blanks: ` Q-7K3M2 Q-00001 `. */
  incidents: string;
  /** JSON of the AlertMessage. */
  message: string;
}

/** Messages of one incident that are shown. */
const OF_INCIDENT = 100;

export async function insertDeliveries(db: Database, deliveries: readonly AlertDelivery[]): Promise<void> {
  const rows = deliveries.map((delivery): AlertDeliveryTable => {
    const { id, channel, owner, kind, state, attempts, error, message } = delivery;
    return {
      ...{ id, channel, owner, kind, urgent: Number(delivery.isUrgent), counts: Number(delivery.counts) },
      ...{ created_at: delivery.createdAt, state, attempts, next_attempt: delivery.nextAttempt },
      ...{ settled_at: delivery.settledAt, error, incidents: ` ${delivery.incidents.join(' ')} `, message },
    };
  });
  await writeBatches(db, 'insert alert deliveries', rows, (some) => db.insertInto('alert_deliveries').values(some));
}

export async function selectDeliveries(
  db: Database,
  state: AlertDelivery['state'],
  limit: number,
  dueBy?: number,
): Promise<AlertDelivery[]> {
  let query = db.selectFrom('alert_deliveries').selectAll().where('state', '=', state);
  if (dueBy !== undefined) query = query.where('next_attempt', '<=', dueBy);
  // In the order in which they were written: the worst of a run first.
  return (await query.orderBy(sql`rowid`).limit(limit).execute()).map(deliveryOf);
}

/** What was sent, or is to be, of an incident, newest first. */
export async function selectDeliveriesOf(db: Database, incident: string): Promise<AlertDelivery[]> {
  const rows = await db
    .selectFrom('alert_deliveries')
    .selectAll()
    .where(sql<boolean>`instr(incidents, ${` ${incident} `}) > 0`)
    .orderBy(sql`rowid`, 'desc')
    .limit(OF_INCIDENT)
    .execute();
  return rows.map(deliveryOf);
}

export async function countDeliveries(db: Database, since: number): Promise<DeliveryCount[]> {
  const rows = await db
    .selectFrom('alert_deliveries')
    .select(['channel', 'owner', 'urgent'])
    .select((eb) => eb.fn.countAll<number>().as('messages'))
    .select(sql<number>`max(kind = 'summary')`.as('summary'))
    .where('created_at', '>=', since)
    .where('counts', '=', 1)
    .groupBy(['channel', 'owner', 'urgent'])
    .execute();
  return rows.map(({ channel, owner, urgent, messages, summary }) => {
    return { channel, owner, isUrgent: urgent === 1, messages: Number(messages), hasSummary: summary === 1 };
  });
}

export async function settleDelivery(
  db: Database,
  { id, state, attempts, nextAttempt, settledAt, error }: Settlement,
  event: EventDraft | null,
  recordedAt: number,
): Promise<void> {
  await db
    .updateTable('alert_deliveries')
    .set({ state, attempts, next_attempt: nextAttempt, settled_at: settledAt, error })
    .where('id', '=', id)
    .execute();
  if (event) await insertEvents(db, [event], recordedAt);
}

export async function reviveDeliveries(db: Database, channel: string | null, now: number): Promise<number> {
  let query = db
    .updateTable('alert_deliveries')
    .set({ state: 'waiting', attempts: 0, next_attempt: now, settled_at: null })
    .where('state', '=', 'dead');
  if (channel !== null) query = query.where('channel', '=', channel);
  return Number((await query.executeTakeFirstOrThrow()).numUpdatedRows);
}

/** Forgets messages that were sent, and what happened (not what is so), before a time: a port that flaps is a cause each time. */
export async function forgetOld(db: Database, before: number): Promise<number> {
  await db
    .deleteFrom('incident_causes')
    .where('last_seen', '<', before)
    .where(sql<boolean>`json_extract(cause, '$.from') <> 'finding'`)
    .execute();
  const { numDeletedRows } = await db
    .deleteFrom('alert_deliveries')
    .where('state', '=', 'sent')
    .where('created_at', '<', before)
    .executeTakeFirstOrThrow();
  return Number(numDeletedRows);
}

function deliveryOf(row: AlertDeliveryTable): AlertDelivery {
  const { id, channel, owner, kind, attempts, error, message } = row;
  return {
    ...{ id, channel, owner, kind, isUrgent: row.urgent === 1, counts: row.counts === 1, createdAt: row.created_at },
    ...{ state: row.state as AlertDelivery['state'], attempts, nextAttempt: row.next_attempt },
    ...{ settledAt: row.settled_at, error, incidents: row.incidents.trim().split(' '), message },
  };
}

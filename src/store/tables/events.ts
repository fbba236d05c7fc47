import { type RawBuilder, sql } from 'kysely';
import type { Event, EventDraft, EventType } from '../../model/event.ts';
import { eventRecord } from '../../model/event-record.ts';
import { type Database, writeValues } from '../database.ts';
import type { EventQuery } from '../store.ts';

/**
 * The ledger. `record` is the canonical JSON (RFC 8785) of the whole event; these bytes are final: the Merkle tree and
 * the checkpoints are computed over them. The other columns repeat parts of it for look-ups.
 */
export interface EventTable {
  /** 1, 2, 3… without holes. */
  sequence: number;
  observed_at: number;
  recorded_at: number;
  type: string;
  actor: string;
  subject: string;
  record: string;
}

/** In the order of the table. */
const COLUMNS = 7;

/** Drafts that belong together. */
export interface EventGroup {
  readonly drafts: readonly EventDraft[];
  readonly recordedAt: number;
}

/** Appends drafts in order. Inside a transaction that holds the write lock: the next sequence is read and then used. */
export async function insertEvents(db: Database, drafts: readonly EventDraft[], recordedAt: number): Promise<Event[]> {
  const [events] = await insertEventGroups(db, [{ drafts, recordedAt }]);
  if (!events || events instanceof Error) throw events ?? new Error('no answer for a group of events');
  return events;
}

/** The same for several callers. A group that has no canonical form is left out whole; its error takes its place. */
export async function insertEventGroups(db: Database, groups: readonly EventGroup[]): Promise<(Event[] | Error)[]> {
  const newest = await db
    .selectFrom('events')
    .select((eb) => eb.fn.max('sequence').as('sequence'))
    .executeTakeFirst();
  let next = (newest?.sequence ?? 0) + 1;
  const values: (string | number)[] = [];
  const results: (Event[] | Error)[] = [];
  for (const { drafts, recordedAt } of groups) {
    const [firstValue, first] = [values.length, next];
    const events: Event[] = [];
    try {
      for (const { type, observedAt, actor, subject, body } of drafts) {
        const event = { type, observedAt, actor, subject, body, sequence: next++, recordedAt };
        events.push(event);
        values.push(event.sequence, observedAt, recordedAt, type, actor, subject, eventRecord(event));
      }
      results.push(events);
    } catch (error) {
      values.length = firstValue;
      next = first;
      results.push(error instanceof Error ? error : new Error(String(error)));
    }
  }
  await writeValues(db, 'insert into events', COLUMNS, values);
  return results;
}

/**
 * Events that match, newest first. Each query names the one index that it walks (a leading `+` keeps SQLite from
 * another): a subject first, then types (each in its own descending walk), then times.
 */
export async function selectEvents(db: Database, query: EventQuery): Promise<Event[]> {
  const limit = Math.max(0, Math.trunc(query.limit));
  const parts: RawBuilder<{ sequence: number }>[] = [];
  const { subject, subjectPrefix, types } = query;
  if (subject !== undefined || subjectPrefix !== undefined) parts.push(sequences(query, limit, null));
  else if (types !== undefined) for (const type of new Set(types)) parts.push(sequences(query, limit, type));
  else parts.push(sequences(query, limit, null));
  if (parts.length === 0) return [];
  const found = await sql<{ record: string }>`
    select record from events where sequence in (select sequence from (${sql.join(parts, sql` union all `)})
      order by sequence desc limit ${limit}) order by sequence desc`.execute(db);
  return found.rows.map((row) => JSON.parse(row.record) as Event);
}

/** The newest sequences that match; of one type where one is given. */
function sequences(q: EventQuery, limit: number, oneType: EventType | null): RawBuilder<{ sequence: number }> {
  const where: RawBuilder<unknown>[] = [];
  const bySubject = q.subject !== undefined || q.subjectPrefix !== undefined;
  if (q.subject !== undefined) where.push(sql`subject = ${q.subject}`);
  if (q.subjectPrefix !== undefined) {
    where.push(sql`subject >= ${q.subjectPrefix} and subject < ${`${q.subjectPrefix}\u{10ffff}`}`);
  }
  if (oneType !== null) where.push(sql`type = ${oneType}`);
  else if (q.types !== undefined) where.push(sql`+type in (${sql.join(q.types)})`);
  const time = bySubject || oneType !== null ? sql`+observed_at` : sql`observed_at`;
  if (q.since !== undefined) where.push(sql`${time} >= ${q.since}`);
  if (q.until !== undefined) where.push(sql`${time} < ${q.until}`);
  if (q.beforeSequence !== undefined) where.push(sql`sequence < ${q.beforeSequence}`);
  const condition = where.length > 0 ? sql`where ${sql.join(where, sql` and `)}` : sql``;
  return sql`select sequence from (select sequence from events ${condition} order by sequence desc limit ${limit})`;
}

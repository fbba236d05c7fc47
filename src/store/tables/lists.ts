import type { Event, EventDraft } from '../../model/event.ts';
import { canonicalJson, type Json } from '../../util/canonical-json.ts';
import { sha256 } from '../../util/sha256.ts';
import type { Database } from '../database.ts';
import type { ListEvent, ListKind, Lists, RulesetList } from '../store.ts';
import { readDocument, writeDocument } from './documents.ts';
import { insertEvents } from './events.ts';

/** The newest list of a source; what it holds is a document, so that an older one can still be shown. */
export interface ListTable {
  kind: string;
  source: string;
  imported_at: number;
  /** SHA-256 of the document: everything of the list but its source and time. */
  content: string;
}

/** Writes a list in the place of the source's last one; null where it says the same. */
export async function writeList<K extends ListKind>(
  db: Database,
  kind: K,
  list: Lists[K],
  event: ListEvent | null,
): Promise<Event | null> {
  const { source, importedAt, ...content } = kind === 'rulesets' ? withoutTimes(list as RulesetList) : list;
  const text = canonicalJson(content as unknown as Json);
  const digest = sha256(text);
  await writeDocument(db, 'list', digest, Buffer.from(text));
  const before = await db
    .selectFrom('lists')
    .select('content')
    .where('kind', '=', kind)
    .where('source', '=', source)
    .executeTakeFirst();
  const row = { kind, source, imported_at: importedAt, content: digest };
  await db
    .insertInto('lists')
    .values(row)
    .onConflict((conflict) => conflict.columns(['kind', 'source']).doUpdateSet(row))
    .execute();
  if (before?.content === digest || event === null) return null;
  return recorded(db, event, { ...event.body, content: digest, items: list.items.length, source }, importedAt);
}

/** Removes a source's list; null where there is none. */
export async function deleteList(
  db: Database,
  kind: ListKind,
  source: string,
  event: Omit<EventDraft, 'body'>,
): Promise<Event | null> {
  const { numDeletedRows } = await db
    .deleteFrom('lists')
    .where('kind', '=', kind)
    .where('source', '=', source)
    .executeTakeFirstOrThrow();
  if (numDeletedRows === 0n) return null;
  return recorded(db, event, { items: 0, removed: true, source }, event.observedAt);
}

/** Lists of a kind, sorted by source. */
export async function selectLists<K extends ListKind>(db: Database, kind: K): Promise<Lists[K][]> {
  const rows = await db.selectFrom('lists').selectAll().where('kind', '=', kind).orderBy('source').execute();
  const lists: Lists[K][] = [];
  for (const { source, imported_at: importedAt, content } of rows) {
    const bytes = await readDocument(db, content);
    if (!bytes) throw new Error(`the document ${content} of the list ${source} is missing`);
    const list = { source, importedAt, ...JSON.parse(Buffer.from(bytes).toString()) };
    lists.push(kind === 'rulesets' ? withTimes(list) : list);
  }
  return lists;
}

/** A ruleset that is found unchanged is the same document again: when it was looked at stands beside it. */
function withoutTimes(list: RulesetList) {
  return { ...list, items: list.items.map(({ takenAt: _, ...item }) => item) };
}

function withTimes(list: RulesetList) {
  return { ...list, items: list.items.map((item) => ({ ...item, takenAt: list.importedAt })) };
}

async function recorded(
  db: Database,
  event: Omit<EventDraft, 'body'>,
  body: EventDraft['body'],
  recordedAt: number,
): Promise<Event> {
  const [written] = await insertEvents(db, [{ ...event, body }], recordedAt);
  if (!written) throw new Error('an event was not written');
  return written;
}

import { sql } from 'kysely';
import { UserError } from '../../model/errors.ts';
import type { Feed, FeedCoverage } from '../../model/flow.ts';
import { type Database, writeBatches, writeValues } from '../database.ts';
import {
  type FeedAddress,
  MOST_FEED_ADDRESSES,
  type PartExchange,
  type StoredFeed,
  type StoredInput,
  type StoredPart,
} from '../flow-manifest.ts';
import { insertEvents } from './events.ts';

export interface FlowFeedTable {
  id: number;
  name: string;
  format: string;
}

export interface FlowInputTable {
  digest: string;
  source: string;
  recorded_at: number;
  rows: number;
  until_s: number;
}

export interface FlowPartTable {
  file: string;
  tier: number;
  from_s: number;
  until_s: number;
  rows: number;
  bytes: number;
  sha256: string;
  feeds: string;
  retired_at: number | null;
}

export interface FlowCoverageTable {
  feed: number;
  from_s: number;
  until_s: number;
  kind: string;
  lost: number | null;
}

export interface FlowAddressTable {
  feed: number;
  address: string;
  role: number;
}

/** A feed's number has 16 bits in the parts. */
const MOST_FEEDS = 65_535;
/** What is one too many. Whoever may make up names (a sender of datagrams) would otherwise keep all others from being recorded. */
const OTHER_FEEDS = 'other';

export async function selectFeeds(db: Database): Promise<StoredFeed[]> {
  return db.selectFrom('flow_feeds').select(['id', 'name', 'format']).orderBy('id').execute();
}

export async function insertFeeds(db: Database, feeds: readonly Feed[]): Promise<number[]> {
  const known = new Map((await selectFeeds(db)).map(({ id, name }) => [name, id]));
  const added: (string | number)[] = [];
  const numberOf = (name: string, format: string): number => {
    const id = known.get(name);
    if (id !== undefined) return id;
    // The last number is kept for the rest.
    const most = known.has(OTHER_FEEDS) || name === OTHER_FEEDS ? MOST_FEEDS : MOST_FEEDS - 1;
    if (known.size < most) {
      const number = known.size + 1;
      known.set(name, number);
      added.push(number, name, format);
      return number;
    }
    if (name !== OTHER_FEEDS) return numberOf(OTHER_FEEDS, format);
    throw new UserError(`there are ${MOST_FEEDS} feeds of flows already: one more is too many`, {
      hint: 'A feed is a log, an agent or an exporter. Is a field of the records taken for the name of a feed?',
    });
  };
  const ids = feeds.map(({ name, format }) => numberOf(name, format));
  await writeValues(db, 'insert into flow_feeds', 3, added);
  return ids;
}

export async function isInputKnown(db: Database, digest: string): Promise<boolean> {
  return (
    (await db.selectFrom('flow_inputs').select('digest').where('digest', '=', digest).executeTakeFirst()) !== undefined
  );
}

export async function insertInput(db: Database, input: StoredInput): Promise<boolean> {
  const { digest, source, recordedAt, rows, parts, coverage, addresses, event } = input;
  const until = [...parts, ...coverage].reduce((last, span) => Math.max(last, span.until), 0);
  const { numInsertedOrUpdatedRows: isNew } = await db
    .insertInto('flow_inputs')
    .values({ digest, source, recorded_at: recordedAt, rows, until_s: until })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  if (isNew !== 1n) return false;
  await insertParts(db, parts);
  const ids = new Map((await selectFeeds(db)).map(({ id, name }) => [name, id]));
  const other = ids.get(OTHER_FEEDS);
  for (const one of coverage) {
    const feed = ids.get(one.feed);
    // Of feeds that are told as one it is not known which of them delivered; what is missing is missing.
    if (feed === undefined && other !== undefined && one.kind === 'delivered') continue;
    await insertCoverage(db, feed ?? other, one);
  }
  await insertAddresses(db, addresses);
  if (event) await insertEvents(db, [event], recordedAt);
  return true;
}

async function insertParts(db: Database, parts: readonly StoredPart[]): Promise<void> {
  await writeValues(
    db,
    'insert into flow_parts',
    9,
    parts.flatMap((p) => [p.file, p.tier, p.from, p.until, p.rows, p.bytes, p.sha256, JSON.stringify(p.feeds), null]),
  );
}

/** Writes coverage; what was delivered grows together with what it touches, or a live feed would have a row per bucket. */
async function insertCoverage(db: Database, feed: number | undefined, one: FeedCoverage): Promise<void> {
  if (feed === undefined) throw new Error(`the feed ${one.feed} has no number`);
  let [from, until] = [one.from, one.until];
  if (until <= from) return;
  if (one.kind === 'delivered') {
    const touching = db
      .selectFrom('flow_coverage')
      .select(['from_s', 'until_s'])
      .where('feed', '=', feed)
      .where('kind', '=', 'delivered')
      .where('until_s', '>=', from)
      .where('from_s', '<=', until);
    for (const other of await touching.execute()) {
      from = Math.min(from, other.from_s);
      until = Math.max(until, other.until_s);
    }
    await db
      .deleteFrom('flow_coverage')
      .where('feed', '=', feed)
      .where('kind', '=', 'delivered')
      .where('until_s', '>=', from)
      .where('from_s', '<=', until)
      .execute();
  }
  await db
    .insertInto('flow_coverage')
    .values({ feed, from_s: from, until_s: until, kind: one.kind, lost: one.lost })
    .execute();
}

/** Writes addresses, up to a bound per feed: of a feed that reports more, what is behind the bound is not known to be seen. */
async function insertAddresses(db: Database, addresses: readonly FeedAddress[]): Promise<void> {
  for (const [feed, some] of Map.groupBy(addresses, (one) => one.feed)) {
    const { n } = await db
      .selectFrom('flow_addresses')
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .where('feed', '=', feed)
      .executeTakeFirstOrThrow();
    // Destinations first: they are what is asked for.
    const fitting = some.toSorted((x, y) => y.role - x.role).slice(0, Math.max(0, MOST_FEED_ADDRESSES - n));
    const rows = fitting.map(({ address, role }) => ({ feed, address, role }));
    await writeBatches(db, 'flow addresses', rows, (batch) =>
      db
        .insertInto('flow_addresses')
        .values(batch)
        .onConflict((conflict) =>
          conflict.columns(['feed', 'address']).doUpdateSet({ role: sql`role | excluded.role` }),
        ),
    );
  }
}

export async function selectParts(db: Database): Promise<StoredPart[]> {
  const rows = await db
    .selectFrom('flow_parts')
    .selectAll()
    .where('retired_at', 'is', null)
    .orderBy('from_s')
    .orderBy('file')
    .execute();
  return rows.map((row) => ({
    file: row.file,
    tier: row.tier,
    from: row.from_s,
    until: row.until_s,
    rows: row.rows,
    bytes: row.bytes,
    sha256: row.sha256,
    feeds: JSON.parse(row.feeds),
  }));
}

export async function exchangeParts(db: Database, { retired, added, event, at }: PartExchange): Promise<boolean> {
  for (const file of retired) {
    const row = await db
      .selectFrom('flow_parts')
      .select('file')
      .where('file', '=', file)
      .where('retired_at', 'is', null)
      .executeTakeFirst();
    if (!row) return false;
  }
  for (const file of retired)
    await db.updateTable('flow_parts').set({ retired_at: at }).where('file', '=', file).execute();
  await insertParts(db, added);
  if (event) await insertEvents(db, [event], at);
  return true;
}

export async function selectRetired(db: Database, before: number): Promise<string[]> {
  const rows = await db.selectFrom('flow_parts').select('file').where('retired_at', '<', before).execute();
  return rows.map(({ file }) => file);
}

export async function selectFiles(db: Database): Promise<string[]> {
  return (await db.selectFrom('flow_parts').select('file').execute()).map(({ file }) => file);
}

export async function deleteRetired(db: Database, files: readonly string[]): Promise<void> {
  for (const file of files)
    await db.deleteFrom('flow_parts').where('file', '=', file).where('retired_at', 'is not', null).execute();
}

export async function selectCoverage(db: Database, from: number, until: number): Promise<FeedCoverage[]> {
  const rows = await db
    .selectFrom('flow_coverage')
    .innerJoin('flow_feeds', 'flow_feeds.id', 'flow_coverage.feed')
    .select(['flow_feeds.name', 'from_s', 'until_s', 'kind', 'lost'])
    .where('until_s', '>', from)
    .where('from_s', '<', until)
    .execute();
  return rows.map(({ name, from_s, until_s, kind, lost }) => {
    return { feed: name, from: from_s, until: until_s, kind: kind === 'gap' ? 'gap' : 'delivered', lost };
  });
}

export async function forgetFlowsBefore(db: Database, time: number): Promise<void> {
  await db.deleteFrom('flow_coverage').where('until_s', '<=', time).execute();
  await db.deleteFrom('flow_inputs').where('until_s', '<=', time).execute();
}

export async function selectAddresses(db: Database): Promise<Map<string, Set<string>>> {
  const { rows } = await sql<{ name: string; address: string }>`select f.name as name, a.address as address
    from flow_addresses a join flow_feeds f on f.id = a.feed
    where a.role >= 2 or a.address in (select address from flow_addresses where role >= 2)`.execute(db);
  const found = new Map<string, Set<string>>();
  for (const { name, address } of rows) {
    const known = found.get(name) ?? new Set();
    found.set(name, known.add(address));
  }
  return found;
}

import { type Generated, sql } from 'kysely';
import type { Listener, ProcessFacts } from '../../model/listener.ts';
import { batches, type Database } from '../database.ts';

/**
 * What listeners have in common: all of one but where it listens and which process it is at the moment. A fleet has few
 * of them, so 100,000 listeners are read without parsing 100,000 texts.
 */
export interface ListenerShapeTable {
  id: Generated<number>;
  /** JSON of ListenerShape; unique. */
  shape: string;
}

export interface ListenerShape {
  readonly listener: Omit<Listener, 'host' | 'port' | 'address' | 'process' | 'sharedWith'>;
  /** `null`: no process is visible. */
  readonly process: Omit<ProcessFacts, 'pid' | 'startedAt'> | null;
}

/** Unused shapes that are left lying before they are removed. */
const SPARE_SHAPES = 1_000;

/** JSON of a listener's shape. */
export function shapeText({ host: _h, port: _p, address: _a, process, sharedWith: _s, ...listener }: Listener): string {
  if (process === null) return JSON.stringify({ listener, process });
  const { pid: _pid, startedAt: _startedAt, ...facts } = process;
  return JSON.stringify({ listener, process: facts });
}

/** Ids of shapes by their JSON; unknown ones are written. */
export async function shapeIds(db: Database, texts: ReadonlySet<string>): Promise<ReadonlyMap<string, number>> {
  const ids = await findIds(db, [...texts]);
  const missing = [...texts].filter((text) => !ids.has(text));
  if (missing.length === 0) return ids;
  for (const batch of batches(missing)) {
    await db
      .insertInto('listener_shapes')
      .values(batch.map((shape) => ({ shape })))
      .execute();
  }
  for (const [text, id] of await findIds(db, missing)) ids.set(text, id);
  return ids;
}

async function findIds(db: Database, texts: readonly string[]): Promise<Map<string, number>> {
  const ids = new Map<string, number>();
  for (const batch of batches(texts)) {
    const rows = await db.selectFrom('listener_shapes').select(['id', 'shape']).where('shape', 'in', batch).execute();
    for (const row of rows) ids.set(row.shape, row.id);
  }
  return ids;
}

/** Shapes by id. */
export async function selectShapes(
  db: Database,
  ids: ReadonlySet<number>,
): Promise<ReadonlyMap<number, ListenerShape>> {
  const shapes = new Map<number, ListenerShape>();
  for (const batch of batches([...ids])) {
    const rows = await db.selectFrom('listener_shapes').select(['id', 'shape']).where('id', 'in', batch).execute();
    for (const row of rows) shapes.set(row.id, JSON.parse(row.shape) as ListenerShape);
  }
  return shapes;
}

/** Removes shapes that no listener has any more, once there are many. */
export async function dropUnusedShapes(db: Database): Promise<void> {
  const count = (table: 'listener_shapes' | 'listener_states') =>
    db
      .selectFrom(table)
      .select((eb) => eb.fn.countAll<number>().as('n'))
      .executeTakeFirstOrThrow();
  const shapes = (await count('listener_shapes')).n;
  if (shapes <= SPARE_SHAPES || shapes <= (await count('listener_states')).n + SPARE_SHAPES) return;
  await sql`delete from listener_shapes where id not in (select shape from listener_states)`.execute(db);
}

import { type Generated, sql } from 'kysely';
import { compareListeners, type Listener, type ProcessFacts } from '../../model/listener.ts';
import type { ListenerAttributes } from '../../model/listener-attributes.ts';
import type { ListenerState } from '../../model/state.ts';
import { compareText } from '../../util/compare.ts';
import { getOrMake } from '../../util/get-or-make.ts';
import { batches, type Database, writeBatches } from '../database.ts';
import type { ListenerFilter } from '../store.ts';
import type { StoredHost } from './host-states.ts';
import { type ListenerShape, selectShapes, shapeIds, shapeText } from './listener-shapes.ts';

/** A listener over time. One per host and vantage, port, transport, scope and address. */
export interface ListenerStateTable {
  id: Generated<number>;
  /** Id of the row of host_states: host and vantage. */
  host_state: number;
  /** Scope and transport are part of the shape too; here they are the key and what filters ask for. */
  scope: string;
  transport: string;
  port: number;
  address: string;
  /** 0 or 1. */
  open: number;
  first_seen: number;
  open_since: number;
  /** While open, the host's `confirmed_at` counts too if it is later. */
  last_seen: number;
  closed_at: number | null;
  restarts: number;
  /** Id of the row of listener_shapes. */
  shape: number;
  pid: number | null;
  started_at: number | null;
  /** JSON of Listener.sharedWith; null: nobody. */
  shared_with: string | null;
  /** JSON of ListenerAttributes. */
  remembered: string | null;
}

/** Listeners that match, sorted by listener, then vantage. */
export async function selectListeners(
  db: Database,
  filter: ListenerFilter & { readonly vantage?: string } = {},
): Promise<ListenerState[]> {
  let hostQuery = db.selectFrom('host_states').select(['id', 'host', 'vantage', 'confirmed_at']);
  if (filter.host !== undefined) hostQuery = hostQuery.where('host', '=', filter.host);
  if (filter.vantage !== undefined) hostQuery = hostQuery.where('vantage', '=', filter.vantage);
  const hosts = new Map((await hostQuery.execute()).map((row) => [row.id, row]));

  let query = listenerRows(db);
  if (filter.host !== undefined || filter.vantage !== undefined) {
    query = query.where('host_state', 'in', hostQuery.clearSelect().select('id'));
  }
  if (filter.scope !== undefined) query = query.where('scope', '=', filter.scope);
  if (filter.transport !== undefined) query = query.where('transport', '=', filter.transport);
  if (filter.port !== undefined) query = query.where('port', '=', filter.port);
  if (filter.openOnly) query = query.where('open', '=', 1);

  const states: ListenerState[] = [];
  for await (const { state } of readStates(db, query, hosts)) states.push(state);
  return states.sort((a, b) => compareListeners(a.listener, b.listener) || compareText(a.vantage, b.vantage));
}

/** Which listeners of a host are read: every one, or those that are open and those on some ports. */
export type ListenersWanted = 'all' | ReadonlySet<number>;

/** Listeners of some hosts, by the id of the host's row; in no order. */
export async function selectListenersOf(
  db: Database,
  hosts: readonly { readonly host: StoredHost; readonly wanted: ListenersWanted }[],
): Promise<ReadonlyMap<number, readonly ListenerState[]>> {
  const states = new Map<number, ListenerState[]>();
  const rows = new Map(hosts.map(({ host }) => [host.id, { ...host.at, confirmed_at: host.confirmedAt }]));
  const read = async (query: ReturnType<typeof listenerRows>) => {
    for await (const { hostState, state } of readStates(db, query, rows))
      getOrMake(states, hostState, () => []).push(state);
  };
  const whole = hosts.filter(({ wanted }) => wanted === 'all').map(({ host }) => host.id);
  for (const ids of batches(whole)) await read(listenerRows(db).where('host_state', 'in', ids));
  for (const { host, wanted } of hosts) {
    if (wanted === 'all') continue;
    const own = listenerRows(db).where('host_state', '=', host.id);
    await read(own.where('open', '=', 1));
    const ports = sql<number>`(select value from json_each(${JSON.stringify([...wanted])}))`;
    if (wanted.size > 0) await read(own.where('open', '=', 0).where('port', 'in', ports));
  }
  return states;
}

function listenerRows(db: Database) {
  return db
    .selectFrom('listener_states')
    .select(['id', 'host_state', 'port', 'address', 'open', 'first_seen', 'open_since', 'last_seen', 'closed_at'])
    .select(['restarts', 'shape', 'pid', 'started_at', 'shared_with', 'remembered']);
}

/** Reads the rows of a query page by page. `hosts`: by the id of their row. */
async function* readStates(
  db: Database,
  query: ReturnType<typeof listenerRows>,
  hosts: ReadonlyMap<number, HostRow>,
): AsyncGenerator<{ readonly hostState: number; readonly state: ListenerState }, void, undefined> {
  const shapes = new Map<number, Mould>();
  for (let last = 0, isMore = true; isMore; ) {
    const rows = await query.where('id', '>', last).orderBy('id').limit(PAGE_ROWS).execute();
    const unknown = rows.map((row) => row.shape).filter((id) => !shapes.has(id));
    for (const [id, shape] of await selectShapes(db, new Set(unknown))) shapes.set(id, mouldOf(shape));
    for (const row of rows) {
      const host = hosts.get(row.host_state);
      const shape = shapes.get(row.shape);
      if (!host || !shape) throw new Error(`the listener on ${row.address}:${row.port} lacks its host or shape`);
      yield { hostState: row.host_state, state: toState(row, host, shape) };
    }
    last = rows.at(-1)?.id ?? last;
    isMore = rows.length === PAGE_ROWS;
  }
}

/** Rows read at once: so few that they are gone again before they cost memory. */
const PAGE_ROWS = 5_000;

type HostRow = { readonly host: string; readonly vantage: string; readonly confirmed_at: number };
type ListenerRow = Omit<ListenerStateTable, 'id' | 'host_state' | 'scope' | 'transport' | 'shape'>;

function toState(row: ListenerRow, { host, vantage, confirmed_at }: HostRow, mould: Mould): ListenerState {
  const open = row.open === 1;
  const state = {
    vantage,
    listener: toListener(row, mould, host),
    open,
    firstSeen: row.first_seen,
    openSince: row.open_since,
    lastSeen: open ? Math.max(row.last_seen, confirmed_at) : row.last_seen,
    closedAt: row.closed_at,
    restarts: row.restarts,
  };
  return row.remembered === null ? state : { ...state, remembered: JSON.parse(row.remembered) as ListenerAttributes };
}

const NOBODY: Listener['sharedWith'] = [];

/** A shape with room for the rest: a copy of it that is filled in takes half the time of one that grows. */
interface Mould {
  readonly listener: Listener;
  readonly process: ProcessFacts | null;
}

function mouldOf({ listener, process }: ListenerShape): Mould {
  return {
    listener: { host: '', ...listener, port: 0, address: '', process: null, sharedWith: NOBODY },
    process: process === null ? null : { pid: 0, ...process },
  };
}

function toListener(row: ListenerRow, mould: Mould, host: string): Listener {
  const { port, address, pid, started_at: startedAt } = row;
  let process: Listener['process'] = null;
  if (mould.process !== null && pid !== null)
    process = startedAt === null ? { ...mould.process, pid } : { ...mould.process, pid, startedAt };
  const sharedWith = row.shared_with === null ? NOBODY : (JSON.parse(row.shared_with) as Listener['sharedWith']);
  return { ...mould.listener, host, port, address, process, sharedWith };
}

/** Writes states, replacing those of the same key. `hostState`: id of the host's row. */
export async function upsertListeners(
  db: Database,
  states: readonly { readonly hostState: number; readonly state: ListenerState }[],
): Promise<void> {
  if (states.length === 0) return;
  const texts = states.map(({ state }) => shapeText(state.listener));
  const shapes = await shapeIds(db, new Set(texts));
  const rows = states.map(({ hostState, state }, i) => toRow(state, hostState, shapes.get(texts[i] ?? '') ?? 0));
  await writeBatches(db, 'upsert listener_states', rows, (batch) =>
    db
      .insertInto('listener_states')
      .values(batch)
      .onConflict((conflict) =>
        conflict.columns(['host_state', 'port', 'transport', 'scope', 'address']).doUpdateSet((eb) => ({
          open: eb.ref('excluded.open'),
          first_seen: eb.ref('excluded.first_seen'),
          open_since: eb.ref('excluded.open_since'),
          last_seen: eb.ref('excluded.last_seen'),
          closed_at: eb.ref('excluded.closed_at'),
          restarts: eb.ref('excluded.restarts'),
          shape: eb.ref('excluded.shape'),
          pid: eb.ref('excluded.pid'),
          started_at: eb.ref('excluded.started_at'),
          shared_with: eb.ref('excluded.shared_with'),
          remembered: eb.ref('excluded.remembered'),
        })),
      ),
  );
}

/** Writes only `last_seen`. */
export async function touchListeners(db: Database, hostState: number, states: readonly ListenerState[]): Promise<void> {
  for (const { listener: l, lastSeen } of states) {
    await sql`update listener_states set last_seen = ${lastSeen} where host_state = ${hostState} and port = ${l.port}
      and transport = ${l.transport} and scope = ${l.scope} and address = ${l.address}`.execute(db);
  }
}

/** Removes states. */
export async function deleteListeners(
  db: Database,
  hostState: number,
  states: readonly ListenerState[],
): Promise<void> {
  for (const { listener: l } of states) {
    await sql`delete from listener_states where host_state = ${hostState} and port = ${l.port}
      and transport = ${l.transport} and scope = ${l.scope} and address = ${l.address}`.execute(db);
  }
}

function toRow(state: ListenerState, hostState: number, shape: number): Omit<ListenerStateTable, 'id'> {
  const { process, sharedWith, ...l } = state.listener;
  return {
    host_state: hostState,
    scope: l.scope,
    transport: l.transport,
    port: l.port,
    address: l.address,
    open: state.open ? 1 : 0,
    first_seen: state.firstSeen,
    open_since: state.openSince,
    last_seen: state.lastSeen,
    closed_at: state.closedAt,
    restarts: state.restarts,
    shape,
    pid: process?.pid ?? null,
    started_at: process?.startedAt ?? null,
    shared_with: sharedWith.length > 0 ? JSON.stringify(sharedWith) : null,
    remembered: state.remembered ? JSON.stringify(state.remembered) : null,
  };
}

import { sql } from 'kysely';
import { compareListeners, type Listener } from '../../model/listener.ts';
import type { ListenerAttributes } from '../../model/listener-attributes.ts';
import type { ListenerState } from '../../model/state.ts';
import { batches, type Database } from '../database.ts';
import type { ListenerFilter } from '../store.ts';
import { confirmedKey, confirmedTimes } from './host-states.ts';

/** A listener over time. One per host, vantage, port, transport, scope and address. */
export interface ListenerStateTable {
  host: string;
  vantage: string;
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
  /** JSON of the Listener. */
  listener: string;
  /** JSON of ListenerAttributes. */
  remembered: string | null;
}

const KEY = ['host', 'vantage', 'port', 'transport', 'scope', 'address'] as const;

/** Listeners that match, sorted by listener, then vantage. */
export async function selectListeners(
  db: Database,
  filter: ListenerFilter & { readonly vantage?: string } = {},
): Promise<ListenerState[]> {
  const confirmed = await confirmedTimes(db);
  let query = db
    .selectFrom('listener_states')
    .select(['host', 'vantage', 'open', 'first_seen', 'open_since', 'last_seen', 'closed_at', 'restarts'])
    .select(['listener', 'remembered']);
  if (filter.host !== undefined) query = query.where('host', '=', filter.host);
  if (filter.vantage !== undefined) query = query.where('vantage', '=', filter.vantage);
  if (filter.scope !== undefined) query = query.where('scope', '=', filter.scope);
  if (filter.transport !== undefined) query = query.where('transport', '=', filter.transport);
  if (filter.port !== undefined) query = query.where('port', '=', filter.port);
  if (filter.openOnly) query = query.where('open', '=', 1);
  const states = (await query.execute()).map((row): ListenerState => {
    const confirmedAt = row.open === 1 ? (confirmed.get(confirmedKey(row.host, row.vantage)) ?? 0) : 0;
    return {
      vantage: row.vantage,
      listener: JSON.parse(row.listener) as Listener,
      open: row.open === 1,
      firstSeen: row.first_seen,
      openSince: row.open_since,
      lastSeen: Math.max(row.last_seen, confirmedAt),
      closedAt: row.closed_at,
      restarts: row.restarts,
      ...(row.remembered !== null && { remembered: JSON.parse(row.remembered) as ListenerAttributes }),
    };
  });
  return states.sort(
    (a, b) => compareListeners(a.listener, b.listener) || (a.vantage < b.vantage ? -1 : a.vantage > b.vantage ? 1 : 0),
  );
}

/** Writes states, replacing those of the same key. */
export async function upsertListeners(db: Database, states: readonly ListenerState[]): Promise<void> {
  for (const batch of batches(states)) {
    await db
      .insertInto('listener_states')
      .values(batch.map(toRow))
      .onConflict((conflict) =>
        conflict.columns(KEY).doUpdateSet((eb) => ({
          open: eb.ref('excluded.open'),
          first_seen: eb.ref('excluded.first_seen'),
          open_since: eb.ref('excluded.open_since'),
          last_seen: eb.ref('excluded.last_seen'),
          closed_at: eb.ref('excluded.closed_at'),
          restarts: eb.ref('excluded.restarts'),
          listener: eb.ref('excluded.listener'),
          remembered: eb.ref('excluded.remembered'),
        })),
      )
      .execute();
  }
}

/** Writes only `last_seen`. */
export async function touchListeners(db: Database, states: readonly ListenerState[]): Promise<void> {
  for (const { vantage, listener: l, lastSeen } of states) {
    await sql`update listener_states set last_seen = ${lastSeen} where host = ${l.host} and vantage = ${vantage}
      and port = ${l.port} and transport = ${l.transport} and scope = ${l.scope} and address = ${l.address}`.execute(
      db,
    );
  }
}

/** Removes states. */
export async function deleteListeners(db: Database, states: readonly ListenerState[]): Promise<void> {
  for (const { vantage, listener: l } of states) {
    await sql`delete from listener_states where host = ${l.host} and vantage = ${vantage}
      and port = ${l.port} and transport = ${l.transport} and scope = ${l.scope} and address = ${l.address}`.execute(
      db,
    );
  }
}

function toRow(state: ListenerState): ListenerStateTable {
  const l = state.listener;
  return {
    host: l.host,
    vantage: state.vantage,
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
    listener: JSON.stringify(l),
    remembered: state.remembered ? JSON.stringify(state.remembered) : null,
  };
}

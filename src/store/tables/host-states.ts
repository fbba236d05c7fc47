import type { Generated, Selectable } from 'kysely';
import type { HostState } from '../../model/state.ts';
import { getOrMake } from '../../util/get-or-make.ts';
import { batches, type Database, writeBatches } from '../database.ts';
import { readDocuments } from './documents.ts';

/** Newest look at a host from a vantage. Coverage, gaps and host facts are the document `basis`. */
export interface HostStateTable {
  id: Generated<number>;
  host: string;
  vantage: string;
  first_observed_at: number;
  last_observed_at: number;
  /** Newest look that saw every listener that is open: saves writing each one's `last_seen` at every look. */
  confirmed_at: number;
  observation_id: string;
  /** SHA-256 of observationBasis (src/model/changes.ts). */
  basis: string;
}

type Basis = Pick<HostState, 'host' | 'collector' | 'privilege' | 'coverage' | 'gaps' | 'outcomes'>;

/** What a host's state is kept under. */
export interface HostKey {
  readonly host: string;
  readonly vantage: string;
}

/** Unique text of a key. */
export function hostKey({ host, vantage }: HostKey): string {
  return `${vantage}\n${host}`;
}

/** A host's state with what only the store needs. */
export interface StoredHost {
  readonly id: number;
  readonly at: HostKey;
  readonly state: HostState;
  readonly confirmedAt: number;
  /** Digest of the document that it rests on. */
  readonly basis: string;
}

/** Hosts, sorted by name, then vantage: every one, or those of some keys. */
export async function selectHosts(db: Database, keys?: readonly HostKey[]): Promise<StoredHost[]> {
  const hosts: StoredHost[] = [];
  for (const rows of batches(keys ? await selectRows(db, keys) : await allRows(db).execute())) {
    const documents = await readDocuments(
      db,
      rows.map((row) => row.basis),
    );
    for (const row of rows) hosts.push(toHost(row, documents.get(row.basis)));
  }
  return hosts;
}

function toHost(row: Selectable<HostStateTable>, bytes: Uint8Array | undefined): StoredHost {
  if (!bytes) throw new Error(`the document ${row.basis} of the host ${row.host} is missing`);
  const { host, collector, privilege, coverage, gaps, outcomes } = JSON.parse(Buffer.from(bytes).toString()) as Basis;
  return {
    id: row.id,
    at: { host: row.host, vantage: row.vantage },
    confirmedAt: row.confirmed_at,
    basis: row.basis,
    state: {
      vantage: row.vantage,
      host,
      firstObservedAt: row.first_observed_at,
      lastObservedAt: row.last_observed_at,
      privilege,
      collector,
      observationId: row.observation_id,
      coverage,
      gaps,
      ...(outcomes && { outcomes }),
    },
  };
}

function allRows(db: Database) {
  return db.selectFrom('host_states').selectAll().orderBy('host').orderBy('vantage');
}

async function selectRows(db: Database, keys: readonly HostKey[]): Promise<Selectable<HostStateTable>[]> {
  const byVantage = new Map<string, string[]>();
  for (const { host, vantage } of keys) getOrMake(byVantage, vantage, () => []).push(host);
  const rows: Selectable<HostStateTable>[] = [];
  for (const [vantage, hosts] of byVantage)
    for (const some of batches(hosts))
      rows.push(...(await allRows(db).where('vantage', '=', vantage).where('host', 'in', some).execute()));
  return rows;
}

/** Writes what is known of hosts; returns the ids of their rows by hostKey. */
export async function upsertHosts(
  db: Database,
  hosts: readonly Omit<StoredHost, 'id'>[],
): Promise<ReadonlyMap<string, number>> {
  const rows = hosts.map(({ at, state, confirmedAt, basis }) => ({
    host: at.host,
    vantage: at.vantage,
    first_observed_at: state.firstObservedAt,
    last_observed_at: state.lastObservedAt,
    confirmed_at: confirmedAt,
    observation_id: state.observationId,
    basis,
  }));
  const written = await writeBatches(db, 'upsert host_states', rows, (batch) =>
    db
      .insertInto('host_states')
      .values(batch)
      .onConflict((conflict) =>
        conflict.columns(['host', 'vantage']).doUpdateSet((eb) => ({
          first_observed_at: eb.ref('excluded.first_observed_at'),
          last_observed_at: eb.ref('excluded.last_observed_at'),
          confirmed_at: eb.ref('excluded.confirmed_at'),
          observation_id: eb.ref('excluded.observation_id'),
          basis: eb.ref('excluded.basis'),
        })),
      )
      .returning(['id', 'host', 'vantage']),
  );
  return new Map(written.map((row) => [hostKey(row), row.id]));
}

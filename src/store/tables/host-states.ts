import type { Generated } from 'kysely';
import type { HostState } from '../../model/state.ts';
import type { Database } from '../database.ts';
import { readDocument } from './documents.ts';

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

/** A host's state with what only the store needs. */
export interface StoredHost {
  readonly state: HostState;
  readonly confirmedAt: number;
  readonly basis: string;
}

/** Hosts, sorted by name, then vantage; or the one of a name and vantage. */
export async function selectHosts(db: Database, one?: { host: string; vantage: string }): Promise<StoredHost[]> {
  let query = db.selectFrom('host_states').selectAll().orderBy('host').orderBy('vantage');
  if (one) query = query.where('host', '=', one.host).where('vantage', '=', one.vantage);
  const hosts: StoredHost[] = [];
  for (const row of await query.execute()) {
    const bytes = await readDocument(db, row.basis);
    if (!bytes) throw new Error(`the document ${row.basis} of the host ${row.host} is missing`);
    const { host, collector, privilege, coverage, gaps, outcomes } = JSON.parse(Buffer.from(bytes).toString()) as Basis;
    hosts.push({
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
    });
  }
  return hosts;
}

/** Writes what is known of a host from a vantage; returns the id of the row. */
export async function upsertHost(db: Database, { state, confirmedAt, basis }: StoredHost): Promise<number> {
  const row = {
    host: state.host.name,
    vantage: state.vantage,
    first_observed_at: state.firstObservedAt,
    last_observed_at: state.lastObservedAt,
    confirmed_at: confirmedAt,
    observation_id: state.observationId,
    basis,
  };
  const written = await db
    .insertInto('host_states')
    .values(row)
    .onConflict((conflict) => conflict.columns(['host', 'vantage']).doUpdateSet(row))
    .returning('id')
    .executeTakeFirstOrThrow();
  return written.id;
}

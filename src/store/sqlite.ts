import { statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { Kysely, sql } from 'kysely';
import type { Event, EventDraft } from '../model/event.ts';
import type { Finding } from '../model/finding.ts';
import type { Observation } from '../model/observation.ts';
import type { HostState, ListenerState } from '../model/state.ts';
import type { Database, Tables } from './database.ts';
import type { FlowManifestStore } from './flow-manifest.ts';
import type { IncidentStore } from './incident-store.ts';
import type { LedgerStore } from './ledger-store.ts';
import { type Migrations, migrate, schemaOf } from './migrate.ts';
import { MIGRATIONS } from './migrations/index.ts';
import { BUSY_TIMEOUT_MS, notUpgraded, openToRead } from './open-to-read.ts';
import { recordObservations } from './record-observations.ts';
import { NodeSqliteDialect } from './sqlite-dialect.ts';
import { explainError } from './sqlite-errors.ts';
import { prepareFile, storeFile } from './sqlite-file.ts';
import { retryWhileBusy } from './sqlite-lock.ts';
import type {
  DocumentKind,
  EventQuery,
  FindingSync,
  ListEvent,
  ListenerFilter,
  ListKind,
  Lists,
  Store,
  StoreOptions,
  StoreStats,
} from './store.ts';
import {
  countDeliveries,
  forgetOld,
  reviveDeliveries,
  selectDeliveries,
  settleDelivery,
} from './tables/alert-deliveries.ts';
import { readCache, writeCache } from './tables/cache.ts';
import { readDocument, writeDocument } from './tables/documents.ts';
import { type EventGroup, insertEventGroups, selectEvents } from './tables/events.ts';
import { selectFirstSeen, writeFindings } from './tables/findings.ts';
import {
  deleteRetired,
  exchangeParts,
  forgetFlowsBefore,
  insertFeeds,
  insertInput,
  isInputKnown,
  selectAddresses,
  selectCoverage,
  selectFeeds,
  selectFiles,
  selectParts,
  selectRetired,
} from './tables/flows.ts';
import { selectHosts } from './tables/host-states.ts';
import {
  findIncident,
  listIncidents,
  readMarks,
  selectEventsAfter,
  selectIncidentIds,
  selectIncidents,
  selectNewestSequence,
  writeAlerts,
} from './tables/incidents.ts';
import { beginLedger, forgetRecords, growLedger, insertCheckpoint } from './tables/ledger.ts';
import { selectListeners } from './tables/listener-states.ts';
import { deleteList, selectLists, writeList } from './tables/lists.ts';
import { selectWindows } from './tables/maintenance-windows.ts';

const LOCK_TIMEOUT_MS = 10_000;
/** Callers of appendEvents whose records are committed together at most. */
const GROUP = 4_096;

/** Opens the embedded store: openStore of src/store/store.ts says how. `migrations`: other ones for tests. */
export async function openSqliteStore(options: StoreOptions, migrations: Migrations = MIGRATIONS): Promise<Store> {
  const file = storeFile(options.dir);
  const lockTimeoutMs = options.lockTimeoutMs ?? LOCK_TIMEOUT_MS;
  let db: DatabaseSync | undefined;
  try {
    prepareFile(options);
    db = options.mode === 'write' ? new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS }) : openToRead(file);
    // Before anything is set: a database of another program must not be touched.
    const schema = await retryWhileBusy(lockTimeoutMs, () => schemaOf(db as DatabaseSync, file, migrations.length));
    if (options.mode === 'write') {
      await retryWhileBusy(lockTimeoutMs, () => db?.exec('pragma journal_mode = wal'));
      db.exec(
        `pragma synchronous = full; pragma journal_size_limit = 16777216; pragma cache_size = -${options.cacheKb ?? 16_384}`,
      );
      await migrate(db, file, migrations, lockTimeoutMs);
    } else if (schema < migrations.length) throw notUpgraded(file, schema, migrations.length);
    return new SqliteStore(db, file, lockTimeoutMs);
  } catch (error) {
    if (db?.isOpen) db.close();
    throw explainError(error, file, lockTimeoutMs);
  }
}

interface Append extends EventGroup {
  readonly resolve: (events: readonly Event[]) => void;
  readonly reject: (error: unknown) => void;
}

class SqliteStore implements Store {
  readonly #db: Kysely<Tables>;
  readonly #raw: DatabaseSync;
  readonly #file: string;
  readonly #lockTimeoutMs: number;
  #waiting: Append[] = [];
  #appending: Promise<void> | undefined;
  readonly ledger: LedgerStore = {
    begin: (origin, event, recordedAt) => this.#write((db) => beginLedger(db, origin, event, recordedAt)),
    grow: (from, size, tiles) => this.#write((db) => growLedger(db, from, size, tiles)),
    addCheckpoint: (checkpoint) => this.#write((db) => insertCheckpoint(db, checkpoint)),
    forget: (through) => this.#write((db) => forgetRecords(db, through)),
  };
  readonly flows: FlowManifestStore = {
    feeds: () => this.#read(selectFeeds),
    addFeeds: (feeds) => this.#write((db) => insertFeeds(db, feeds)),
    hasInput: (digest) => this.#read((db) => isInputKnown(db, digest)),
    addInput: (input) => this.#write((db) => insertInput(db, input)),
    parts: () => this.#read(selectParts),
    exchange: (exchange) => this.#write((db) => exchangeParts(db, exchange)),
    retiredBefore: (time) => this.#read((db) => selectRetired(db, time)),
    files: () => this.#read(selectFiles),
    forgetRetired: (files) => this.#write((db) => deleteRetired(db, files)),
    coverage: (from, until) => this.#read((db) => selectCoverage(db, from, until)),
    forgetBefore: (time) => this.#write((db) => forgetFlowsBefore(db, time)),
    addresses: () => this.#read(selectAddresses),
  };
  readonly incidents: IncidentStore = {
    marks: () => this.#read(readMarks),
    load: (causeIds, keys) => this.#read((db) => selectIncidents(db, causeIds, keys)),
    list: (states, limit) => this.#read((db) => listIncidents(db, states, limit)),
    find: (id) => this.#read((db) => findIncident(db, id)),
    ids: () => this.#read(selectIncidentIds),
    eventsAfter: (sequence, types, limit) => this.#read((db) => selectEventsAfter(db, sequence, types, limit)),
    newestEvent: () => this.#read(selectNewestSequence),
    write: (batch, recordedAt) => this.#write((db) => writeAlerts(db, batch, recordedAt)),
    deliveries: (state, limit, dueBy) => this.#read((db) => selectDeliveries(db, state, limit, dueBy)),
    deliveredSince: (time) => this.#read((db) => countDeliveries(db, time)),
    settle: (settlement, event, recordedAt) => this.#write((db) => settleDelivery(db, settlement, event, recordedAt)),
    revive: (channel, now) => this.#write((db) => reviveDeliveries(db, channel, now)),
    forgetOld: (before) => this.#write((db) => forgetOld(db, before)),
    windows: (now) => this.#read((db) => selectWindows(db, now)),
  };

  constructor(raw: DatabaseSync, file: string, lockTimeoutMs: number) {
    this.#raw = raw;
    this.#file = file;
    this.#lockTimeoutMs = lockTimeoutMs;
    this.#db = new Kysely<Tables>({ dialect: new NodeSqliteDialect(raw, lockTimeoutMs) });
  }

  recordObservation(observation: Observation, recordedAt: number): Promise<readonly Event[]> {
    return this.recordObservations([observation], recordedAt);
  }
  recordObservations(observations: readonly Observation[], recordedAt: number): Promise<readonly Event[]> {
    return this.#write((db) => recordObservations(db, observations, recordedAt));
  }
  listenerStates(filter?: ListenerFilter): Promise<readonly ListenerState[]> {
    return this.#read((db) => selectListeners(db, filter));
  }
  hostStates(): Promise<readonly HostState[]> {
    return this.#read(async (db) => (await selectHosts(db)).map(({ state }) => state));
  }
  events(query: EventQuery): Promise<readonly Event[]> {
    return this.#read((db) => selectEvents(db, query));
  }
  appendEvents(drafts: readonly EventDraft[], recordedAt: number): Promise<readonly Event[]> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ drafts, recordedAt, resolve, reject });
      this.#appending ??= this.#appendGroups();
    });
  }
  keepDocument(kind: DocumentKind, sha256: string, bytes: Uint8Array): Promise<void> {
    return this.#write((db) => writeDocument(db, kind, sha256, bytes));
  }
  document(sha256: string): Promise<Uint8Array | undefined> {
    return this.#read((db) => readDocument(db, sha256));
  }
  putList<K extends ListKind>(kind: K, list: Lists[K], event: ListEvent | null): Promise<Event | null> {
    return this.#write((db) => writeList(db, kind, list, event));
  }
  dropList(kind: ListKind, source: string, event: Omit<EventDraft, 'body'>): Promise<Event | null> {
    return this.#write((db) => deleteList(db, kind, source, event));
  }
  lists<K extends ListKind>(kind: K): Promise<readonly Lists[K][]> {
    return this.#read((db) => selectLists(db, kind));
  }
  syncFindings(open: readonly Finding[], now: number): Promise<FindingSync> {
    return this.#write((db) => writeFindings(db, open, now));
  }
  findingsFirstSeen(): Promise<ReadonlyMap<string, number>> {
    return this.#read(selectFirstSeen);
  }
  cacheGet(key: string): Promise<string | undefined> {
    return this.#read((db) => readCache(db, key));
  }
  cachePut(key: string, value: string): Promise<void> {
    return this.#write((db) => writeCache(db, key, value));
  }
  stats(): Promise<StoreStats> {
    return this.#read((db) => readStats(db, this.#file));
  }
  async close(): Promise<void> {
    await this.#appending;
    if (this.#raw.isOpen) await this.#db.destroy();
  }
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** Commits what waits in one transaction: a flush of the disk costs more than a thousand records. */
  async #appendGroups(): Promise<void> {
    while (this.#waiting.length > 0) {
      let group: Append[] = [];
      try {
        const results = await this.#write((db) => {
          // Taken once the lock is held: whoever came meanwhile comes along.
          group = this.#waiting.splice(0, GROUP);
          return insertEventGroups(db, group);
        });
        for (const [i, result] of results.entries())
          if (result instanceof Error) group[i]?.reject(result);
          else group[i]?.resolve(result);
      } catch (error) {
        if (group.length === 0) group = this.#waiting.splice(0);
        for (const { reject } of group) reject(error);
      }
    }
    // At once, without a wait between: whoever comes now begins anew.
    this.#appending = undefined;
  }
  #read<T>(use: (db: Database) => Promise<T>): Promise<T> {
    return this.#explained(() => this.#db.transaction().setAccessMode('read only').execute(use));
  }
  #write<T>(use: (db: Database) => Promise<T>): Promise<T> {
    return this.#explained(() => this.#db.transaction().execute(use));
  }
  async #explained<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      throw explainError(error, this.#file, this.#lockTimeoutMs);
    }
  }
}

async function readStats(db: Database, file: string): Promise<StoreStats> {
  const { rows } = await sql<Omit<StoreStats, 'bytes'>>`select
    (select user_version from pragma_user_version) as schema,
    (select count(*) from observations) as observations,
    (select coalesce(max(sequence), 0) from events) as events,
    (select count(*) from listener_states where open = 1) as listeners,
    (select count(*) from host_states) as hosts,
    (select count(*) from documents) as documents`.execute(db);
  const [counts] = rows;
  if (!counts) throw new Error('no row from a query without a table');
  const size = (name: string): number => statSync(name, { throwIfNoEntry: false })?.size ?? 0;
  return { ...counts, bytes: size(file) + size(`${file}-wal`) };
}

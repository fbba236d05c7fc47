import type { RulesetDump } from '../model/admission.ts';
import type { AssetList } from '../model/asset.ts';
import type { DeclarationList } from '../model/declaration.ts';
import type { Transport } from '../model/endpoint.ts';
import type { Event, EventDraft, EventType } from '../model/event.ts';
import type { Finding } from '../model/finding.ts';
import type { Observation } from '../model/observation.ts';
import type { HostState, ListenerState } from '../model/state.ts';
import type { TicketList } from '../model/ticket.ts';
import type { FlowManifestStore } from './flow-manifest.ts';
import type { IncidentStore } from './incident-store.ts';
import type { LedgerStore } from './ledger-store.ts';

/** Files kept by content hash, so that any past date can be shown. */
export const DOCUMENT_KINDS = ['register', 'ruleset', 'basis', 'list', 'review'] as const;
export type DocumentKind = (typeof DOCUMENT_KINDS)[number];

/** What is taken over from other systems as a whole, by source. */
export interface Lists {
  readonly assets: AssetList;
  readonly tickets: TicketList;
  readonly declarations: DeclarationList;
  readonly rulesets: RulesetList;
}

/** What was taken of packet filters. `source`: `local`, `ssh:HOST`, or who imported it: `import:NAME`. */
export interface RulesetList {
  readonly source: string;
  /** UTC milliseconds: when they were last seen to be so. The store gives every item this time as its own. */
  readonly importedAt: number;
  /** UTC milliseconds: when the texts were taken. Since then only counters changed. */
  readonly textsFrom: number;
  readonly items: readonly RulesetDump[];
}
export type ListKind = keyof Lists;

/** The event about a list; the store adds what was listed. */
export type ListEvent = Omit<EventDraft, 'body'> & Partial<Pick<EventDraft, 'body'>>;

/** Narrows listenerStates; each given field must match. */
export interface ListenerFilter {
  readonly host?: string;
  readonly scope?: string;
  readonly transport?: Transport;
  readonly port?: number;
  readonly openOnly?: boolean;
}

/** Narrows events; each given field must match. */
export interface EventQuery {
  readonly subject?: string;
  readonly subjectPrefix?: string;
  readonly types?: readonly EventType[];
  /** UTC milliseconds of observedAt, inclusive. */
  readonly since?: number;
  /** UTC milliseconds of observedAt, exclusive. */
  readonly until?: number;
  /** Only events before this one: the last sequence of the page before. */
  readonly beforeSequence?: number;
  readonly limit: number;
}

/** A finding of the past. Which controls it speaks to is a fact of the frameworks, not of the history. */
export type PastFinding = Omit<Finding, 'controls'>;

export interface FindingSync {
  /** Findings that are gone, newest first: since the sync before, and others of the last 7 days, at most 1,000. */
  readonly resolved: readonly PastFinding[];
}

export interface StoreStats {
  readonly schema: number;
  readonly observations: number;
  readonly events: number;
  readonly listeners: number;
  readonly hosts: number;
  readonly documents: number;
  /** Bytes on disk, write-ahead log included. */
  readonly bytes: number;
}

/**
 * What Quietdoor remembers: the state of hosts and listeners, the ledger, documents and the history of findings.
 * Every method that writes has written durably when its promise resolves, or nothing. Throws UserError where the store
 * is busy, full, read-only or damaged.
 */
export interface Store extends AsyncDisposable {
  /**
   * Compares an observation with what is known and writes state and events in one transaction. Returns the events; none
   * if this observation (by id) was recorded before. `recordedAt`: UTC milliseconds.
   */
  recordObservation(observation: Observation, recordedAt: number): Promise<readonly Event[]>;
  /** The same for many hosts in one transaction: all of them are recorded, or none. */
  recordObservations(observations: readonly Observation[], recordedAt: number): Promise<readonly Event[]>;
  /** Listeners over time, sorted by listener, then vantage. */
  listenerStates(filter?: ListenerFilter): Promise<readonly ListenerState[]>;
  /** What is known of hosts, sorted by host, then vantage. */
  hostStates(): Promise<readonly HostState[]>;
  /** Records of the ledger, newest first. */
  events(query: EventQuery): Promise<readonly Event[]>;
  /** Writes records to the ledger, in order and without holes. Callers that come at once are committed together. */
  appendEvents(drafts: readonly EventDraft[], recordedAt: number): Promise<readonly Event[]>;
  /** What the sequencer of the ledger writes. */
  readonly ledger: LedgerStore;
  /** Incidents, the outbox of alerts, maintenance windows. */
  readonly incidents: IncidentStore;
  /** Manifest of the flow store (src/store/flows.ts), which alone writes to it. */
  readonly flows: FlowManifestStore;
  /** Keeps bytes under their SHA-256 (hex). Throws Error if they have another. Keeping them twice is once. */
  keepDocument(kind: DocumentKind, sha256: string, bytes: Uint8Array): Promise<void>;
  /** Bytes of a document; undefined if there is none. Throws UserError if they are damaged. */
  document(sha256: string): Promise<Uint8Array | undefined>;
  /**
   * Replaces what a source listed and writes one event about it, with the digest of what it listed and who did it. An
   * empty list stays known as empty. `event`: a body of its own is written beside that; null: none is wanted. Returns
   * null where nothing changed, or none was wanted.
   */
  putList<K extends ListKind>(kind: K, list: Lists[K], event: ListEvent | null): Promise<Event | null>;
  /** Forgets a source's list; null where there was none. */
  dropList(kind: ListKind, source: string, event: Omit<EventDraft, 'body'>): Promise<Event | null>;
  /** Lists of a kind, sorted by source. */
  lists<K extends ListKind>(kind: K): Promise<readonly Lists[K][]>;
  /**
   * Tells the history which findings there are now: the complete answer of one check. A finding that comes back keeps
   * its first date. `now`: UTC milliseconds.
   */
  syncFindings(open: readonly Finding[], now: number): Promise<FindingSync>;
  /** First date of every finding ever seen, by fingerprint. */
  findingsFirstSeen(): Promise<ReadonlyMap<string, number>>;
  /** A text kept by cachePut; undefined if it is not there (any more). */
  cacheGet(key: string): Promise<string | undefined>;
  /** Keeps a text that could be worked out again; the oldest go when there are more than 128 MiB, and too large ones are not kept. */
  cachePut(key: string, value: string): Promise<void>;
  stats(): Promise<StoreStats>;
  close(): Promise<void>;
}

export interface StoreOptions {
  /** Directory of the store; made if it is missing (mode `write`). */
  readonly dir: string;
  /** `read` writes nothing, not even a missing directory, and works on a read-only mount. */
  readonly mode: 'write' | 'read';
  /** Pages of the database that are kept in memory, KiB; default 16,384. */
  readonly cacheKb?: number;
  /** Longest wait for another process that writes; default 10 s. */
  readonly lockTimeoutMs?: number;
  /** Who is to own files that are made; default: the invoking user under sudo, else the running one. */
  readonly owner?: { readonly uid: number; readonly gid: number };
}

/**
 * Opens the store of a directory. Throws UserError if it is foreign, newer, damaged, busy, on a network file system, or
 * cannot be read or written. The query layer is loaded here and not before: it costs 0.17 s.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  const { openSqliteStore } = await import('./sqlite.ts');
  return openSqliteStore(options);
}

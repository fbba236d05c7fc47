import type { EventDraft } from '../model/event.ts';
import type { Feed, FeedCoverage, FlowBatch } from '../model/flow.ts';
import type { StoredFeed, StoredPart } from './flow-manifest.ts';

/** Narrows rows; each given field must match. Addresses as in FlowBatch: [low, high] halves. */
export interface FlowQuery {
  /** UTC seconds, [from, until). */
  readonly from: number;
  readonly until: number;
  /** Addresses as text; any of them. */
  readonly destinations?: readonly string[];
  readonly sources?: readonly string[];
  readonly port?: number;
  readonly protocol?: number;
  readonly directedOnly?: boolean;
  /** ACTION codes; any of them. */
  readonly actions?: readonly number[];
}

/** What is appended together: it is there as a whole, or not at all. */
export interface FlowPart {
  readonly batches: Iterable<FlowBatch> | AsyncIterable<FlowBatch>;
  /** Feeds by the numbers that the batches use. More may be added until the batches end, each before its first row. */
  readonly feeds: readonly Feed[];
  /** Read when the batches have ended. */
  readonly coverage: readonly FeedCoverage[];
  /**
   * Hash of the input (file, or batch of a live source): a part that is there already is not taken twice. Read before the
   * batches, and again when they have ended: a stream knows it only then.
   */
  readonly digest: string;
  /** Where it came from, for people. */
  readonly source: string;
  /** UTC milliseconds. */
  readonly recordedAt: number;
  /** Written to the ledger together with the rows; read when the batches have ended. */
  readonly event?: EventDraft;
}

export interface Appended {
  /** False: this digest was there already. */
  readonly isNew: boolean;
  readonly rows: number;
}

export interface FlowTotals {
  readonly rows: number;
  readonly connections: number;
  readonly packets: number;
  readonly bytes: number;
}

/** What one source did at one port. Times: UTC seconds, starts of buckets. */
export interface SourceSum {
  readonly destination: string;
  readonly port: number;
  readonly protocol: number;
  readonly source: string;
  /** Not refused. */
  readonly connections: number;
  /** Among them, those known to have been let in. */
  readonly accepted: number;
  readonly denied: number;
  readonly bytes: number;
  readonly first: number;
  readonly last: number;
  /** null: every connection was refused. */
  readonly lastAccepted: number | null;
}

/** What came to one port in a slot of time. */
export interface SlotSum {
  readonly destination: string;
  readonly port: number;
  readonly protocol: number;
  /** UTC seconds: start of the slot. */
  readonly slot: number;
  /** Not refused. */
  readonly connections: number;
  readonly denied: number;
  readonly bytes: number;
  /** Connections of which it is not known which side is the service. */
  readonly undirected: number;
}

/** A part that is not as it was written. Its time counts as a gap of its feeds. */
export interface DamagedPart {
  readonly part: StoredPart;
  /** `it is missing`. */
  readonly reason: string;
}

/**
 * Flows that are kept: Parquet parts by day beside the store, with a manifest in it. One writer at a time; readers in other
 * processes see whole parts only. What append has acknowledged is on disk. Opened by openFlowStore of src/store/flows.ts.
 */
export interface FlowStore extends AsyncDisposable {
  append(part: FlowPart): Promise<Appended>;
  /** Rows sorted by destination, port, protocol, bucket, source; rows of several parts are added up. A batch is valid until the next. */
  rows(query: FlowQuery): AsyncIterable<FlowBatch>;
  totals(query: FlowQuery): Promise<FlowTotals>;
  /**
   * Sums per port and source, sorted by port. Counts are of the query's time from `since` on (UTC seconds); `first` and the
   * others look at all of it. Rows of unknown direction are left out.
   */
  sources(query: FlowQuery, since: number): AsyncIterable<SourceSum>;
  /** Sums per port and slot of `seconds`, sorted by port and time. */
  slots(query: FlowQuery, seconds: number): AsyncIterable<SlotSum>;
  /** Coverage within the time, sorted by feed and time, neighbours merged. */
  coverage(from: number, until: number): Promise<readonly FeedCoverage[]>;
  /** Destination addresses (text) that each feed has ever reported, in either role; by feed name. */
  feedAddresses(): Promise<ReadonlyMap<string, ReadonlySet<string>>>;
  /** Time of the first and last bucket kept, UTC seconds; null: nothing is. */
  span(): Promise<{ readonly from: number; readonly until: number } | null>;
  /** Feeds with their numbers in the rows. */
  feeds?(): Promise<readonly StoredFeed[]>;
  /** Parts that cannot be used; every other method leaves them out. */
  damaged?(): Promise<readonly DamagedPart[]>;
  /** Merges parts and moves old rows to coarser tiers. UTC milliseconds. */
  compact(now: number): Promise<unknown>;
  close(): Promise<void>;
}

import type { EventDraft } from '../model/event.ts';
import type { Feed, FeedCoverage } from '../model/flow.ts';

/** A feed with its number in the parts. */
export interface StoredFeed extends Feed {
  readonly id: number;
}

/** A Parquet file of the flow store. Immutable. */
export interface StoredPart {
  /** Path below the folder of flows, with `/`. */
  readonly file: string;
  /** Seconds of a bucket: 300, 3,600 or 86,400. */
  readonly tier: number;
  /** UTC seconds: start of its first bucket, end of its last one. */
  readonly from: number;
  readonly until: number;
  readonly rows: number;
  /** Size of the file. */
  readonly bytes: number;
  readonly sha256: string;
  /** Numbers of the feeds in it. */
  readonly feeds: readonly number[];
}

/** What is taken in together. */
export interface StoredInput {
  readonly digest: string;
  readonly source: string;
  /** UTC milliseconds. */
  readonly recordedAt: number;
  readonly rows: number;
  readonly parts: readonly StoredPart[];
  readonly coverage: readonly FeedCoverage[];
  readonly addresses: readonly FeedAddress[];
  /** Written to the ledger with it. */
  readonly event?: EventDraft;
}

/** Addresses that are kept of a feed. */
export const MOST_FEED_ADDRESSES = 262_144;

/** An address that a feed reported. */
export interface FeedAddress {
  /** Number of the feed. */
  readonly feed: number;
  readonly address: string;
  /** 1: as a source, 2: as a destination, 3: as both. */
  readonly role: number;
}

/** Parts that take the place of others. */
export interface PartExchange {
  /** Files whose rows the added parts have, or that are past their time. */
  readonly retired: readonly string[];
  readonly added: readonly StoredPart[];
  /** What is written to the ledger with it; null: nothing. */
  readonly event: EventDraft | null;
  /** UTC milliseconds. */
  readonly at: number;
}

/**
 * What the store knows of flows: which files count, and what is true of feeds. Every method that writes has written
 * durably when its promise resolves, or nothing.
 */
export interface FlowManifestStore {
  /** Feeds by number. */
  feeds(): Promise<readonly StoredFeed[]>;
  /** Numbers of feeds, in order; those that are new get one, which is that of the feed `other` where there are too many. */
  addFeeds(feeds: readonly Feed[]): Promise<readonly number[]>;
  /** Says whether an input was taken in. */
  hasInput(digest: string): Promise<boolean>;
  /** Enters an input with its parts; false, and nothing is written, where its digest is there. */
  addInput(input: StoredInput): Promise<boolean>;
  /** Parts that count, by time. */
  parts(): Promise<readonly StoredPart[]>;
  /** Exchanges parts; false, and nothing is written, where one of the retired ones does not count any more. */
  exchange(exchange: PartExchange): Promise<boolean>;
  /** Files that were retired before a time (UTC milliseconds). */
  retiredBefore(time: number): Promise<readonly string[]>;
  /** Every file that the manifest knows, retired ones too. */
  files(): Promise<readonly string[]>;
  /** Takes retired files out of the manifest, once they are removed. */
  forgetRetired(files: readonly string[]): Promise<void>;
  /** Coverage that touches a time (UTC seconds), as it was written. */
  coverage(from: number, until: number): Promise<readonly FeedCoverage[]>;
  /** Forgets coverage and digests of inputs that ended before a time (UTC seconds). */
  forgetBefore(time: number): Promise<void>;
  /** Destinations that each feed reported, in either role; by name of the feed. */
  addresses(): Promise<ReadonlyMap<string, ReadonlySet<string>>>;
}

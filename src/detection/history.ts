/** Buckets of a day and of a week, and seconds of a day; the bucket is BUCKET_SECONDS of src/model/flow.ts. */
export const DAY_BUCKETS = 288;
export const DAY_SECONDS = 86_400;

/**
 * What is known of one port (destination address, protocol, port): counts per bucket of BUCKET_SECONDS, dense, the first at
 * `from`. A bucket that no feed covered is NaN in all of them: nothing is known of it, which is not zero.
 */
export interface PortHistory {
  /** Address as text. */
  readonly destination: string;
  readonly protocol: number;
  readonly port: number;
  /** UTC seconds, a multiple of a day. */
  readonly from: number;
  /** Accepted connections, or of unknown action. */
  readonly accepted: Float32Array;
  readonly denied: Float32Array;
  /** Of accepted connections. */
  readonly bytes: Float32Array;
  /** Different sources of accepted connections. */
  readonly sources: Float32Array;
}

/** Who came to a port when, as columns: one row per bucket, source and action, by bucket. Only the first `length` count. */
export interface Visits {
  length: number;
  /** UTC seconds. */
  readonly bucket: Uint32Array;
  /** Number of the source in a SourceTable. */
  readonly source: Uint32Array;
  /** ACTION of src/model/flow.ts. */
  readonly action: Uint8Array;
  readonly connections: Float64Array;
  readonly packets: Float64Array;
  readonly bytes: Float64Array;
}

/** What is remembered of a port from before its history, in coarser tiers. */
export interface EarlierPast {
  /** UTC seconds of the first and last accepted connection; null: there was none. */
  readonly firstAccepted: number | null;
  readonly lastAccepted: number | null;
  /** Longest time without an accepted connection between two of them, seconds; 0: fewer than two. */
  readonly longestPause: number;
  /** Numbers of sources and of their networks that were accepted. */
  readonly sources: ReadonlySet<number>;
  readonly networks: ReadonlySet<number>;
}

/** A port as detection takes it. */
export interface PortTraffic {
  readonly history: PortHistory;
  readonly visits: Visits;
  readonly earlier: EarlierPast | null;
  /** False: nobody knows whether this is the service side, it may be a client's port. */
  readonly isDirected: boolean;
  /** UTC seconds: since when anything is known of this port, with or without traffic. */
  readonly knownSince: number;
}

/** Sources by number. A network is a /24 of IPv4, a /64 of IPv6: who is in it changes, the network less. */
export interface SourceTable {
  address(source: number): string;
  /** Number of the source's network. */
  network(source: number): number;
  networkText(network: number): string;
}

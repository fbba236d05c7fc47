/**
 * A record as a format reads it. One object per run, filled again for each record: copy what you keep. Numbers only, so
 * that filling it makes no garbage. An address is its IPv4 value, or for IPv6 a number from 2^32 on given by AddressIds.
 */
export interface FlowRecord {
  /** UTC seconds, may have a fraction. */
  start: number;
  end: number;
  src: number;
  dst: number;
  /** -1: the protocol has none, or the record does not say. */
  srcPort: number;
  dstPort: number;
  /** IANA protocol number. */
  protocol: number;
  /** ACTION of src/model/flow.ts. */
  action: number;
  /** DIRECTION of src/model/flow.ts as the record itself shows it; `unknown` unless it does. */
  direction: number;
  /** 1; 0 where the record continues a connection that was counted before. */
  connections: number;
  packets: number;
  bytes: number;
}

/** Numbers for IPv6 addresses while a roll-up runs. */
export interface AddressIds {
  /** Number of the address in bytes[at, at + 16), network order; 2^32 or above (below for an IPv4-mapped one). */
  ipv6(bytes: Uint8Array, at: number): number;
}

/** Takes what a format reads. */
export interface FlowSink {
  /**
   * A format sets it once it knows: two records of a feed that are the same in all their values are one record that was
   * delivered twice. Otherwise they may be two, and both count.
   */
  isRepeatOne?: boolean;
  /** Line of the record, 1-based; 0: the format has none, or does not say. Set before `add`. */
  line?: number;
  readonly record: FlowRecord;
  readonly ids: AddressIds;
  /** Counts the record as it stands in `record`. */
  add(): void;
  /** A record that cannot be read: the rest is. `line`, `column` 1-based; 0: does not apply. `message`: what was expected. */
  problem(message: string, line: number, column: number): void;
  /** A record that is no flow and not meant to be one (a header, another kind of log line), by what it is. */
  skip(what: string): void;
  /** What a feed says of its own health: VPC's NODATA (`delivered`) and SKIPDATA (`gap`), lost sequence numbers. UTC seconds. */
  coverage(feed: string, from: number, until: number, kind: 'delivered' | 'gap', lost: number | null): void;
  /** Records that follow are of this feed, where the format tells several apart (an interface, an exporter). */
  feed(name: string): void;
  /** The same in two steps, for a format whose records change from feed to feed: the number of a feed; -1: none now. */
  numberOfFeed?(name: string): number;
  useFeed?(number: number): void;
}

export interface FlowFormatOptions {
  /**
   * UTC milliseconds: what the clock says, or said when the input was written. Dates without a year (RFC 3164) are the newest
   * that are not more than a day after it. Asked for again with each of them: live sources let it go with the clock.
   */
  readonly reference: number;
  /** Minutes east of UTC that times without a zone are in; default 0. */
  readonly utcOffsetMinutes: number;
  /** Column by field, for CSV: `src` → `Source address`. */
  readonly mapping: ReadonlyMap<string, string>;
  /** Action by prefix of a log line (`--log-prefix`), for packet filter logs: `web-drop: ` → denied. */
  readonly prefixes: ReadonlyMap<string, 'accepted' | 'denied'>;
}

/** A running read of one file or stream. */
export interface FlowParser {
  /**
   * Reads bytes[from, to), which are whole lines (`to` is behind a line end, or the end of the input); `line` is the number
   * of the first one. Returns how many lines there were. Never throws because of what the bytes are.
   */
  lines(bytes: Uint8Array, from: number, to: number, line: number): number;
  /** The input is over: says what is missing. */
  end(): void;
}

/** A log format of flows: one file of this folder each. */
export interface FlowFormat {
  /** Slug for `--as`: `aws-vpc`, `zeek`, `netfilter-log`. */
  readonly name: string;
  /** `AWS VPC flow logs, text (versions 2 to 5)`. */
  readonly title: string;
  /**
   * What a record says of the time that its feed covers: `windows`, that the feed delivered in the record's own time and no
   * more (AWS VPC, NetFlow); `span` (default), that it delivered whatever there was from the first record to the last;
   * `none`, that it delivered what it was told to choose, so that silence says nothing (packets that a rule logs).
   */
  readonly coverage?: 'windows' | 'span' | 'none';
  /** Says whether a file is of this format, by its first 64 KiB. Must not take what another format's is. */
  detect(head: Uint8Array): boolean;
  open(sink: FlowSink, options: FlowFormatOptions): FlowParser;
}

/** What flows are added up by. */
export const TOP_KEYS = ['source', 'destination', 'port', 'endpoint', 'pair', 'feed'] as const;
export type TopKey = (typeof TOP_KEYS)[number];

/** What they are sorted by, the most first. */
export const TOP_MEASURES = ['connections', 'denied', 'bytes', 'packets', 'sources'] as const;
export type TopMeasure = (typeof TOP_MEASURES)[number];

/** Flows added up. Fields that they are not added up by are absent. */
export interface TopRow {
  readonly source?: string;
  readonly destination?: string;
  readonly port?: number;
  /** IANA protocol number. */
  readonly protocol?: number;
  /** Name of the feed. */
  readonly feed?: string;
  /** False: it is not known which side opened these, so that the port may be a client's. Absent: not told apart. */
  readonly directed?: boolean;
  /** Accepted ones, or of unknown action. */
  readonly connections: number;
  readonly denied: number;
  readonly bytes: number;
  readonly packets: number;
  /** Different sources. */
  readonly sources: number;
  /** UTC seconds: start of the first and of the last bucket. */
  readonly first: number;
  readonly last: number;
}

/** The largest of them. */
export interface FlowTop {
  readonly by: TopKey;
  readonly measure: TopMeasure;
  /** UTC seconds. */
  readonly from: number;
  readonly until: number;
  /** How many there are in all. */
  readonly count: number;
  readonly rows: readonly TopRow[];
}

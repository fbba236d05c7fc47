import type { Anomaly } from './anomaly.ts';

/** Sources of an endpoint that are told one by one. */
export const MAX_SOURCES = 1_000;

/** Who connected to an endpoint, over the time that is looked at. */
export interface SourceTraffic {
  /** Address. */
  readonly source: string;
  /** UTC milliseconds: first bucket ever, last bucket. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** Accepted ones, or of unknown action. */
  readonly connections: number;
  /** Among them, those known to have been let in. */
  readonly accepted: number;
  readonly denied: number;
  readonly bytes: number;
  /** UTC milliseconds of its last accepted connection's bucket; null: none was. */
  readonly lastAccepted: number | null;
  /** By the deciding register entry; null: no entry decides, or it does not say. */
  readonly approved: boolean | null;
}

/** Observed traffic of one endpoint: what checks, `explain` and reports show. */
export interface EndpointTraffic {
  /** UTC milliseconds: the time looked at, [from, until). */
  readonly from: number;
  readonly until: number;
  /** Share of that time in which a feed that sees this endpoint delivered, 0 to 1. */
  readonly covered: number;
  /** UTC milliseconds: since when it has been covered without a gap of more than an hour; null: it is not. */
  readonly coveredSince: number | null;
  /** Names of the feeds. */
  readonly feeds: readonly string[];
  readonly connections: number;
  readonly denied: number;
  readonly bytes: number;
  /** UTC milliseconds of the last accepted connection's bucket; null: none in the time kept. */
  readonly lastAccepted: number | null;
  /** Not approved ones first, then by connections, at most MAX_SOURCES. */
  readonly sources: readonly SourceTraffic[];
  /** Sources in all, and those among them that are not approved and were accepted. */
  readonly sourceCount: number;
  /** Sources that were let in at least once, or of unknown action; the others were refused only. */
  readonly acceptedCount: number;
  readonly unapprovedCount: number;
  /** What the deciding entry allows and nobody came from in the time looked at, as it is written; null: no entry decides, or it does not say. */
  readonly unusedSources: readonly string[] | null;
  /** Accepted connections per six hours, oldest first; null: not covered. For the sparkline. */
  readonly quarterDays: readonly (number | null)[];
  /** Median connections per hour by hour of the week in UTC (0: Monday 00:00), 168 values; null: not learned yet. */
  readonly usualHours: readonly number[] | null;
  /** Days of history behind that. */
  readonly learnedDays: number;
  /** Connections in the newest whole hour, and what is usual then; null: not known. */
  readonly now: {
    /** UTC milliseconds: its beginning. */
    readonly hour: number;
    readonly perHour: number;
    readonly usualLow: number;
    readonly usualHigh: number;
  } | null;
  /** Open ones, and those of the last 7 days; most surprising first, at most 50. */
  readonly anomalies: readonly Anomaly[];
  /** Part of the flows had no known direction. */
  readonly undirected: number;
}

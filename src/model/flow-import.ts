import type { Feed, FeedCoverage } from './flow.ts';

/** What came, in numbers. */
export interface FlowCounts {
  /** Records taken. */
  records: number;
  accepted: number;
  denied: number;
  /** The record does not say what became of the packets. */
  undecided: number;
  /** Records whose direction they show themselves; those a listener or the register decided; those left unknown. */
  directedByRecord: number;
  directedByService: number;
  undirected: number;
  readonly connections: number;
  readonly packets: number;
  readonly bytes: number;
  /** Records that were delivered before and not taken again. */
  repeated: number;
  /** Records not taken because of their time: before 2000, or more than a day ahead of the clock. */
  absurd: number;
  /** Records taken whose time is ahead of the clock by more than five minutes. */
  ahead: number;
  /** Records taken whose end is before their start. */
  backwards: number;
  /** UTC seconds of the earliest start and the latest end of what was taken; Infinity and -Infinity before the first. */
  readonly first: number;
  readonly last: number;
  /** Rows written out. */
  rows: number;
  problems: number;
}

/** A line of a file that could not be used as it is. */
export interface FlowProblem {
  readonly message: string;
  /** 1-based; 0: does not apply. */
  readonly line: number;
  readonly column: number;
}

/** What came of one file of flows. */
export interface FlowImport {
  readonly file: string;
  /** Name of the format. */
  readonly format: string;
  readonly counts: Readonly<FlowCounts>;
  /** Records passed over, by what they are. */
  readonly skipped: ReadonlyMap<string, number>;
  readonly lines: number;
  /** The first ones; `counts.problems` says how many there were. */
  readonly problems: readonly FlowProblem[];
  /** What happened to the file while it was read: sentences. */
  readonly troubles: readonly string[];
  readonly feeds: readonly Feed[];
  readonly coverage: readonly FeedCoverage[];
  /** `sha256:<hex>`; null where nothing is recorded. */
  readonly digest: string | null;
  /** The same bytes were taken in before: nothing was taken now. */
  readonly isKnown: boolean;
  /** Bytes at the beginning that were taken in before, because the file has grown. */
  readonly knownBytes: number;
  /** Bytes of the file as it lies on disk. */
  readonly size: number;
}

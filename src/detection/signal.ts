import type { AnomalyKind } from '../model/anomaly.ts';

/** One row of flows that a signal rests on. Numbers as in Visits. */
export interface Trace {
  readonly source: number;
  readonly action: number;
  /** UTC seconds of the first and the last bucket's end. */
  readonly from: number;
  readonly to: number;
  readonly connections: number;
  readonly packets: number;
  readonly bytes: number;
}

/** What a rule found at one port in one window, before it becomes (a part of) a card. */
export interface Signal {
  readonly kind: AnomalyKind;
  /** UTC seconds: start of the first bucket that is unusual, end of the last. */
  readonly from: number;
  readonly to: number;
  /** UTC seconds: end of the bucket with which the rule found it. */
  readonly raised: number;
  /** What was counted, and the band that is usual. */
  readonly seen: number;
  readonly low: number;
  readonly high: number;
  readonly surprise: number;
  /** Number of the source it is about; -1: it is about none. */
  readonly source: number;
  /** What the card says in words. */
  readonly expectedWords: string;
  readonly seenWords: string;
}

/** A signal at a port. */
export interface PortSignal extends Signal {
  readonly destination: string;
  readonly protocol: number;
  readonly port: number;
  readonly isLearning: boolean;
  readonly learnedDays: number;
  readonly traces: readonly Trace[];
}

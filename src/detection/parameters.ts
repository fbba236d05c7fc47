/**
 * Numbers that detection goes by. They were tuned on generated traffic (bench/detection.bench.ts says on which
 * seeds), and need no tuning per installation: what differs between ports is learned from each port.
 */
export interface Parameters {
  /** Days a baseline is learned from. */
  readonly historyDays: number;
  /** A port known for fewer days is still learned: only what is far out is told, as of low severity. */
  readonly learningDays: number;
  /**
   * Surprise (-ln of what is expected by chance in a day) from which a count is too high: by the count model and by the
   * port's own daily extremes together.
   */
  readonly surpriseOfSpikes: number;
  /** Surprise (-ln probability) by the count model alone from which a count is too low. */
  readonly surpriseOfSilence: number;
  /** Longest odds that a port's own daily extremes may give what is told: once in so many days of that port. */
  readonly daysBetween: number;
  /** An active port count below this share of the usual is a gap of the feed. */
  readonly feedGapShare: number;
  /** So many ports quiet in one hour are one card. */
  readonly massPorts: number;
  /** So many ports by one source within ten minutes, of which it used none before, are a sweep. */
  readonly sweepPorts: number;
  /** A port to which new networks came on more days than this is promiscuous: another one is no news. */
  readonly newcomerDays: number;
  /** Fewest visits (a source in a bucket) of a port whose sources are known. */
  readonly visitsLeast: number;
  /** Days without traffic after which a port is dormant. */
  readonly dormantDays: number;
  /** Fewest refused connections in a bucket that are a burst. */
  readonly deniedLeast: number;
  /** Fewest bytes in a bucket that are a spike. */
  readonly bytesLeast: number;
  /** Cards of a port join when so many seconds lie between them: of one kind, and of different kinds. */
  readonly joinSameSeconds: number;
  readonly joinOtherSeconds: number;
}

export const DEFAULTS: Parameters = {
  historyDays: 28,
  learningDays: 14,
  surpriseOfSpikes: 19,
  surpriseOfSilence: 16,
  daysBetween: 1_500,
  feedGapShare: 0.25,
  massPorts: 15,
  sweepPorts: 15,
  newcomerDays: 2,
  visitsLeast: 30,
  dormantDays: 28,
  deniedLeast: 15,
  bytesLeast: 100_000,
  joinSameSeconds: 12 * 3_600,
  joinOtherSeconds: 3_600,
};

/** How long flows are kept, by age in days: first as they are, then by the hour, then by the day, then not at all. */
export interface FlowRetention {
  /** Days that rows of five minutes are kept. The usual traffic of a port is learned from them: 28 days and some. */
  readonly fiveMinuteDays: number;
  /** Days after which rows of an hour become rows of a day. At least fiveMinuteDays. */
  readonly hourDays: number;
  /** Days after which rows are removed. At least hourDays. */
  readonly dayDays: number;
}

export const DEFAULT_FLOW_RETENTION: FlowRetention = { fiveMinuteDays: 35, hourDays: 365, dayDays: 1_095 };

/** What a scheduled run does: words of a command line, without the program's name: `['scan', 'network', '10.20.0.0/24']`. */
export type ScheduledCommand = readonly string[];

/** An item of `schedule` in quietdoor.yaml. */
export interface ScheduleItem {
  /** Unique in the workspace; names the runs in the ledger. */
  readonly name: string;
  /** Five fields of cron (crontab(5)), or `@hourly`, `@daily`... */
  readonly cron: string;
  /** IANA time zone; default UTC. */
  readonly timeZone: string;
  readonly run: ScheduledCommand;
  /** How late a run may begin before it counts as missed, milliseconds. */
  readonly graceMs: number;
}

/** An item with what became of it. */
export interface ScheduleState {
  readonly item: ScheduleItem;
  /** Start of the newest run that ended, UTC milliseconds; null: never ran. */
  readonly lastRun: number | null;
  /** Exit code of it; 0, 1 and 3 are runs, 2 and above 3 are failures. */
  readonly lastExit: number | null;
  /** The newest time at which it was due, not after now; null: never yet. */
  readonly lastDue: number | null;
  /** Due times since the newest run, at most 1,000, that had none within the grace. */
  readonly missed: number;
  /** The next time, UTC milliseconds. */
  readonly nextDue: number | null;
}

import { parseCron } from './cron.ts';
import type { ScheduleItem, ScheduleState } from './schedule.ts';

/** A run that ended, as the ledger has it. */
export interface ScheduleRun {
  readonly name: string;
  /** UTC milliseconds. */
  readonly started: number;
  readonly exit: number;
  /** The pattern and zone that it ran by; others than now: the item was changed since. */
  readonly cron: string;
  readonly timeZone: string;
}

/** A missed time is counted up to here. */
const MOST_MISSED = 1_000;

/**
 * Works out what became of each item. `runs`: newest first, in the order of the ledger and not of the clock. `knownSince`:
 * when the schedule as it is was first written down, UTC milliseconds; null: not yet, so that nothing was due. Where the
 * clock was set back by so much that a run lies two due times ahead, the run counts as none.
 */
export function scheduleStates(
  items: readonly ScheduleItem[],
  runs: readonly ScheduleRun[],
  knownSince: number | null,
  now: number,
): readonly ScheduleState[] {
  const newest = new Map<string, ScheduleRun>();
  for (const run of runs) if (!newest.has(run.name)) newest.set(run.name, run);
  return items.map((item) => {
    const times = parseCron(item.cron, item.timeZone);
    if ('problem' in times) return { item, lastRun: null, lastExit: null, lastDue: null, missed: 0, nextDue: null };
    const [last, nextDue] = [times.last(now), times.next(now)];
    const ran = newest.get(item.name);
    const afterNext = nextDue === null ? null : times.next(nextDue);
    const run = ran && afterNext !== null && ran.started >= afterNext ? undefined : ran;
    /** Due times after it need a run. */
    let since = run?.started ?? knownSince;
    if (run && (run.cron !== item.cron || run.timeZone !== item.timeZone))
      since = Math.max(run.started, knownSince ?? run.started);
    else if (!run && since !== null && since > now) since = last === null ? null : last - 1;
    const isOpen = last !== null && since !== null && last > since;
    let missed = 0;
    if (isOpen)
      for (let due = times.next(since as number); due !== null && missed < MOST_MISSED; due = times.next(due)) {
        if (due + item.graceMs >= now) break;
        missed++;
      }
    return {
      item,
      lastRun: run?.started ?? null,
      lastExit: run?.exit ?? null,
      lastDue: isOpen ? last : run ? times.last(Math.min(run.started, now)) : null,
      missed,
      nextDue,
    };
  });
}

/** Says whether an item is to run now: it was due, and no run began since. */
export function isDue({ lastDue, lastRun }: ScheduleState): boolean {
  return lastDue !== null && (lastRun === null || lastRun < lastDue);
}

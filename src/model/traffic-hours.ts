import { coveredShare, type Interval, isWhollyCovered } from './traffic-coverage.ts';

const HOUR = 3_600;
/** Hours of a week; hour 0 begins on Monday at midnight UTC. 1970-01-01 was a Thursday. */
const WEEK_HOURS = 168;
const THURSDAY = 72;
/** Hours before and after the same hour of other weeks that count as the same time: clocks change twice a year. */
const NEIGHBOURS = 1;
/** Weeks behind an hour from which on something can be said of it. */
const MIN_WEEKS = 2;

/** Hour of the week (0 to 167) of a time, UTC seconds. */
export function hourOfWeek(seconds: number): number {
  return (Math.floor(seconds / HOUR) + THURSDAY) % WEEK_HOURS;
}

/** Connections by hour: start of the hour in UTC seconds → number. An hour that is missing had none, if it was covered. */
export type HourlyCounts = ReadonlyMap<number, number>;

/** What is usual by hour of the week, and how the newest hour compares. */
export interface UsualHours {
  /** Median per hour of the week, 168; null: fewer than two weeks are known of some hour. */
  readonly usualHours: readonly number[] | null;
  readonly now: {
    /** UTC milliseconds. */
    readonly hour: number;
    readonly perHour: number;
    readonly usualLow: number;
    readonly usualHigh: number;
  } | null;
}

/**
 * Says what is usual by hour of the week, from the covered hours in [from, until) (UTC seconds), and compares the newest whole
 * hour that is covered with the same hour, one before and one after, of the weeks before.
 */
export function usualHours(counts: HourlyCounts, covered: readonly Interval[], { from, until }: Interval): UsualHours {
  const byHour: number[][] = Array.from({ length: WEEK_HOURS }, () => []);
  let newest: number | null = null;
  for (let hour = Math.ceil(from / HOUR) * HOUR; hour + HOUR <= until; hour += HOUR) {
    if (!isWhollyCovered(covered, { from: hour, until: hour + HOUR })) continue;
    if (newest !== null) byHour[hourOfWeek(newest)]?.push(counts.get(newest) ?? 0);
    newest = hour;
  }
  const medians = byHour.every((values) => values.length >= MIN_WEEKS) ? byHour.map(median) : null;
  return { usualHours: medians, now: newest === null ? null : compare(counts.get(newest) ?? 0, newest, byHour) };
}

function compare(perHour: number, hour: number, byHour: readonly number[][]): UsualHours['now'] {
  const at = hourOfWeek(hour);
  const own = byHour[at] as number[];
  if (own.length < MIN_WEEKS) return null;
  const near = [...own];
  for (let distance = 1; distance <= NEIGHBOURS; distance++)
    for (const side of [at - distance, at + distance])
      near.push(...(byHour[(side + WEEK_HOURS) % WEEK_HOURS] as number[]));
  return { hour: hour * 1_000, perHour, usualLow: Math.min(...near), usualHigh: Math.max(...near) };
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 === 1
    ? (sorted[middle] as number)
    : ((sorted[middle - 1] as number) + (sorted[middle] as number)) / 2;
}

/** Connections per slot of so many seconds, oldest first, the last one ends at or after `until`; null: nobody looked at any of it. */
export function slotCounts(
  counts: HourlyCounts,
  covered: readonly Interval[],
  until: number,
  slots: number,
  seconds: number,
): readonly (number | null)[] {
  const end = Math.ceil(until / seconds) * seconds;
  return Array.from({ length: slots }, (_, i) => {
    const from = end - (slots - i) * seconds;
    if (coveredShare(covered, { from, until: from + seconds }) === 0) return null;
    let sum = 0;
    for (let hour = from; hour < from + seconds; hour += HOUR) sum += counts.get(hour) ?? 0;
    return sum;
  });
}

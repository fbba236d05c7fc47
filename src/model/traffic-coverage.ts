import type { FeedCoverage } from './flow.ts';

/** A time in which somebody looked, UTC seconds, [from, until). */
export interface Interval {
  readonly from: number;
  readonly until: number;
}

/** A gap no longer than this interrupts nothing, seconds. */
export const TOLERATED_GAP = 3_600;

/**
 * Times in which at least one of the feeds delivered and lost nothing, sorted, neighbours merged. A gap of a feed counts against
 * that feed only: another one may have seen what it missed.
 */
export function coveredTimes(coverage: readonly FeedCoverage[], feeds: ReadonlySet<string>): readonly Interval[] {
  const times: Interval[] = [];
  for (const feed of feeds) {
    const own = coverage.filter((one) => one.feed === feed);
    const gaps = merged(own.filter((one) => one.kind === 'gap'));
    for (const delivered of merged(own.filter((one) => one.kind === 'delivered')))
      times.push(...without(delivered, gaps));
  }
  return merged(times);
}

/** Share of a time that is covered, 0 to 1. */
export function coveredShare(times: readonly Interval[], { from, until }: Interval): number {
  if (until <= from) return 0;
  const seconds = times.reduce(
    (sum, time) => sum + Math.max(0, Math.min(time.until, until) - Math.max(time.from, from)),
    0,
  );
  return seconds / (until - from);
}

/** Says whether all of a time is covered. */
export function isWhollyCovered(times: readonly Interval[], time: Interval): boolean {
  return times.some((one) => one.from <= time.from && one.until >= time.until);
}

/**
 * Since when somebody looked up to `until` without a longer gap, UTC seconds; null: nobody does. `late`: how old the newest
 * delivery may be, seconds (feeds that are imported once a day are a day behind).
 */
export function coveredSince(times: readonly Interval[], until: number, late: number): number | null {
  const last = times.at(-1);
  if (!last || until - last.until > Math.max(late, TOLERATED_GAP)) return null;
  let since = last.from;
  for (let i = times.length - 2; i >= 0; i--) {
    const { from, until: end } = times[i] as Interval;
    if (since - end > TOLERATED_GAP) break;
    since = from;
  }
  return since;
}

function merged(times: readonly Interval[]): readonly Interval[] {
  const all: { from: number; until: number }[] = [];
  for (const { from, until } of [...times].sort((a, b) => a.from - b.from)) {
    const last = all.at(-1);
    if (until <= from) continue;
    if (last && from <= last.until) last.until = Math.max(last.until, until);
    else all.push({ from, until });
  }
  return all;
}

/** What is left of a time without gaps (sorted). */
function without(time: Interval, gaps: readonly Interval[]): readonly Interval[] {
  const left: Interval[] = [];
  let { from } = time;
  for (const gap of gaps) {
    if (gap.until <= from) continue;
    if (gap.from >= time.until) break;
    if (gap.from > from) left.push({ from, until: gap.from });
    from = Math.max(from, gap.until);
  }
  if (from < time.until) left.push({ from, until: time.until });
  return left;
}

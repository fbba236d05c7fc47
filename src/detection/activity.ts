import { DAY_BUCKETS, type PortHistory } from './history.ts';
import { medianOf } from './order-statistics.ts';
import type { Parameters } from './parameters.ts';

/** How many ports had traffic in each bucket: what tells a silent feed from silent ports. */
export interface Activity {
  /** UTC seconds, a multiple of a day. */
  readonly from: number;
  readonly active: Uint32Array;
  /** Ports that had an accepted connection at all. */
  ports: number;
}

export function emptyActivity(from: number, buckets: number): Activity {
  return { from, active: new Uint32Array(buckets), ports: 0 };
}

/** Counts a port; its history begins where the activity does. */
export function addActivity(activity: Activity, history: PortHistory): void {
  let isUsed = false;
  const { accepted, denied } = history;
  for (let i = 0; i < accepted.length; i++) {
    if ((accepted[i] as number) > 0) isUsed = true;
    else if (!((denied[i] as number) > 0)) continue;
    activity.active[i] = (activity.active[i] as number) + 1;
  }
  if (isUsed) activity.ports++;
}

/** Fewest ports that must usually be active before anything is concluded from few being it. */
const LEAST_USUAL = 8;
/** A feed stops at once; people go home one by one. */
const EDGE = 0.4;
const WEEK = 7 * DAY_BUCKETS;

/** Buckets (1) in which the feed was silent: far fewer ports active than at that hour in the weeks before, all at once. */
export function feedGaps({ active }: Activity, parameters: Parameters): Uint8Array {
  const gaps = new Uint8Array(active.length);
  for (let i = DAY_BUCKETS; i < active.length; i++) {
    const seen = active[i] as number;
    const wasGap = gaps[i - 1] === 1;
    if (!wasGap && seen >= EDGE * (active[i - 1] as number)) continue;
    const usual = usualAt(active, gaps, i);
    if (usual >= LEAST_USUAL && seen < parameters.feedGapShare * usual) gaps[i] = 1;
  }
  return gaps;
}

/** Middle of the same time in up to four weeks before; in the first weeks, the least of the days before. */
function usualAt(active: Uint32Array, gaps: Uint8Array, i: number): number {
  const weeks: number[] = [];
  for (let w = i - WEEK; w >= 0 && weeks.length < 4; w -= WEEK) if (gaps[w] === 0) weeks.push(active[w] as number);
  if (weeks.length >= 2) return medianOf(weeks);
  let least = Number.POSITIVE_INFINITY;
  for (let d = i - DAY_BUCKETS; d >= 0 && d >= i - WEEK; d -= DAY_BUCKETS)
    if (gaps[d] === 0) least = Math.min(least, active[d] as number);
  return Number.isFinite(least) ? least : 0;
}

import { medianOf } from './order-statistics.ts';

const HOUR = 12;
/** A level that was on one side for so many busy hours in a row is the new normal. */
const HOURS_OF_A_CHANGE = 12;
/** ... where this quarter of them is away by this factor. */
const LEAST_CHANGE = Math.log(1.3);

/** Days for which a higher level is remembered: a holiday does not undo a change. */
const DAYS_REMEMBERED = 3;

/** Factors by which a port is above (1 or more) and below (1 or less) its weeks lately. */
export interface Level {
  readonly up: number;
  readonly down: number;
}

export const USUAL_LEVEL: Level = { up: 1, down: 1 };

/**
 * By which factor the port is above or below its weeks lately. A lasting change of level (a migration, a new client) is
 * told once, when it comes, and becomes the normal within a day or two; a slow trend is followed. `hourSums`: sums of the
 * hour that ends with each bucket; `usual`: what they usually are, by hour of the period.
 */
export function levelOf(hourSums: Float64Array, usual: Float64Array, period: number): Level {
  const trend = trendOf(hourSums);
  const now = changeBefore(hourSums.length, hourSums, usual, period);
  let up = now ?? trend;
  for (let day = 1; day < DAYS_REMEMBERED; day++)
    up = Math.max(up, changeBefore(hourSums.length - day * 24 * HOUR, hourSums, usual, period) ?? 1);
  return { up: Math.max(1, up), down: Math.min(1, now ?? trend) };
}

/** Factor of a lasting change in the busy hours before a bucket; null: there was none. */
function changeBefore(bucket: number, hourSums: Float64Array, usual: Float64Array, period: number): number | null {
  const ratios: number[] = [];
  for (let end = bucket - 1; end > 0 && ratios.length < HOURS_OF_A_CHANGE; end -= HOUR) {
    const expected = usual[Math.floor(end / HOUR) % period] as number;
    const seen = hourSums[end] as number;
    if (expected >= 10 && !Number.isNaN(seen)) ratios.push(Math.log((seen + 1) / (expected + 1)));
  }
  if (ratios.length < HOURS_OF_A_CHANGE) return null;
  ratios.sort((a, b) => a - b);
  const isChange = (ratios[3] as number) > LEAST_CHANGE || (ratios[8] as number) < -LEAST_CHANGE;
  if (!isChange) return null;
  const middle = ((ratios[5] as number) + (ratios[6] as number)) / 2;
  return Math.min(20, Math.max(0.02, Math.exp(middle)));
}

/** The last week against all of them. */
function trendOf(hourSums: Float64Array): number {
  const days: number[] = [];
  for (let day = 24 * HOUR; day <= hourSums.length; day += 24 * HOUR) {
    let sum = 0;
    for (let end = day - 24 * HOUR + HOUR - 1; end < day; end += HOUR) sum += hourSums[end] as number;
    if (!Number.isNaN(sum)) days.push(sum);
  }
  const all = medianOf(days);
  return all > 0 && days.length >= 14 ? Math.min(2, Math.max(0.5, medianOf(days.slice(-7)) / all)) : 1;
}

import { medianOf } from './order-statistics.ts';

const HOUR = 12;
/** A level that was on one side for so many busy hours in a row is the new normal. */
const HOURS_OF_A_CHANGE = 12;
/** ... where this quarter of them is away by this factor. */
const LEAST_CHANGE = Math.log(1.3);

/**
 * By which factor the port is above or below its weeks lately. A lasting change of level (a migration, a new client) is
 * told once, when it comes, and becomes the normal within a day or two; a slow trend is followed. `hourSums`: sums of the
 * hour that ends with each bucket; `usual`: medians of these by hour of the period.
 */
export function levelOf(hourSums: Float64Array, usual: Float64Array, period: number): number {
  const ratios: number[] = [];
  const days: number[] = [];
  for (let end = hourSums.length - 1; end > 0 && ratios.length < HOURS_OF_A_CHANGE; end -= HOUR) {
    const expected = usual[Math.floor(end / HOUR) % period] as number;
    const seen = hourSums[end] as number;
    if (expected >= 10 && !Number.isNaN(seen)) ratios.push(Math.log((seen + 1) / (expected + 1)));
  }
  if (ratios.length === HOURS_OF_A_CHANGE) {
    ratios.sort((a, b) => a - b);
    const middle = ((ratios[5] as number) + (ratios[6] as number)) / 2;
    if ((ratios[3] as number) > LEAST_CHANGE || (ratios[8] as number) < -LEAST_CHANGE)
      return Math.min(20, Math.max(0.02, Math.exp(middle)));
  }
  for (let day = 24 * HOUR; day <= hourSums.length; day += 24 * HOUR) {
    let sum = 0;
    for (let end = day - 24 * HOUR + HOUR - 1; end < day; end += HOUR) sum += hourSums[end] as number;
    if (!Number.isNaN(sum)) days.push(sum);
  }
  const all = medianOf(days);
  const last = medianOf(days.slice(-7));
  return all > 0 && days.length >= 14 ? Math.min(2, Math.max(0.5, last / all)) : 1;
}

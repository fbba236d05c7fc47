import { poolDays } from './day-pattern.ts';
import { quantile, secondLargest, secondSmallest, sortPart } from './order-statistics.ts';
import type { Parameters } from './parameters.ts';
import { type Tail, tailOf } from './tail.ts';

/** Windows that are judged, in buckets: 5 minutes, 15 minutes, an hour, three hours. */
export const SCALES = [1, 3, 12, 36] as const;
const HOUR = 12;
const WEEK = 168;
/** Added to counts before ratios are taken, so that 3 instead of 1 is no factor of three. */
export const RATIO_OFFSET = 3;

/** What is usual at one scale, by hour of the day that is scored (24 values each). */
export interface ScaleBaseline {
  readonly buckets: number;
  readonly mean: Float64Array;
  /** The same for all hours of the period. */
  readonly allMeans: Float64Array;
  /** Dispersion of the negative binomial distribution. */
  readonly r: Float64Array;
  /** Second largest and second smallest weekly extreme at the same hour of the week, an hour more or less. */
  readonly weekHigh: Float64Array;
  readonly weekLow: Float64Array;
  /** Second largest daily maximum at the same hour of the day, an hour more or less. */
  readonly dayHigh: Float64Array;
  /** What the largest and the smallest sum usually are in the hour and its neighbours: where traffic rises and falls steeply. */
  readonly meanHigh: Float64Array;
  readonly meanLow: Float64Array;
  /** Of ln((count + 3) / (meanHigh + 3)), and of ln((meanLow + 3) / (count + 3)). */
  readonly highTail: Tail;
  readonly lowTail: Tail;
}

/** Room to work in, made once for many ports. */
export interface SeasonalRoom {
  readonly sums: Float64Array;
  readonly sorted: Float64Array;
  readonly hourHigh: Float64Array;
  readonly hourLow: Float64Array;
  readonly mean: Float64Array;
  readonly meanHigh: Float64Array;
  readonly meanLow: Float64Array;
  readonly r: Float64Array;
}

export function seasonalRoom(parameters: Parameters): SeasonalRoom {
  const hours = parameters.historyDays * 24;
  return {
    sums: new Float64Array(hours * HOUR),
    sorted: new Float64Array(hours * HOUR),
    hourHigh: new Float64Array(hours),
    hourLow: new Float64Array(hours),
    mean: new Float64Array(168),
    meanHigh: new Float64Array(168),
    meanLow: new Float64Array(168),
    r: new Float64Array(168),
  };
}

/** Connections per bucket over all of the time, and the variance. */
export interface Rate {
  readonly mean: number;
  readonly variance: number;
}

/**
 * Learns one scale. `room.sums` holds the sums of this scale, a whole number of weeks that ends where the scored day begins;
 * hence hour 0 of each period is hour 0 of that day. `period`: 168 hours, or 24 while there are too few weeks.
 * `slotSum`, `slotCount`: connections and known buckets by hour of the period.
 */
export function seasonalBaseline(
  buckets: number,
  period: 24 | 168,
  rate: Rate,
  slotSum: Float64Array,
  slotCount: Float64Array,
  room: SeasonalRoom,
): ScaleBaseline {
  extremesByHour(room);
  usualExtremes(period, room);
  locate(buckets, period, rate, slotSum, slotCount, room);
  poolDays(period === WEEK ? room.mean : room.mean.subarray(0, period), RATIO_OFFSET);
  const baseline = {
    ...{ buckets, mean: room.mean.slice(0, 24), allMeans: room.mean.slice(0, period), r: room.r.slice(0, 24) },
    ...{ weekHigh: new Float64Array(24), weekLow: new Float64Array(24), dayHigh: new Float64Array(24) },
    ...{ meanHigh: room.meanHigh.slice(0, 24), meanLow: room.meanLow.slice(0, 24), ...tails(period, room) },
  };
  for (let hour = 0; hour < 24; hour++) {
    baseline.weekHigh[hour] = secondLargest(around(room.hourHigh, hour, period, Math.max));
    baseline.weekLow[hour] = secondSmallest(around(room.hourLow, hour, period, Math.min));
    baseline.dayHigh[hour] = secondLargest(around(room.hourHigh, hour, 24, Math.max));
  }
  return baseline;
}

/** Largest and smallest sum of every hour. */
function extremesByHour({ sums, hourHigh, hourLow }: SeasonalRoom): void {
  for (let hour = 0; hour < hourHigh.length; hour++) {
    let high = Number.NaN;
    let low = Number.NaN;
    for (let i = hour * HOUR; i < (hour + 1) * HOUR; i++) {
      const v = sums[i] as number;
      if (!(v <= high) && !Number.isNaN(v)) high = v;
      if (!(v >= low) && !Number.isNaN(v)) low = v;
    }
    hourHigh[hour] = high;
    hourLow[hour] = low;
  }
}

/** Middle over the weeks of the largest and smallest sum of each hour, then the extreme of neighbouring hours. */
function usualExtremes(period: number, { hourHigh, hourLow, sorted, meanHigh, meanLow }: SeasonalRoom): void {
  const middleOf = (byHour: Float64Array, slot: number): number => {
    let length = 0;
    for (let hour = slot; hour < byHour.length; hour += period) {
      const v = byHour[hour] as number;
      if (!Number.isNaN(v)) sorted[length++] = v;
    }
    sortPart(sorted, length);
    return length === 0 ? 0 : quantile(sorted, length, 0.5);
  };
  const highs = Float64Array.from({ length: period }, (_, slot) => middleOf(hourHigh, slot));
  const lows = Float64Array.from({ length: period }, (_, slot) => middleOf(hourLow, slot));
  poolDays(highs, RATIO_OFFSET);
  poolDays(lows, RATIO_OFFSET);
  for (let slot = 0; slot < period; slot++) {
    const [before, after] = [(slot + period - 1) % period, (slot + 1) % period];
    meanHigh[slot] = Math.max(highs[before] as number, highs[slot] as number, highs[after] as number);
    meanLow[slot] = Math.min(lows[before] as number, lows[slot] as number, lows[after] as number);
  }
}

/** The extreme of an hour and its two neighbours (the clock is moved by an hour twice a year), for each period. */
function around(
  byHour: Float64Array,
  hour: number,
  period: number,
  extreme: (a: number, b: number) => number,
): number[] {
  const found: number[] = [];
  for (let at = hour; at < byHour.length; at += period) {
    let value = Number.NaN;
    for (let i = Math.max(0, at - 1); i <= Math.min(byHour.length - 1, at + 1); i++) {
      const v = byHour[i] as number;
      if (!Number.isNaN(v)) value = Number.isNaN(value) ? v : extreme(value, v);
    }
    found.push(value);
  }
  return found;
}

/** Mean and dispersion by hour of the period: of medians where there is enough traffic, of a count model where there is little. */
function locate(
  buckets: number,
  period: number,
  rate: Rate,
  slotSum: Float64Array,
  slotCount: Float64Array,
  room: SeasonalRoom,
): void {
  const { sums, sorted, hourHigh, mean, r } = room;
  const dispersions: number[] = [];
  const sparse = sparseDispersion(rate);
  const least = (0.5 * buckets) / sums.length;
  for (let slot = 0; slot < period; slot++) {
    let length = 0;
    let isEmpty = true;
    for (let hour = slot; hour < hourHigh.length; hour += period) {
      if ((hourHigh[hour] as number) > 0) isEmpty = false;
      for (let i = hour * HOUR; i < (hour + 1) * HOUR; i++) {
        const v = sums[i] as number;
        if (!Number.isNaN(v)) sorted[length++] = v;
      }
    }
    if (!isEmpty) sortPart(sorted, length);
    const middle = isEmpty ? 0 : quantile(sorted, length, 0.5);
    r[slot] = Number.NaN;
    if (middle >= 3) {
      mean[slot] = middle;
      const spread = (quantile(sorted, length, 0.75) - quantile(sorted, length, 0.25)) / 1.349;
      const variance = Math.max(spread * spread, middle + (0.08 * middle) ** 2);
      r[slot] = (middle * middle) / (variance - middle);
      dispersions.push(r[slot] as number);
    } else {
      const known = slotCount[slot] as number;
      const smooth = ((slotSum[slot] as number) * buckets + 12 * rate.mean * buckets) / (known + 12);
      mean[slot] = Math.max(smooth, least);
    }
  }
  dispersions.sort((a, b) => a - b);
  const pooled = dispersions.length ? quantile(dispersions, dispersions.length, 0.5) : Number.POSITIVE_INFINITY;
  for (let slot = 0; slot < period; slot++) {
    const own = r[slot] as number;
    r[slot] = Number.isNaN(own) ? Math.min(sparse * buckets, pooled) : Math.min(own, pooled);
  }
}

function sparseDispersion({ mean, variance }: Rate): number {
  if (!(variance > mean)) return 20;
  return Math.min(20, Math.max(0.3, (mean * mean) / (variance - mean)));
}

/** How far each day went above and below what is usual at that hour or one beside it. */
function tails(period: number, room: SeasonalRoom): { highTail: Tail; lowTail: Tail } {
  const { sums, meanHigh, meanLow } = room;
  const highs: number[] = [];
  const lows: number[] = [];
  const perDay = 24 * HOUR;
  for (let day = 0; day < sums.length; day += perDay) {
    let high = Number.NaN;
    let low = Number.NaN;
    for (let hour = day; hour < day + perDay; hour += HOUR) {
      const slot = (hour / HOUR) % period;
      const most = (meanHigh[slot] as number) + RATIO_OFFSET;
      const least = (meanLow[slot] as number) + RATIO_OFFSET;
      for (let i = hour; i < hour + HOUR; i++) {
        const seen = (sums[i] as number) + RATIO_OFFSET;
        if (Number.isNaN(seen)) continue;
        if (!(seen / most <= high)) high = seen / most;
        if (!(least / seen <= low)) low = least / seen;
      }
    }
    highs.push(Math.log(high));
    lows.push(Math.log(low));
  }
  return { highTail: tailOf(highs, 0.03), lowTail: tailOf(lows, 0.03) };
}

import { BUCKET_SECONDS } from '../model/flow.ts';
import type { PortBaseline } from './baseline.ts';
import { DAY_BUCKETS, type PortTraffic, type SourceTable } from './history.ts';
import type { Parameters } from './parameters.ts';
import { SCALES } from './seasonal.ts';
import type { Signal } from './signal.ts';
import { cut, positionOf, rollingSums } from './window.ts';

/** A port on the day that is scored: what rules look at. Positions count buckets of that day from 0. */
export interface PortDay {
  readonly baseline: PortBaseline;
  readonly traffic: PortTraffic;
  readonly table: SourceTable;
  readonly parameters: Parameters;
  /** Of the day, after `lead` buckets of the day before. */
  readonly led: Float64Array;
  readonly accepted: Float64Array;
  readonly denied: Float64Array;
  readonly bytes: Float64Array;
  readonly sources: Float64Array;
  /** Sums of the windows that end with each bucket, by SCALES. */
  readonly sums: readonly Float64Array[];
  /** Row of the visits that is the first of the day, and the first after what is known. */
  readonly firstVisit: number;
  readonly endVisit: number;
}

/** Something that is told of one bucket of a port. */
export type Rule = (day: PortDay, position: number) => Signal | null;

const LEAD = Math.max(...SCALES) - 1;

/** Cuts the day out of the history; `gaps` as in learnPort. */
export function portDay(
  traffic: PortTraffic,
  baseline: PortBaseline,
  gaps: Uint8Array | null,
  table: SourceTable,
  parameters: Parameters,
): PortDay {
  const { history, visits } = traffic;
  const at = positionOf(baseline.day, history.from);
  const take = (values: Float32Array, lead: number) => {
    const out = new Float64Array(DAY_BUCKETS + lead);
    cut(values, at - lead, out);
    if (gaps) for (let i = 0; i < out.length; i++) if (gaps[at - lead + i] === 1) out[i] = Number.NaN;
    return out;
  };
  const led = take(history.accepted, LEAD);
  const sums = SCALES.map((size) => {
    const out = new Float64Array(led.length);
    rollingSums(led, size, out);
    return out.subarray(LEAD);
  });
  return {
    ...{ baseline, traffic, table, parameters, sums, led, accepted: led.subarray(LEAD) },
    ...{ denied: take(history.denied, 0), bytes: take(history.bytes, 0), sources: take(history.sources, 0) },
    firstVisit: firstAt(visits.bucket, visits.length, baseline.day),
    endVisit: firstAt(visits.bucket, visits.length, baseline.day + DAY_BUCKETS * BUCKET_SECONDS),
  };
}

/** First of buckets[0, length), sorted, that is not before `time`. */
export function firstAt(buckets: Uint32Array, length: number, time: number): number {
  let low = 0;
  let high = length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((buckets[middle] as number) < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** UTC seconds at which a bucket of the day begins. */
export function startOf(day: PortDay, position: number): number {
  return day.baseline.day + position * BUCKET_SECONDS;
}

/** Accepted connections in a bucket of the day, or (below 0) of the hours before it; NaN where they are not known. */
export function acceptedAt(day: PortDay, position: number): number {
  return day.led[LEAD + position] ?? Number.NaN;
}

/** The part of a window that ends with a bucket from its first bucket that is unusual to its last. */
export function extentOf(
  day: PortDay,
  position: number,
  buckets: number,
  isUnusual: (accepted: number) => boolean,
): { readonly from: number; readonly to: number; readonly raised: number } {
  let first = position - buckets + 1;
  let last = position;
  while (first < last && !isUnusual(acceptedAt(day, first))) first++;
  while (last > first && !isUnusual(acceptedAt(day, last))) last--;
  return {
    from: startOf(day, first),
    to: startOf(day, last) + BUCKET_SECONDS,
    raised: startOf(day, position) + BUCKET_SECONDS,
  };
}

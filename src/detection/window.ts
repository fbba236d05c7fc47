import { BUCKET_SECONDS } from '../model/flow.ts';

/** Copies values[from, from + out.length) to `out`; what lies outside is NaN. */
export function cut(values: Float32Array, from: number, out: Float64Array): void {
  out.fill(Number.NaN);
  const start = Math.max(0, from);
  const end = Math.min(values.length, from + out.length);
  for (let i = start; i < end; i++) out[i - from] = values[i] as number;
}

/** Sums of the `size` buckets that end with each one; NaN where one of them is unknown. */
export function rollingSums(values: Float64Array, size: number, out: Float64Array): void {
  let sum = 0;
  let unknown = 0;
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (Number.isNaN(v)) unknown++;
    else sum += v;
    if (i >= size) {
      const gone = values[i - size] as number;
      if (Number.isNaN(gone)) unknown--;
      else sum -= gone;
    }
    out[i] = unknown > 0 || i < size - 1 ? Number.NaN : Math.max(0, sum);
  }
}

/** Position of a time (UTC seconds) in arrays that begin at `from`. */
export function positionOf(time: number, from: number): number {
  return Math.floor((time - from) / BUCKET_SECONDS);
}

/** How large the largest value of a day gets, learned from the days that were: beyond `start` it falls off exponentially. */
export interface Tail {
  readonly start: number;
  /** Mean excess over `start`. */
  readonly scale: number;
  /** Share of days whose largest is above `start`. */
  readonly share: number;
}

/** So many of the largest days are not believed: with two, ordinary rare days (a job that is tried again) were forgotten. */
const CENSORED = 1;

/**
 * Learns a tail from the largest value of each day (peaks over threshold; values are logarithms, so a heavy tail has a
 * large scale). The largest day counts only as "at least as large as the next": it may be an incident.
 * NaN: the day is not known.
 */
export function tailOf(dayMaxima: readonly number[], leastScale: number): Tail {
  const known = dayMaxima.filter((v) => !Number.isNaN(v)).sort((a, b) => b - a);
  const n = known.length;
  if (n < 4) return { start: known[0] ?? 0, scale: Math.max(leastScale, 0.5), share: 1 };
  const k = Math.max(3, Math.min(8, Math.floor(n / 3)));
  const start = known[k] as number;
  const trusted = Math.min(CENSORED, k - 2);
  let sum = 0;
  for (let i = 0; i < k; i++) sum += (known[Math.max(i, trusted)] as number) - start;
  return { start, scale: Math.max(leastScale, sum / (k - trusted)), share: k / n };
}

/** Value that a day exceeds once in `days` days. */
export function onceIn(days: number, tail: Tail): number {
  return tail.start + tail.scale * Math.max(0, Math.log(tail.share * days));
}

/** -ln of the probability that the largest value of a day is at least this. */
export function dailySurprise(value: number, tail: Tail): number {
  return value <= tail.start ? 0 : (value - tail.start) / tail.scale - Math.log(tail.share);
}

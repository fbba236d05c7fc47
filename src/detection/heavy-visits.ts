import { ACTION, BUCKET_SECONDS } from '../model/flow.ts';
import { DAY_SECONDS, type Visits } from './history.ts';
import { quantile, sortPart } from './order-statistics.ts';
import { type Tail, tailOf } from './tail.ts';

/**
 * Where single connections now and then carry hundreds of times the usual bytes, the sum of a bucket says little. That most
 * visits (a source in a bucket) are heavy at once says much, however heavy single ones get.
 */
export interface HeavyVisits {
  /** Bytes per connection from which a visit is heavy: few are. */
  readonly limit: number;
  /** Share of the visits that were. */
  readonly share: number;
  /** Of the largest surprise of each day. */
  readonly tail: Tail;
}

/** Buckets that are taken together: one, and a quarter of an hour. */
export const HEAVY_WINDOWS = [1, 3] as const;
const LONGEST = 3;
/** A visit is heavy above this quantile of the visits, within so many times the middle one. */
const LIMIT_QUANTILE = 0.99;
const LEAST_TIMES = 4;
const MOST_TIMES = 10;
const LEAST_VISITS = 200;
/** Visits that the quantile is taken of: every n-th. */
const SAMPLE = 4_000;

/** Learns from the visits in [start, day), UTC seconds; null: too few of them. `sorted`: room for SAMPLE values at least. */
export function heavyVisits(visits: Visits, start: number, day: number, sorted: Float64Array): HeavyVisits | null {
  let first = 0;
  while (first < visits.length && (visits.bucket[first] as number) < start) first++;
  let end = first;
  while (end < visits.length && (visits.bucket[end] as number) < day) end++;
  const every = Math.max(1, Math.ceil((end - first) / SAMPLE));
  let n = 0;
  for (let i = first; i < end; i += every) if (isCounted(visits, i)) sorted[n++] = bytesEach(visits, i);
  if (n * every < LEAST_VISITS) return null;
  sortPart(sorted, n);
  const middle = quantile(sorted, n, 0.5);
  const limit = Math.min(MOST_TIMES * middle, Math.max(LEAST_TIMES * middle, quantile(sorted, n, LIMIT_QUANTILE)));
  let [heavy, all] = [0, 0];
  for (let i = first; i < end; i++) {
    if (!isCounted(visits, i)) continue;
    all++;
    if (bytesEach(visits, i) > limit) heavy++;
  }
  const share = (heavy + 0.5) / (all + 1);
  const days = Math.ceil((day - start) / DAY_SECONDS);
  const maxima = new Float64Array(days);
  for (const { bucket, surprise } of surprises(visits, first, end, { limit, share })) {
    const at = Math.floor((bucket - start) / DAY_SECONDS);
    maxima[at] = Math.max(maxima[at] as number, surprise);
  }
  return { limit, share, tail: tailOf([...maxima], 1) };
}

interface Heavy {
  readonly bucket: number;
  readonly surprise: number;
  /** Visits of the window, and how many of them were heavy. */
  readonly visits: number;
  readonly heavy: number;
  readonly buckets: number;
}

/** The surprise of each bucket with heavy visits, in order; rows [first, end) are looked at. */
export function* surprises(
  visits: Visits,
  first: number,
  end: number,
  { limit, share }: Pick<HeavyVisits, 'limit' | 'share'>,
): Generator<Heavy, void, undefined> {
  const [ns, ks, at]: [number[], number[], number[]] = [[], [], []];
  for (let i = first; i < end; ) {
    const bucket = visits.bucket[i] as number;
    let [n, k] = [0, 0];
    for (; i < end && visits.bucket[i] === bucket; i++) {
      if (!isCounted(visits, i)) continue;
      n++;
      if (bytesEach(visits, i) > limit) k++;
    }
    ns.push(n);
    ks.push(k);
    at.push(bucket);
    if (at.length > LONGEST) for (const list of [ns, ks, at]) list.shift();
    if (k === 0) continue;
    let found: Heavy | null = null;
    for (const buckets of HEAVY_WINDOWS) {
      let [sum, heavy] = [0, 0];
      for (let j = 0; j < at.length; j++) {
        if ((at[j] as number) <= bucket - buckets * BUCKET_SECONDS) continue;
        sum += ns[j] as number;
        heavy += ks[j] as number;
      }
      const surprise = binomialSurprise(heavy, sum, share);
      if (!found || surprise > found.surprise) found = { bucket, surprise, visits: sum, heavy, buckets };
    }
    if (found) yield found;
  }
}

function isCounted(visits: Visits, i: number): boolean {
  return visits.action[i] !== ACTION.denied && (visits.connections[i] as number) > 0;
}

function bytesEach(visits: Visits, i: number): number {
  return (visits.bytes[i] as number) / (visits.connections[i] as number);
}

/** -ln of the Chernoff bound on `k` or more of `n` where a share is expected. */
function binomialSurprise(k: number, n: number, share: number): number {
  const seen = k / n;
  if (!(seen > share)) return 0;
  return k * Math.log(seen / share) + (k === n ? 0 : (n - k) * Math.log((1 - seen) / (1 - share)));
}

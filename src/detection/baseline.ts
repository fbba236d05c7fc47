import { ACTION } from '../model/flow.ts';
import { type HeavyVisits, heavyVisits } from './heavy-visits.ts';
import { DAY_BUCKETS, DAY_SECONDS, type PortTraffic, type SourceTable } from './history.ts';
import { type Level, levelOf, USUAL_LEVEL } from './level.ts';
import { quantile, secondLargest, sortPart } from './order-statistics.ts';
import type { Parameters } from './parameters.ts';
import { type QuietHours, quietHours } from './quiet-hours.ts';
import {
  type Rate,
  SCALES,
  type ScaleBaseline,
  type SeasonalRoom,
  seasonalBaseline,
  seasonalRoom,
} from './seasonal.ts';
import { type Tail, tailOf } from './tail.ts';
import { cut, positionOf, rollingSums } from './window.ts';

/** The largest value of a day, as a count that is usual and a tail of ln(count + offset). */
export interface Extreme {
  readonly secondLargest: number;
  readonly tail: Tail;
}

/** What is usual at a port on one day, learned from the days before it. */
export interface PortBaseline {
  /** UTC seconds: start of the day it is for. */
  readonly day: number;
  /** Days with known buckets behind it. */
  readonly learnedDays: number;
  readonly isLearning: boolean;
  readonly rate: Rate;
  /** By SCALES. */
  readonly scales: readonly ScaleBaseline[];
  readonly level: Level;
  readonly denied: Extreme;
  readonly bytes: Extreme;
  readonly sources: Extreme;
  /** ln of bytes per connection, middle and spread; null: not enough buckets. */
  readonly bytesPerConnection: { readonly median: number; readonly spread: number } | null;
  readonly heavyVisits: HeavyVisits | null;
  readonly quietHours: QuietHours | null;
  /** UTC seconds; null: never. */
  readonly lastAccepted: number | null;
  /** Days known, back to the first that anything is remembered of. */
  readonly rememberedDays: number;
  /** Longest pause between accepted connections, seconds. */
  readonly longestPause: number;
  readonly knownSources: ReadonlySet<number>;
  /** Sources that were refused. */
  readonly refusedSources: ReadonlySet<number>;
  readonly knownNetworks: ReadonlySet<number>;
  /** Buckets and sources with accepted connections. */
  readonly visits: number;
  /** Days on which networks came for the first time, after the first week. */
  readonly newcomerDays: number;
}

/** Room to work in, made once for many ports. */
export interface BaselineRoom extends SeasonalRoom {
  readonly accepted: Float64Array;
  readonly other: Float64Array;
  /** Sums of the hour that ends with each bucket. */
  readonly hourSums: Float64Array;
}

export function baselineRoom(parameters: Parameters): BaselineRoom {
  const buckets = parameters.historyDays * DAY_BUCKETS;
  return {
    ...seasonalRoom(parameters),
    accepted: new Float64Array(buckets),
    other: new Float64Array(buckets),
    hourSums: new Float64Array(buckets),
  };
}

const HOUR = 12;

/** Offsets added before logarithms are taken. */
export const COUNT_OFFSET = 3;
export const BYTES_OFFSET = 1_000;

/**
 * Learns what is usual at a port on the day that begins at `day` (UTC seconds, a multiple of a day). `gaps`: buckets (by
 * position in the history) in which the feed was silent, to be taken as unknown. Nothing from `day` on is looked at.
 */
export function learnPort(
  traffic: PortTraffic,
  day: number,
  gaps: Uint8Array | null,
  table: SourceTable,
  parameters: Parameters,
  room: BaselineRoom,
): PortBaseline {
  const { history } = traffic;
  const start = day - parameters.historyDays * DAY_SECONDS;
  const from = positionOf(start, history.from);
  const past = pastOf(traffic, start, day, table);
  cut(history.accepted, from, room.accepted);
  mask(room.accepted, from, gaps, past.firstAccepted === null ? 0 : positionOf(past.firstAccepted, start));
  const learnedDays = knownDays(room.accepted);
  const isLearning = learnedDays < parameters.learningDays;
  const period = isLearning ? 24 : 168;
  const rate = rateOf(room.accepted);
  const { slotSum, slotCount } = sumsBySlot(room.accepted, period);
  const isUsed = rate.mean > 0;
  const scales = !isUsed
    ? []
    : SCALES.map((size) => {
        rollingSums(room.accepted, size, room.sums);
        if (size === HOUR) room.hourSums.set(room.sums);
        return seasonalBaseline(size, period, rate, slotSum, slotCount, room);
      });
  const hours = scales[SCALES.indexOf(HOUR)];
  const level = hours ? levelOf(room.hourSums, hours.allMeans, period) : USUAL_LEVEL;
  const quiet = isLearning || !isUsed ? null : quietHours(room.accepted);
  const extreme = (values: Float32Array, offset: number, leastScale: number): Extreme => {
    cut(values, from, room.other);
    mask(room.other, from, gaps, 0);
    return extremeOf(room.other, offset, leastScale);
  };
  const denied = extreme(history.denied, COUNT_OFFSET, 0.1);
  const sources = extreme(history.sources, COUNT_OFFSET, 0.06);
  const bytes = extreme(history.bytes, BYTES_OFFSET, 0.06);
  // The room holds bytes now.
  const bytesPerConnection = bytesEach(room);
  const heavy = isLearning || !isUsed ? null : heavyVisits(traffic.visits, start, day, room.sorted);
  return {
    ...{ day, learnedDays, isLearning, rate, scales, level, denied, bytes, sources, bytesPerConnection },
    ...{ quietHours: quiet, heavyVisits: heavy, lastAccepted: past.lastAccepted, longestPause: past.longestPause },
    rememberedDays: (day - Math.min(traffic.knownSince, past.firstAccepted ?? day)) / DAY_SECONDS,
    ...{
      knownSources: past.sources,
      refusedSources: past.refused,
      knownNetworks: past.networks,
      newcomerDays: past.newcomerDays,
      visits: past.visits,
    },
  };
}

interface Past {
  readonly firstAccepted: number | null;
  readonly lastAccepted: number | null;
  readonly longestPause: number;
  readonly sources: ReadonlySet<number>;
  readonly refused: ReadonlySet<number>;
  readonly networks: ReadonlySet<number>;
  readonly newcomerDays: number;
  readonly visits: number;
}

/** A port that one single connection touched, as a sweep does, is still an unused one. */
const MOST_TOUCHES = 1;

/** Who came before `day`, and when. Networks are new when they come a week or more after anything was known of the port. */
function pastOf({ visits, earlier, knownSince }: PortTraffic, start: number, day: number, table: SourceTable): Past {
  let firstAccepted = earlier?.firstAccepted ?? null;
  let lastAccepted = earlier?.lastAccepted ?? null;
  let longestPause = earlier?.longestPause ?? 0;
  let accepted = 0;
  let touches = lastAccepted === null ? 0 : MOST_TOUCHES + 1;
  const sources = new Set(earlier?.sources);
  const refused = new Set<number>();
  const networks = new Set(earlier?.networks);
  const newcomerDays = new Set<number>();
  const settled = Math.max(start, knownSince + 7 * DAY_SECONDS);
  for (let i = 0; i < visits.length; i++) {
    const bucket = visits.bucket[i] as number;
    if (bucket >= day) break;
    const source = visits.source[i] as number;
    if (visits.action[i] === ACTION.denied) {
      refused.add(source);
      continue;
    }
    accepted++;
    const isTouch = visits.connections[i] === 1 && !sources.has(source);
    touches += isTouch ? 1 : MOST_TOUCHES + 1;
    if (!sources.has(source)) {
      sources.add(source);
      const network = table.network(source);
      if (!networks.has(network)) {
        networks.add(network);
        if (bucket >= settled) newcomerDays.add(Math.floor(bucket / DAY_SECONDS));
      }
    }
    if (lastAccepted !== null) longestPause = Math.max(longestPause, bucket - lastAccepted);
    firstAccepted ??= bucket;
    lastAccepted = bucket;
  }
  if (touches <= MOST_TOUCHES) [firstAccepted, lastAccepted, longestPause] = [null, null, 0];
  return {
    firstAccepted,
    lastAccepted,
    longestPause,
    sources,
    refused,
    networks,
    newcomerDays: newcomerDays.size,
    visits: accepted,
  };
}

/** Makes unknown: gaps of the feed, and everything before the port's first connection. */
function mask(values: Float64Array, from: number, gaps: Uint8Array | null, first: number): void {
  for (let i = 0; i < Math.min(first, values.length); i++) values[i] = Number.NaN;
  if (gaps) for (let i = 0; i < values.length; i++) if (gaps[from + i] === 1) values[i] = Number.NaN;
}

function knownDays(values: Float64Array): number {
  let days = 0;
  for (let day = 0; day < values.length; day += DAY_BUCKETS) {
    let known = 0;
    for (let i = day; i < day + DAY_BUCKETS; i++) if (!Number.isNaN(values[i])) known++;
    if (known >= DAY_BUCKETS / 4) days++;
  }
  return days;
}

function rateOf(values: Float64Array): Rate {
  let n = 0;
  let sum = 0;
  let squares = 0;
  for (const v of values) {
    if (Number.isNaN(v)) continue;
    n++;
    sum += v;
    squares += v * v;
  }
  if (n === 0) return { mean: 0, variance: 0 };
  const mean = sum / n;
  return { mean, variance: Math.max(0, squares / n - mean * mean) };
}

function sumsBySlot(values: Float64Array, period: number): { slotSum: Float64Array; slotCount: Float64Array } {
  const slotSum = new Float64Array(period);
  const slotCount = new Float64Array(period);
  for (let i = 0; i < values.length; i++) {
    const v = values[i] as number;
    if (Number.isNaN(v)) continue;
    const slot = Math.floor(i / 12) % period;
    slotSum[slot] = (slotSum[slot] as number) + v;
    slotCount[slot] = (slotCount[slot] as number) + 1;
  }
  return { slotSum, slotCount };
}

function extremeOf(values: Float64Array, offset: number, leastScale: number): Extreme {
  const maxima: number[] = [];
  for (let day = 0; day < values.length; day += DAY_BUCKETS) {
    let high = Number.NaN;
    for (let i = day; i < day + DAY_BUCKETS; i++) {
      const v = values[i] as number;
      if (!(v <= high) && !Number.isNaN(v)) high = v;
    }
    maxima.push(high);
  }
  const second = secondLargest(maxima);
  return {
    secondLargest: Number.isNaN(second) ? 0 : second,
    tail: tailOf(
      maxima.map((v) => Math.log(v + offset)),
      leastScale,
    ),
  };
}

/** Middle and spread of ln(bytes per connection) over the buckets that had connections. */
function bytesEach({ accepted, other, sorted }: BaselineRoom): { median: number; spread: number } | null {
  let n = 0;
  for (let i = 0; i < accepted.length; i++) {
    const connections = accepted[i] as number;
    if (connections > 0) sorted[n++] = Math.log(((other[i] as number) + 1) / connections);
  }
  if (n < 30) return null;
  sortPart(sorted, n);
  const median = quantile(sorted, n, 0.5);
  return { median, spread: (quantile(sorted, n, 0.75) - quantile(sorted, n, 0.25)) / 1.349 };
}

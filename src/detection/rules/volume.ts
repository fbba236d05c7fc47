import { DAY_BUCKETS } from '../history.ts';
import { bandWords, numberWords, windowWords } from '../number-words.ts';
import { acceptedAt, extentOf, type PortDay } from '../port-day.ts';
import { RATIO_OFFSET } from '../seasonal.ts';
import type { Signal } from '../signal.ts';
import { surpriseOf } from '../surprise.ts';
import { dailySurprise } from '../tail.ts';

/**
 * Where there is little most of the time, what comes may come several times: a job that fails is tried again, a morning
 * begins early. That many times the usual over a quarter of an hour or longer, never more at once, is no spike.
 */
const REPEATED = 3.5;
/** Neither the count model nor the port's own days may be without surprise, however far out it is for the other (-ln, per day). */
const LEAST_EACH = 5;

/**
 * Much more connections than at this hour of the week: improbable by the count model, above what the same hour had in the
 * past weeks, and further out than the port's own extremes.
 */
export function volume(day: PortDay, position: number): Signal | null {
  if (!((day.accepted[position] as number) > 0)) return null;
  const { baseline, parameters } = day;
  const hour = Math.floor(position / 12);
  const strict = baseline.isLearning ? 2 : 1;
  let found: Signal | null = null;
  for (let s = 0; s < baseline.scales.length; s++) {
    const scale = baseline.scales[s] as (typeof baseline.scales)[number];
    // After a quiet time (a holiday) the weeks before are still the measure.
    const { up } = baseline.level;
    const mean = (scale.mean[hour] as number) * up;
    const counted = day.sums[s]?.[position] as number;
    // Who could not connect a moment ago comes now: a restart is no spike.
    const seen = counted - waited(day, position - scale.buckets, mean / scale.buckets);
    if (!(seen > mean)) continue;
    const surprise = surpriseOf(seen, mean, scale.r[hour] as number);
    // A day has fewer long windows than short ones: each is a test that may fail by chance.
    const byModel = surprise - Math.log(DAY_BUCKETS / scale.buckets);
    if (byModel < LEAST_EACH * strict) continue;
    const high = (scale.weekHigh[hour] || 0) * up;
    const dayHigh = (scale.dayHigh[hour] || 0) * up;
    const repeated = scale.buckets === 1 ? 1.5 : REPEATED;
    if (mean >= 10 ? seen <= 1.2 * strict * high || seen <= 1.4 * mean : seen <= repeated * strict * dayHigh + 3)
      continue;
    const ratio = Math.log((seen + RATIO_OFFSET) / ((scale.meanHigh[hour] as number) * up + RATIO_OFFSET));
    const daily = dailySurprise(ratio, scale.highTail);
    if (daily < LEAST_EACH || byModel + daily < parameters.surpriseOfSpikes * strict) continue;
    const told = Math.min(surprise, daily + Math.log(DAY_BUCKETS));
    if (found && found.surprise >= told) continue;
    const usualHigh = Math.max(mean, mean >= 10 ? high : dayHigh);
    found = {
      kind: 'traffic-spike',
      ...extentOf(day, position, scale.buckets, (v) => v > (1.4 * mean) / scale.buckets),
      ...{ seen: counted, low: Math.min(mean, scale.weekLow[hour] || 0), high: usualHigh, surprise: told, source: -1 },
      expectedWords: `${bandWords(Math.min(mean, scale.weekLow[hour] || 0), usualHigh)} connections in ${windowWords(scale.buckets)} at this hour of the week`,
      seenWords: `${numberWords(counted)} connections in ${windowWords(scale.buckets)}`,
    };
  }
  return found;
}

/** Buckets after which nobody waits any more. */
const PATIENCE = 3;

/** Connections that were missing in the buckets up to `position`. */
function waited(day: PortDay, position: number, meanPerBucket: number): number {
  let missing = 0;
  for (let i = position; i > position - PATIENCE; i--) {
    const seen = acceptedAt(day, i);
    if (seen < 0.3 * meanPerBucket) missing += meanPerBucket - seen;
  }
  return missing;
}

import { bandWords, numberWords, windowWords } from '../number-words.ts';
import { extentOf, type PortDay } from '../port-day.ts';
import { RATIO_OFFSET } from '../seasonal.ts';
import type { Signal } from '../signal.ts';
import { surpriseOf } from '../surprise.ts';
import { dailySurprise, onceIn } from '../tail.ts';

/** What is silent for three hours was silent for one; at the end of a working day three hours say little. */
const LONGEST_WINDOW = 12;
const SURPRISE_BELOW_LEAST = 5;

/** Almost nothing where there always is some, for 15 minutes or more. Never while it is unknown whether there was any. */
export function silence(day: PortDay, position: number): Signal | null {
  const { baseline, parameters } = day;
  if (baseline.isLearning) return null;
  const hour = Math.floor(position / 12);
  let found: Signal | null = null;
  for (let s = 1; s < baseline.scales.length; s++) {
    const scale = baseline.scales[s] as (typeof baseline.scales)[number];
    if (scale.buckets > LONGEST_WINDOW) break;
    const seen = day.sums[s]?.[position] as number;
    const { down } = baseline.level;
    const r = scale.r[hour] as number;
    const mean = (scale.mean[hour] as number) * down;
    const low = (scale.weekLow[hour] as number) * down;
    if (!(seen <= 0.1 * mean) || mean < 5 || !(seen < 0.3 * low)) continue;
    // The least that the same hours had is itself a count: it must be surprising to be below that, too.
    if (surpriseOf(seen, low, r) < SURPRISE_BELOW_LEAST) continue;
    const surprise = surpriseOf(seen, mean, r);
    if (surprise < parameters.surpriseOfSilence) continue;
    const ratio = Math.log(((scale.meanLow[hour] as number) * down + RATIO_OFFSET) / (seen + RATIO_OFFSET));
    if (ratio <= onceIn(parameters.daysBetween, scale.lowTail)) continue;
    const told = Math.min(surprise, dailySurprise(ratio, scale.lowTail) + Math.log(288));
    if (found && found.surprise >= told) continue;
    const high = Math.max(mean, scale.weekHigh[hour] || 0);
    found = {
      kind: 'unexpected-silence',
      ...extentOf(day, position, scale.buckets, (v) => v < (0.3 * mean) / scale.buckets),
      ...{ seen, low, high, surprise: told, source: -1 },
      expectedWords: `${bandWords(low, high)} connections in ${windowWords(scale.buckets)} at this hour of the week`,
      seenWords: `${seen === 0 ? 'no connection' : `${numberWords(seen)} connections`} in ${windowWords(scale.buckets)}`,
    };
  }
  return found;
}

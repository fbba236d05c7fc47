import { BUCKET_SECONDS } from '../../model/flow.ts';
import { COUNT_OFFSET } from '../baseline.ts';
import { bandWords, numberWords } from '../number-words.ts';
import { type PortDay, startOf } from '../port-day.ts';
import type { Signal } from '../signal.ts';
import { dailySurprise, onceIn } from '../tail.ts';

/** Many more different sources at once than on the port's busiest days. */
export function fanIn(day: PortDay, position: number): Signal | null {
  const seen = day.sources[position] as number;
  const { baseline, parameters } = day;
  const usual = baseline.sources.secondLargest * baseline.level.up;
  if (!(seen > 1.5 * usual + 3) || baseline.isLearning) return null;
  const size = Math.log(seen + COUNT_OFFSET);
  if (size <= onceIn(parameters.daysBetween, baseline.sources.tail)) return null;
  const start = startOf(day, position);
  return {
    ...{
      kind: 'source-fan-in',
      from: start,
      to: start + BUCKET_SECONDS,
      raised: start + BUCKET_SECONDS,
      seen,
      low: 0,
      high: usual,
      source: -1,
    },
    surprise: dailySurprise(size, baseline.sources.tail) + Math.log(288),
    expectedWords: `${bandWords(0, usual)} sources in 5 minutes`,
    seenWords: `${numberWords(seen)} different sources in 5 minutes`,
  };
}

import { BUCKET_SECONDS } from '../../model/flow.ts';
import { COUNT_OFFSET } from '../baseline.ts';
import { bandWords, numberWords } from '../number-words.ts';
import { type PortDay, startOf } from '../port-day.ts';
import type { Signal } from '../signal.ts';
import { dailySurprise, onceIn } from '../tail.ts';

/** Many refused connections, more than the port's worst days had. */
export function denied(day: PortDay, position: number): Signal | null {
  const seen = day.denied[position] as number;
  const { baseline, parameters } = day;
  if (!(seen >= parameters.deniedLeast)) return null;
  const usual = baseline.denied.secondLargest;
  if (seen <= 2 * usual + 5) return null;
  const size = Math.log(seen + COUNT_OFFSET);
  if (size <= onceIn(parameters.daysBetween, baseline.denied.tail)) return null;
  const start = startOf(day, position);
  return {
    ...{
      kind: 'denied-burst',
      from: start,
      to: start + BUCKET_SECONDS,
      raised: start + BUCKET_SECONDS,
      seen,
      low: 0,
      high: usual,
      source: -1,
    },
    surprise: dailySurprise(size, baseline.denied.tail) + Math.log(288),
    expectedWords: `${usual === 0 ? 'no' : bandWords(0, usual)} refused connections in 5 minutes`,
    seenWords: `${numberWords(seen)} refused connections in 5 minutes`,
  };
}

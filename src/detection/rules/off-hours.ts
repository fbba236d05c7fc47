import { BUCKET_SECONDS } from '../../model/flow.ts';
import { count } from '../../util/words.ts';
import { numberWords } from '../number-words.ts';
import { type PortDay, startOf } from '../port-day.ts';
import type { Signal } from '../signal.ts';

/** Largest odds, measured on the port's own weeks, that an hour which is always empty is used for a good reason. */
const LARGEST_ODDS = 0.005;

/** Traffic at an hour of the week that, with two hours before and after it, was empty in every week. */
export function offHours(day: PortDay, position: number): Signal | null {
  const seen = day.accepted[position] as number;
  const quiet = day.baseline.quietHours;
  if (!quiet || !(seen >= 2)) return null;
  const odds = quiet.odds[Math.floor(position / 12)] as number;
  if (odds > LARGEST_ODDS) return null;
  const start = startOf(day, position);
  return {
    ...{
      kind: 'off-hours',
      from: start,
      to: start + BUCKET_SECONDS,
      raised: start + BUCKET_SECONDS,
      seen,
      low: 0,
      high: 0,
      source: -1,
    },
    surprise: -Math.log(odds) * Math.min(3, 1 + Math.log10(seen)),
    expectedWords: `no connections at this hour of the week, as in the past ${count(quiet.weeks, 'week')}`,
    seenWords: `${numberWords(seen)} connections in 5 minutes`,
  };
}

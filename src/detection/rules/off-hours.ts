import { BUCKET_SECONDS } from '../../model/flow.ts';
import { count } from '../../util/words.ts';
import { numberWords } from '../number-words.ts';
import { acceptedAt, type PortDay, startOf } from '../port-day.ts';
import type { Signal } from '../signal.ts';

/** Largest odds, measured on the port's own weeks, that an hour which is always empty is used for a good reason. */
const LARGEST_ODDS = 0.005;

/** Two may be one and its repetition. */
const LEAST = 3;
/** Buckets without a connection after which the working day is over. */
const END_OF_DAY = 24;

/** Traffic at an hour of the week that, with two hours before and after it, was empty in every week. */
export function offHours(day: PortDay, position: number): Signal | null {
  const seen = day.accepted[position] as number;
  const quiet = day.baseline.quietHours;
  if (!quiet || !(seen >= LEAST)) return null;
  const odds = quiet.odds[Math.floor(position / 12)] as number;
  if (odds > LARGEST_ODDS || isOvertime(day, position, quiet.odds)) return null;
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

/** Somebody who stays late was there all the time since the hours that are used; an intruder comes out of nothing. */
function isOvertime(day: PortDay, position: number, odds: Float64Array): boolean {
  let pause = 0;
  for (let i = position - 1; pause < END_OF_DAY; i--) {
    if (acceptedAt(day, i) > 0) {
      pause = 0;
      // Of the hours before midnight nothing is kept: what goes on since then is taken for one stay.
      if (i < 0 || odds[Math.floor(i / 12)] === 1) return true;
    } else pause++;
  }
  return false;
}

import { BUCKET_SECONDS } from '../../model/flow.ts';
import { count } from '../../util/words.ts';
import { DAY_SECONDS } from '../history.ts';
import { numberWords } from '../number-words.ts';
import { type PortDay, startOf } from '../port-day.ts';
import type { Signal } from '../signal.ts';

/** A pause of so many buckets ends what a card tells of: as long as signals of a port are one card. */
const PAUSE_BUCKETS = 12;
/** A sweep that touched the port earlier on the day does not hide its first real use. */
const MOST_BEFORE = 2;

/**
 * A port that was silent for the whole of the known past, or for four weeks and much longer than it ever paused before, is
 * used. The first use of a port that may be a client's says nothing.
 */
export function dormant(day: PortDay, position: number): Signal | null {
  if (!((day.accepted[position] as number) > 0) || !day.traffic.isDirected) return null;
  const { baseline, parameters } = day;
  let before = 0;
  for (let i = 0; i < position; i++) before += day.accepted[i] || 0;
  if (before > MOST_BEFORE) return null;
  const start = startOf(day, position);
  const silentDays =
    baseline.lastAccepted === null ? baseline.rememberedDays : (start - baseline.lastAccepted) / DAY_SECONDS;
  if (baseline.rememberedDays < parameters.learningDays) return null;
  if (baseline.lastAccepted !== null) {
    if (silentDays < parameters.dormantDays) return null;
    if (silentDays * DAY_SECONDS < 2 * baseline.longestPause) return null;
  }
  const days = count(Math.floor(silentDays), 'day');
  const { seen, buckets } = pulse(day.accepted, position);
  return {
    ...{
      kind: 'dormant-port-active',
      from: start,
      to: start + buckets * BUCKET_SECONDS,
      raised: start + BUCKET_SECONDS,
      seen,
      low: 0,
      high: 0,
      source: -1,
    },
    // Rule of succession, per bucket: not once in so many of them.
    surprise: Math.log(Math.floor(silentDays) * 288 + 1),
    expectedWords:
      baseline.lastAccepted === null
        ? `no connection: none in the ${days} that are known`
        : `no connection: the last one was ${days} before`,
    seenWords: `${numberWords(seen)} ${seen === 1 ? 'connection' : 'connections'}`,
  };
}

/** What came from a bucket on, up to the first long pause: a pulse is told whole, not by its first five minutes. */
function pulse(accepted: Float64Array, position: number): { readonly seen: number; readonly buckets: number } {
  let seen = 0;
  let last = position;
  for (let i = position; i < accepted.length && i - last <= PAUSE_BUCKETS; i++) {
    const here = accepted[i] as number;
    if (!(here > 0)) continue;
    seen += here;
    last = i;
  }
  return { seen, buckets: last - position + 1 };
}

import { BUCKET_SECONDS } from '../../model/flow.ts';
import { surprises } from '../heavy-visits.ts';
import { bytesWords, windowWords } from '../number-words.ts';
import { firstAt, type PortDay } from '../port-day.ts';
import type { Signal } from '../signal.ts';
import { dailySurprise, onceIn } from '../tail.ts';

/** Every visit is a trial, in two windows. */
const LEAST_SURPRISE = 18;
/** Visits of one bucket may hang together: fewer of them prove little. */
const LEAST_HEAVY = 4;
/** Buckets before the day that windows of its first ones reach back to. */
const LEAD = 2;

/** Most visits at once carry bytes as few of them ever do, however heavy single ones are at this port. */
export function heavy(day: PortDay): Signal[] {
  const { baseline, traffic, parameters } = day;
  const learned = baseline.heavyVisits;
  if (!learned) return [];
  const { visits } = traffic;
  const first = firstAt(visits.bucket, visits.length, baseline.day - LEAD * BUCKET_SECONDS);
  const least = Math.max(LEAST_SURPRISE, onceIn(parameters.daysBetween, learned.tail));
  const found: Signal[] = [];
  for (const at of surprises(visits, first, day.endVisit, learned)) {
    if (at.bucket < baseline.day || at.surprise <= least || at.heavy < LEAST_HEAVY) continue;
    const position = (at.bucket - baseline.day) / BUCKET_SECONDS;
    let seen = 0;
    for (let i = Math.max(0, position - at.buckets + 1); i <= position; i++) seen += day.bytes[i] || 0;
    if (seen < parameters.bytesLeast || Number.isNaN(day.bytes[position])) continue;
    found.push({
      kind: 'bytes-spike',
      from: Math.max(baseline.day, at.bucket - (at.buckets - 1) * BUCKET_SECONDS),
      to: at.bucket + BUCKET_SECONDS,
      raised: at.bucket + BUCKET_SECONDS,
      ...{ seen, low: 0, high: baseline.bytes.secondLargest, source: -1 },
      surprise: Math.min(at.surprise, dailySurprise(at.surprise, learned.tail) + Math.log(288)),
      expectedWords: `more than ${bytesWords(learned.limit)} per connection in no more than ${percent(learned.share)} of the visits`,
      seenWords: `${at.heavy} of ${at.visits} visits had more, ${bytesWords(seen)} in ${windowWords(at.buckets)}`,
    });
  }
  return found;
}

function percent(share: number): string {
  return `${Math.max(0.1, share * 100).toFixed(1)} %`;
}

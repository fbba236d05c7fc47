import { BUCKET_SECONDS } from '../../model/flow.ts';
import { BYTES_OFFSET } from '../baseline.ts';
import { bytesWords } from '../number-words.ts';
import { type PortDay, startOf } from '../port-day.ts';
import type { Signal } from '../signal.ts';
import { dailySurprise, onceIn } from '../tail.ts';

/** Bytes have heavier tails than counts: so many times rarer. Where most visits are heavy at once, another rule sees it. */
const RARER = 64;

/** Much more bytes per connection than usual, and more bytes than the port's largest days had. */
export function bytes(day: PortDay, position: number): Signal | null {
  const connections = day.accepted[position] as number;
  const seen = day.bytes[position] as number;
  const { baseline, parameters } = day;
  const each = baseline.bytesPerConnection;
  if (!(connections > 0) || !each || baseline.isLearning) return null;
  const away = (Math.log((seen + 1) / connections) - each.median) / (each.spread + 0.1);
  if (away < 5 || seen < parameters.bytesLeast || seen <= 2 * baseline.bytes.secondLargest) return null;
  const size = Math.log(seen + BYTES_OFFSET);
  if (size <= onceIn(RARER * parameters.daysBetween, baseline.bytes.tail)) return null;
  const start = startOf(day, position);
  const usual = Math.exp(each.median) * connections;
  return {
    ...{
      kind: 'bytes-spike',
      from: start,
      to: start + BUCKET_SECONDS,
      raised: start + BUCKET_SECONDS,
      seen,
      source: -1,
    },
    ...{ low: 0, high: Math.max(usual, baseline.bytes.secondLargest) },
    surprise: dailySurprise(size, baseline.bytes.tail) + Math.log(288),
    expectedWords: `about ${bytesWords(Math.exp(each.median))} per connection, and up to ${bytesWords(baseline.bytes.secondLargest)} in 5 minutes`,
    seenWords: `${bytesWords(seen / connections)} per connection, ${bytesWords(seen)} in 5 minutes`,
  };
}

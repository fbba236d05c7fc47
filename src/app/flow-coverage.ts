import type { KnownTimes } from '../detection/gather.ts';
import { BUCKET_SECONDS, type FeedCoverage } from '../model/flow.ts';
import type { FlowStore } from '../store/flow-store.ts';
import { getOrMake } from '../util/get-or-make.ts';

/**
 * Says of each destination when it was seen by a feed that delivers. A destination that no feed with known coverage
 * reported counts as seen all the time that flows are kept of: nothing says otherwise.
 */
export async function coverageByDestination(
  flows: FlowStore,
  spanFrom: number,
  historyFrom: number,
  until: number,
): Promise<(destination: string) => KnownTimes> {
  const delivered = (await flows.coverage(spanFrom, until)).filter((c) => c.kind === 'delivered');
  const byFeed = Map.groupBy(delivered, (c) => c.feed);
  const feedsOf = new Map<string, string[]>();
  for (const [feed, addresses] of await flows.feedAddresses()) {
    if (!byFeed.has(feed)) continue;
    for (const address of addresses) getOrMake(feedsOf, address, () => []).push(feed);
  }
  const known = new Map<string, KnownTimes>();
  const all = { since: spanFrom, uncovered: null };
  return (destination) => {
    const feeds = feedsOf.get(destination);
    if (!feeds) return all;
    return getOrMake(known, feeds.join('\n'), () =>
      timesOf(
        feeds.flatMap((feed) => byFeed.get(feed) ?? []),
        historyFrom,
        until,
      ),
    );
  };
}

/** A bucket counts as covered when at least half of it is. */
function timesOf(coverage: readonly FeedCoverage[], historyFrom: number, until: number): KnownTimes {
  const buckets = Math.max(0, Math.ceil((until - historyFrom) / BUCKET_SECONDS));
  const seconds = new Float32Array(buckets);
  let since = Number.POSITIVE_INFINITY;
  for (const { from, until: end } of coverage) {
    since = Math.min(since, from);
    const first = Math.max(0, Math.floor((from - historyFrom) / BUCKET_SECONDS));
    for (let i = first; i < buckets && historyFrom + i * BUCKET_SECONDS < end; i++) {
      const start = historyFrom + i * BUCKET_SECONDS;
      seconds[i] = (seconds[i] as number) + Math.min(end, start + BUCKET_SECONDS) - Math.max(from, start);
    }
  }
  return { since, uncovered: Uint8Array.from(seconds, (s) => (s * 2 < BUCKET_SECONDS ? 1 : 0)) };
}

import { BUCKET_SECONDS, type FeedCoverage } from '../model/flow.ts';
import type { FeedHealth, FlowFeeds } from '../model/flow-feeds.ts';
import type { KeptFlows } from '../store/flows.ts';
import { compareBy } from '../util/compare.ts';
import type { Context } from './context.ts';
import { damageOf, spanOf, type TimeTexts, withFlowsToRead } from './flows-read.ts';

const DAY_S = 86_400;
/** A feed that delivered nothing for so long is late: exporters and logs come in pieces. */
const LATE_S = 2 * 3_600;
/** More feeds than anybody has. */
const ALL_FEEDS = 1_000_000;

/** Every feed with what it delivered: in the last 7 days where no time is said. */
export async function flowFeeds(
  context: Context,
  time: TimeTexts,
): Promise<FlowFeeds & { readonly damaged: readonly string[] }> {
  return withFlowsToRead(context, async (flows) => {
    const now = Math.floor(context.now() / 1000);
    const span = (time.from === undefined && time.to === undefined ? null : await spanOf(context, flows, time)) ?? {
      from: now - 7 * DAY_S,
      until: now,
    };
    const feeds = await flows.feeds();
    const ever = await flows.coverage(0, 2 ** 33);
    const seen = await flows.feedAddresses();
    const byFeed = Map.groupBy(ever, ({ feed }) => feed);
    const coversTime = new Set(ever.filter(({ kind }) => kind === 'delivered').map(({ feed }) => feed));
    const newest = feeds.every(({ name }) => coversTime.has(name))
      ? new Map<string, number>()
      : await newestFlows(flows);
    const until = Math.min(span.until, now);
    return {
      ...span,
      feeds: feeds
        .map(({ name, format }): FeedHealth => {
          const own = byFeed.get(name) ?? [];
          const addresses = seen.get(name)?.size ?? 0;
          const health = healthOf(own, span.from, until);
          if (coversTime.has(name)) return { name, format, ...health, addresses };
          return { name, format, ...health, covered: null, lastDelivered: newest.get(name) ?? null, addresses };
        })
        .sort(compareBy((feed) => feed.name)),
      damaged: await damageOf(flows),
    };
  });
}

/** End of the newest bucket of each feed, UTC seconds. */
async function newestFlows(flows: KeptFlows): Promise<ReadonlyMap<string, number>> {
  const span = await flows.span();
  if (!span) return new Map();
  const { rows } = await flows.top(span, 'feed', 'connections', ALL_FEEDS);
  return new Map(rows.map(({ feed, last }) => [feed ?? '', last + BUCKET_SECONDS]));
}

/** `coverage`: of one feed, sorted, none overlapping. */
function healthOf(
  coverage: readonly FeedCoverage[],
  from: number,
  until: number,
): Pick<FeedHealth, 'lastDelivered' | 'covered' | 'gaps' | 'lost'> {
  const inside = coverage
    .filter((one) => one.from < until && one.until > from)
    .map((one) => ({ ...one, from: Math.max(one.from, from), until: Math.min(one.until, until) }));
  const delivered = inside.filter(({ kind }) => kind === 'delivered');
  const known = inside.filter(({ kind }) => kind === 'gap');
  const seconds = delivered.reduce((sum, one) => sum + one.until - one.from, 0);
  const gaps = known.map((one) => ({ from: one.from, until: one.until, isKnown: true }));
  for (const [i, one] of inside.entries()) {
    const before = inside[i - 1];
    if (before && before.until < one.from) gaps.push({ from: before.until, until: one.from, isKnown: false });
  }
  const end = coverage.findLast((one) => one.from < until)?.until;
  if (end !== undefined && until - end > LATE_S) gaps.push({ from: Math.max(end, from), until, isKnown: false });
  return {
    lastDelivered: coverage.findLast(({ kind }) => kind === 'delivered')?.until ?? null,
    covered: until > from ? seconds / (until - from) : 0,
    gaps: gaps.sort((a, b) => a.from - b.from),
    lost: known.some(({ lost }) => lost === null) ? null : known.reduce((sum, { lost }) => sum + (lost ?? 0), 0),
  };
}

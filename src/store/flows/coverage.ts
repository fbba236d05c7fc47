import type { FeedCoverage } from '../../model/flow.ts';

/**
 * Coverage within a time: by feed, sorted, no two overlapping, neighbours of one kind merged. Where records are known to
 * be missing it is a gap, whatever else was delivered for that time.
 */
export function mergedCoverage(all: readonly FeedCoverage[], from: number, until: number): FeedCoverage[] {
  const byFeed = new Map<string, FeedCoverage[]>();
  for (const one of all) {
    const cut = { ...one, from: Math.max(one.from, from), until: Math.min(one.until, until) };
    if (cut.from >= cut.until) continue;
    const known = byFeed.get(one.feed);
    if (known) known.push(cut);
    else byFeed.set(one.feed, [cut]);
  }
  const feeds = [...byFeed].sort(([a], [b]) => (a < b ? -1 : 1));
  return feeds.flatMap(([, some]) => {
    const gaps = joined(some.filter((one) => one.kind === 'gap'));
    const delivered = without(joined(some.filter((one) => one.kind === 'delivered')), gaps);
    return [...gaps, ...delivered].sort((a, b) => a.from - b.from);
  });
}

/** Joins what touches. The lost add up; one unknown number makes the sum unknown. */
function joined(some: readonly FeedCoverage[]): FeedCoverage[] {
  const found: FeedCoverage[] = [];
  for (const one of [...some].sort((a, b) => a.from - b.from)) {
    const last = found.at(-1);
    if (!last || one.from > last.until) found.push(one);
    else {
      const lost = last.lost === null || one.lost === null ? null : last.lost + one.lost;
      found[found.length - 1] = { ...last, until: Math.max(last.until, one.until), lost };
    }
  }
  return found;
}

/** Takes gaps out of what was delivered; both sorted, neither overlapping. */
function without(delivered: readonly FeedCoverage[], gaps: readonly FeedCoverage[]): FeedCoverage[] {
  const found: FeedCoverage[] = [];
  let g = 0;
  for (const one of delivered) {
    let { from } = one;
    while (g < gaps.length && (gaps[g] as FeedCoverage).until <= from) g++;
    for (let i = g; i < gaps.length && (gaps[i] as FeedCoverage).from < one.until; i++) {
      const gap = gaps[i] as FeedCoverage;
      if (gap.from > from) found.push({ ...one, from, until: gap.from });
      from = Math.max(from, gap.until);
    }
    if (from < one.until) found.push({ ...one, from });
  }
  return found;
}

import { compareBy } from '../util/compare.ts';
import type { MatchHost } from './host-selector.ts';
import { buildMatcher, mergeHosts } from './match.ts';
import { findAmbiguous } from './overlap-ambiguous.ts';
import type { Budget, Overlap } from './overlap-result.ts';
import { findUnreachable } from './overlap-unreachable.ts';
import type { RegisterEntry } from './register.ts';

export type { Overlap } from './overlap-result.ts';

export interface Overlaps {
  /** Sorted by entry, kind and deciding entry. */
  readonly overlaps: readonly Overlap[];
  /** False where the register is so entangled that the search was cut short: there may be more. */
  readonly exhaustive: boolean;
}

/** Questions to the matcher and steps through tied entries. */
const BUDGET = 2_000_000;

export interface OverlapOptions {
  /** Ids of entries that are known to decide something, so that it need not be found out. */
  readonly deciding?: ReadonlySet<string>;
  /** Default: a second or so at the most. */
  readonly steps?: number;
}

/**
 * Finds entries that get in each other's way. Of every set of tied entries each but the first is told of, at most with
 * 5 entries that decide in its place; an entry that never decides is not told of as tied for the same reason.
 */
export function findOverlaps(
  entries: readonly RegisterEntry[],
  hosts: readonly MatchHost[],
  { deciding = new Set(), steps = BUDGET }: OverlapOptions = {},
): Overlaps {
  const merged = mergeHosts(hosts);
  const budget: Budget = { left: steps };
  const idle = entries.filter((entry) => !deciding.has(entry.id));
  const unreachable = idle.length === 0 ? [] : findUnreachable(idle, merged, buildMatcher(entries, merged), budget);
  // An entry that never decides for the same reason is told of as that alone.
  const never = new Map(unreachable.map((o) => [o.entry, o.where]));
  const ambiguous = findAmbiguous(entries, merged, budget).filter((o) => {
    const where = never.get(o.entry);
    return where !== 'selectors' && where !== o.where;
  });
  const overlaps = [...unreachable, ...ambiguous].sort(
    compareBy(
      (o) => o.entry,
      (o) => o.kind,
      (o) => (o.kind === 'ambiguous' ? o.decidedBy : ''),
      (o) => o.where,
    ),
  );
  return { overlaps, exhaustive: budget.left > 0 };
}

import type { FlowRetention } from '../../model/flow-retention.ts';
import type { StoredPart } from '../flow-manifest.ts';
import { periodEnd, periodOf, TIERS } from './folder.ts';

const DAY_S = 86_400;
/** Parts of a period that is still going on are merged when there are so many small ones. */
const MANY = 4;
const SMALL_ROWS = 256 * 1024;

/** Parts that become one. */
export interface Merge {
  readonly tier: number;
  readonly parts: readonly StoredPart[];
}

export interface CompactionPlan {
  readonly merges: readonly Merge[];
  /** Past the time for which flows are kept. */
  readonly expired: readonly StoredPart[];
}

/** Works out which parts are merged, made coarser and removed. `now`: UTC seconds. `damaged`: left as they are until they expire. */
export function planCompaction(
  parts: readonly StoredPart[],
  damaged: ReadonlySet<string>,
  retention: FlowRetention,
  now: number,
): CompactionPlan {
  const before = (days: number): number => now - days * DAY_S;
  const isExpired = (part: StoredPart): boolean => part.until <= before(retention.dayDays);
  const tierFor = (part: StoredPart): number => {
    if (part.until <= before(retention.hourDays)) return TIERS.days;
    return Math.max(part.tier, part.until <= before(retention.fiveMinuteDays) ? TIERS.hours : 0);
  };
  const groups = new Map<string, { tier: number; period: number; parts: StoredPart[] }>();
  for (const part of parts) {
    if (isExpired(part) || damaged.has(part.file)) continue;
    const tier = tierFor(part);
    const period = periodOf(tier, part.from);
    const group = groups.get(`${tier} ${period}`) ?? { tier, period, parts: [] };
    groups.set(`${tier} ${period}`, group);
    group.parts.push(part);
  }
  const merges = [...groups.values()].flatMap(({ tier, period, parts: some }): Merge[] => {
    const chosen = some.some((part) => part.tier !== tier) ? some : worthMerging(some, periodEnd(tier, period) <= now);
    return chosen.length > 0 ? [{ tier, parts: chosen }] : [];
  });
  return { merges, expired: parts.filter(isExpired) };
}

/** Parts of one period and tier that are better merged: not a large one for the sake of a few rows. */
function worthMerging(parts: readonly StoredPart[], isOver: boolean): readonly StoredPart[] {
  if (!isOver) {
    const small = parts.filter(({ rows }) => rows < SMALL_ROWS);
    return small.length >= MANY ? small : [];
  }
  const [largest, ...others] = [...parts].sort((a, b) => b.rows - a.rows);
  if (!largest || others.length === 0) return [];
  const rest = others.reduce((sum, { rows }) => sum + rows, 0);
  if (rest * 4 >= largest.rows || largest.rows < SMALL_ROWS) return parts;
  return others.length > 1 ? others : [];
}

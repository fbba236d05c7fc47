import type { Policy, RegisterEntry } from '../../model/register.ts';
import { DAY_MS } from '../../model/register.ts';

/**
 * Returns when an entry is to be reviewed next (UTC milliseconds): the interval of the entry, else the shortest of its
 * data classes, else the policy's, after the last review or else the approval. null: never approved, so nothing to review.
 */
export function reviewDue(entry: RegisterEntry, policy: Policy): number | null {
  const last = entry.review?.last ?? entry.approval?.at;
  if (last === undefined) return null;
  const byData = entry.data.map((c) => policy.reviewEveryDaysByData[c]).filter((days) => days !== undefined);
  const days = entry.review?.everyDays ?? (byData.length > 0 ? Math.min(...byData) : policy.reviewEveryDays);
  return last + days * DAY_MS;
}

export type ReviewState = 'overdue' | 'soon' | 'later' | 'none';

export function reviewState(due: number | null, now: number, policy: Policy): ReviewState {
  if (due === null) return 'none';
  if (due <= now) return 'overdue';
  return due <= now + policy.dueSoonDays * DAY_MS ? 'soon' : 'later';
}

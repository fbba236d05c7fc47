import { DAY_MS, type Policy, type RegisterEntry } from './register.ts';

/**
 * Returns when an entry is to be reviewed next (UTC milliseconds), or null where nothing waits for a review: a draft, or
 * an entry that expired (approving it anew is its review).
 */
export function reviewDue(entry: RegisterEntry, policy: Policy, now: number): number | null {
  if (entry.approval === null || (entry.expires !== null && entry.expires <= now)) return null;
  return lastReview(entry, entry.approval.at) + reviewIntervalDays(entry, policy) * DAY_MS;
}

/** A review of an older text does not count; the approval itself is the first review. */
function lastReview({ review, digest }: RegisterEntry, approvedAt: number): number {
  const counts = review?.last !== undefined && (review.digest === undefined || review.digest === digest);
  return counts ? Math.max(review.last, approvedAt) : approvedAt;
}

/** The entry's own interval or the policy's, and never longer than the policy allows for the entry's data classes. */
function reviewIntervalDays(entry: RegisterEntry, policy: Policy): number {
  const byData = entry.data.map((d) => policy.reviewEveryDaysByData[d]).filter((days) => days !== undefined);
  return Math.min(entry.review?.everyDays ?? policy.reviewEveryDays, ...byData);
}

export type ReviewState = 'overdue' | 'soon' | 'later' | 'none';

/** How a review stands: due at or before now, within the days in which it is announced, later, or nothing to review. */
export function reviewState(due: number | null, now: number, policy: Policy): ReviewState {
  if (due === null) return 'none';
  if (due <= now) return 'overdue';
  return due <= now + policy.dueSoonDays * DAY_MS ? 'soon' : 'later';
}

import { type ApprovalState, DAY_MS, type Policy, type RegisterEntry } from './register.ts';

/** How the review of an entry stands. */
export interface ReviewStanding {
  /** Days between reviews. */
  readonly everyDays: number;
  /** Review of what stands now, UTC milliseconds; null: none that counts. */
  readonly reviewed: number | null;
  /** A proven approval, which is the first review, UTC milliseconds; null: none. */
  readonly approved: number | null;
  /** Why the review stamp of the entry does not count; null where it does, or there is none. */
  readonly ignored: string | null;
  /** UTC milliseconds. null: nothing waits for a review, as nothing was ever allowed, or not any more. */
  readonly due: number | null;
}

/**
 * Returns how the review of an entry stands at `now` (UTC milliseconds). The one rule, for every check and report:
 * reviews follow each other within the interval, counted from the last review of what the entry says now, and a proven
 * approval is the first of them. An approval that nothing proves is no review, and an entry that expired waits for an
 * approval rather than a review.
 */
export function reviewStanding(
  entry: RegisterEntry,
  approval: ApprovalState,
  policy: Policy,
  now: number,
): ReviewStanding {
  const everyDays = reviewIntervalDays(entry, policy);
  const ignored = whyIgnored(entry, now);
  const reviewed = ignored === null ? (entry.review?.last ?? null) : null;
  const approved = approval.kind === 'proven' ? (entry.approval?.at ?? null) : null;
  const isExpired = entry.expires !== null && entry.expires <= now;
  const isWaiting = approval.kind !== 'draft' && !isExpired && (reviewed !== null || approved !== null);
  const due = isWaiting ? Math.max(reviewed ?? 0, approved ?? 0) + everyDays * DAY_MS : null;
  return { everyDays, reviewed, approved, ignored, due };
}

/** When an entry is to be reviewed next (UTC milliseconds); null where nothing waits for a review. */
export function reviewDue(entry: RegisterEntry, approval: ApprovalState, policy: Policy, now: number): number | null {
  return reviewStanding(entry, approval, policy, now).due;
}

function whyIgnored({ review, digest }: RegisterEntry, now: number): string | null {
  if (review?.last === undefined) return null;
  if (review.digest !== undefined && review.digest !== digest) return 'the entry changed since';
  // Clocks of two machines differ by minutes; a stamp of next year would put off every review until then.
  return review.last > now + DAY_MS ? 'it is dated in the future' : null;
}

/** The entry's own interval, and never longer than the policy allows for its data; else that of its data, else the policy's. */
function reviewIntervalDays(entry: RegisterEntry, policy: Policy): number {
  const own = entry.review?.everyDays;
  const most = policyReviewDays(entry, policy);
  if (own === undefined) return most.days;
  return most.byData ? Math.min(own, most.days) : own;
}

/** What the policy asks for: the shortest interval of the entry's data classes, else that of every entry. */
export function policyReviewDays(
  entry: RegisterEntry,
  { reviewEveryDays, reviewEveryDaysByData }: Policy,
): { readonly days: number; readonly byData: boolean } {
  const days = entry.data.flatMap((name) =>
    Object.hasOwn(reviewEveryDaysByData, name) ? [reviewEveryDaysByData[name] as number] : [],
  );
  return days.length > 0 ? { days: Math.min(...days), byData: true } : { days: reviewEveryDays, byData: false };
}

export type ReviewState = 'overdue' | 'soon' | 'later' | 'none';

/** How a review stands: due at or before now, within the days in which it is announced, later, or nothing to review. */
export function reviewState(due: number | null, now: number, policy: Policy): ReviewState {
  if (due === null) return 'none';
  if (due <= now) return 'overdue';
  return due <= now + policy.dueSoonDays * DAY_MS ? 'soon' : 'later';
}

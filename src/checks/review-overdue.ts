import type { FindingDraft } from '../model/finding.ts';
import { DAY_MS, type Policy, type RegisterEntry } from '../model/register.ts';
import { count, utcDay } from '../util/words.ts';
import type { Check } from './check.ts';

export const reviewOverdue: Check = {
  id: 'review-overdue',
  title: 'Review overdue or due soon',
  severity: 'medium',
  rationale:
    'Ports must be looked at again at a set interval, to find those that are no longer needed (CM-7(1) asks for it by name). ' +
    'A review that never happens turns the register into history.',
  remediation: 'Look at the entry with its owner and record the outcome with `quietdoor register review ID`.',
  estate(estate) {
    const { now } = estate;
    const { policy } = estate.register;
    const soonMs = policy.dueSoonDays * DAY_MS;
    const found: FindingDraft[] = [];
    for (const entry of estate.register.entries) {
      if (estate.approvals.get(entry.id)?.kind === 'draft') continue;
      const expired = entry.expires !== null && entry.expires <= now;
      if (entry.expires !== null && !expired && entry.expires - now <= soonMs)
        found.push(expiresSoon(entry, entry.expires, now));
      const last = lastReview(entry);
      // An expired approval has a finding of its own, and approving it anew is its review.
      if (last === undefined || expired) continue;
      const everyDays = intervalDays(entry, policy);
      const due = last + everyDays * DAY_MS;
      if (due - now > soonMs) continue;
      const overdue = due <= now;
      found.push({
        subject: { kind: 'entry', entry: entry.id },
        entry: entry.id,
        discriminator: 'review',
        severity: overdue ? 'medium' : 'info',
        message: overdue
          ? `The review of ${entry.id} has been due since ${utcDay(due)}, ${inDays(now - due)} ago.`
          : `The review of ${entry.id} is due on ${utcDay(due)}, in ${inDays(due - now)}.`,
        evidence: [
          { label: entry.review?.last === last ? 'last review' : 'approved', value: utcDay(last) },
          { label: 'every', value: count(everyDays, 'day') },
        ],
        remediation: `Look at it with ${entry.owner ?? 'its owner'}, then: quietdoor register review ${entry.id}`,
        at: entry.at,
      });
    }
    return found;
  },
};

function expiresSoon(entry: RegisterEntry, expires: number, now: number): FindingDraft {
  return {
    subject: { kind: 'entry', entry: entry.id },
    entry: entry.id,
    discriminator: 'expiry',
    severity: 'info',
    message: `The approval of ${entry.id} expires on ${utcDay(expires)}, in ${inDays(expires - now)}.`,
    evidence: [{ label: 'expires', value: utcDay(expires) }],
    remediation: `If the port is still needed, set a new expires at ${entry.at.file}:${entry.at.line}, then: quietdoor register approve ${entry.id}`,
    at: entry.at,
  };
}

/** A review of an older text does not count; the approval itself is the first review. */
function lastReview(entry: RegisterEntry): number | undefined {
  const { review, approval } = entry;
  const counts = review?.last !== undefined && (review.digest === undefined || review.digest === entry.digest);
  const times = [counts ? review.last : undefined, approval?.at].filter((t) => t !== undefined);
  return times.length === 0 ? undefined : Math.max(...times);
}

/** The entry's own interval or the policy's, and never longer than the policy allows for the entry's data classes. */
function intervalDays(entry: RegisterEntry, policy: Policy): number {
  const byData = entry.data.map((d) => policy.reviewEveryDaysByData[d]).filter((days) => days !== undefined);
  return Math.min(entry.review?.everyDays ?? policy.reviewEveryDays, ...byData);
}

function inDays(ms: number): string {
  return count(Math.floor(ms / DAY_MS), 'day');
}

import type { EstateFacts } from '../model/facts.ts';
import type { FindingDraft } from '../model/finding.ts';
import { DAY_MS, type RegisterEntry } from '../model/register.ts';
import { reviewStanding } from '../model/review.ts';
import { count, utcDay } from '../util/words.ts';
import type { Check } from './check.ts';
import { approveStep, placeOf } from './remedy.ts';

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
      const approval = estate.approvals.get(entry.id) ?? { kind: 'unknown', reason: 'it was not judged' };
      if (approval.kind === 'draft') continue;
      const expired = entry.expires !== null && entry.expires <= now;
      if (entry.expires !== null && !expired && entry.expires - now <= soonMs)
        found.push(expiresSoon(entry, entry.expires, estate));
      const { due, everyDays, reviewed, approved, ignored } = reviewStanding(entry, approval, policy, now);
      if (due === null || due - now > soonMs) continue;
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
          ...(reviewed === null ? [] : [{ label: 'last review', value: utcDay(reviewed) }]),
          ...(approved === null ? [] : [{ label: 'approved', value: utcDay(approved) }]),
          ...(ignored === null ? [] : [{ label: 'review stamp does not count', value: ignored }]),
          { label: 'every', value: count(everyDays, 'day') },
        ],
        remediation: `Look at it with ${entry.owner ?? 'its owner'}, then: quietdoor register review ${entry.id}`,
        at: entry.at,
      });
    }
    return found;
  },
};

function expiresSoon(entry: RegisterEntry, expires: number, { now, register }: EstateFacts): FindingDraft {
  return {
    subject: { kind: 'entry', entry: entry.id },
    entry: entry.id,
    discriminator: 'expiry',
    severity: 'info',
    message: `The approval of ${entry.id} expires on ${utcDay(expires)}, in ${inDays(expires - now)}.`,
    evidence: [{ label: 'expires', value: utcDay(expires) }],
    remediation: `If the port is still needed, set a new expires at ${placeOf(entry)} and ${approveStep(entry.id, register.policy)}`,
    at: entry.at,
  };
}

function inDays(ms: number): string {
  return count(Math.floor(ms / DAY_MS), 'day');
}

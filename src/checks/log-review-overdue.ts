import { DAY_MS } from '../model/register.ts';
import { count, duration, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';

export const logReviewOverdue: Check = {
  id: 'log-review-overdue',
  title: 'Review of the records overdue',
  severity: 'medium',
  rationale:
    'Records that nobody looks at prove what happened and prevent nothing. The policy says how often people go through ' +
    'openings, changes, alerts and unusual patterns; a sitting that is late leaves a time that nobody answered for.',
  remediation:
    'Make the worksheet of the sitting with `quietdoor review log -o sitting.yaml`, decide every item, and sign it with ' +
    '`quietdoor review log --sign sitting.yaml`.',
  lacking: ({ estate }) => {
    if (!estate.logReview) return 'nothing was recorded yet';
    return estate.logReview.everyDays === null ? 'policy.reviewLog is not set in quietdoor.yaml' : null;
  },
  estate({ logReview, now }) {
    if (!logReview || logReview.everyDays === null) return [];
    const { everyDays, last, since } = logReview;
    const reviewedUntil = last?.until ?? since;
    if (reviewedUntil === null) return [];
    const due = reviewedUntil + everyDays * DAY_MS;
    if (now <= due) return [];
    const before = last
      ? `the last sitting (${last.by}) covers the time up to ${utcTime(last.until)}`
      : `none was held since the first record at ${utcTime(reviewedUntil)}`;
    return [
      {
        subject: { kind: 'estate' } as const,
        message: `A review of the records was due ${duration(now - due)} ago: ${before}.`,
        evidence: [
          { label: 'demanded', value: `every ${count(everyDays, 'day')} (policy.reviewLog)` },
          { label: 'due', value: utcTime(due) },
          { label: 'last sitting', value: last ? `${utcTime(last.at)} by ${last.by}` : 'never' },
          ...(last ? [{ label: 'left to follow up', value: String(last.followUps) }] : []),
        ],
      },
    ];
  },
};

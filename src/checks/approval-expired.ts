import { DAY_MS } from '../model/register.ts';
import { count, utcDay, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';
import { approveStep, placeOf } from './remedy.ts';

export const approvalExpired: Check = {
  id: 'approval-expired',
  title: 'Approval has expired',
  severity: 'medium',
  rationale:
    'An approval with an end date was given for a time. After it the port is open without anybody having said yes, ' +
    'which is how temporary openings become permanent.',
  remediation: 'Close the port, or set a new `expires` and have the entry approved again.',
  estate(estate) {
    return estate.register.entries.flatMap((entry) => {
      if (entry.expires === null || entry.expires > estate.now) return [];
      if (estate.approvals.get(entry.id)?.kind === 'draft') return [];
      const days = Math.floor((estate.now - entry.expires) / DAY_MS);
      return [
        {
          subject: { kind: 'entry', entry: entry.id } as const,
          entry: entry.id,
          message: `The approval of ${entry.id} expired on ${utcDay(entry.expires)}, ${days === 0 ? 'today' : `${count(days, 'day')} ago`}.`,
          evidence: [
            { label: 'expires', value: utcTime(entry.expires) },
            ...(entry.approval === null ? [] : [{ label: 'approved by', value: entry.approval.by }]),
          ],
          remediation:
            `If nobody needs the port any more, stop the service and remove the entry at ${placeOf(entry)}. ` +
            `Otherwise set a new expires there and ${approveStep(entry.id, estate.register.policy)}`,
          at: entry.at,
        },
      ];
    });
  },
};

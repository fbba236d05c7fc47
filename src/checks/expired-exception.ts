import type { Exception } from '../model/register.ts';
import { DAY_MS } from '../model/register.ts';
import { count, utcDay, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';

export const expiredException: Check = {
  id: 'expired-exception',
  title: 'Exception has expired',
  severity: 'low',
  rationale:
    'A deviation is accepted for a time, by somebody, for a reason. When the time is over the deviation counts again, ' +
    'and somebody has to decide anew or put it right.',
  remediation: 'Put the deviation right and remove the exception, or have it accepted anew with a new `expires`.',
  estate(estate) {
    const soonMs = estate.register.policy.dueSoonDays * DAY_MS;
    return estate.register.exceptions
      .filter((e) => e.expires - estate.now <= soonMs)
      .map((e) => {
        const expired = e.expires <= estate.now;
        return {
          subject: { kind: 'estate' } as const,
          discriminator: `${e.id} ${expired ? 'expired' : 'soon'}`,
          severity: expired ? ('low' as const) : ('info' as const),
          message: expired
            ? `Exception ${e.id} expired on ${utcDay(e.expires)}; what it accepted (${what(e)}) counts again.`
            : `Exception ${e.id} expires on ${utcDay(e.expires)}, in ${count(Math.floor((e.expires - estate.now) / DAY_MS), 'day')}; then ${what(e)} counts again.`,
          evidence: [
            { label: 'expires', value: utcTime(e.expires) },
            { label: 'approver', value: e.approver },
            { label: 'reason', value: e.reason },
            ...(e.ticket === null ? [] : [{ label: 'ticket', value: e.ticket }]),
          ],
          remediation: `Put it right and remove the exception at ${e.at.file}:${e.at.line}, or have ${e.approver} decide anew and set a new expires; then: quietdoor check`,
          at: e.at,
        };
      });
  },
};

function what(exception: Exception): string {
  return `${exception.rule} on ${exception.subject}`;
}

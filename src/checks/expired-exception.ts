import { formatPosition } from '../model/errors.ts';
import { isInForce } from '../model/exception-match.ts';
import type { Exception } from '../model/register.ts';
import { DAY_MS } from '../model/register.ts';
import { count, utcDay, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';

export const expiredException: Check = {
  id: 'expired-exception',
  title: 'Exception has expired, or accepts nothing',
  severity: 'low',
  rationale:
    'A deviation is accepted for a time, by somebody, for a reason. When the time is over the deviation counts again, ' +
    'and somebody has to decide anew or put it right. One that accepts nothing is a hole waiting for something to fit it.',
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
  afterwards({ now, register }, findings) {
    const inForce = register.exceptions.filter((e) => isInForce(e, now));
    if (inForce.length === 0) return [];
    const used = new Set(findings.map((f) => f.exception));
    return inForce
      .filter((e) => !used.has(e.id))
      .map((e) => ({
        subject: { kind: 'estate' },
        discriminator: `${e.id} unused`,
        severity: 'info',
        message: `Exception ${e.id} is in force until ${utcDay(e.expires)} and accepts nothing: no finding of ${what(e)}.`,
        evidence: [
          { label: 'rule', value: e.rule },
          { label: 'subject', value: e.subject },
          { label: 'approver', value: e.approver },
        ],
        remediation: `If what it accepted was put right, remove it at ${formatPosition(e.at)}. Otherwise correct its rule or subject, then: quietdoor check`,
        at: e.at,
      }));
  },
};

function what(exception: Exception): string {
  return `${exception.rule} on ${exception.subject}`;
}

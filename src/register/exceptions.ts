import { parseExceptionSubject } from '../model/exception-match.ts';
import { DAY_MS, type Exception, type RegisterProblem } from '../model/register.ts';
import { listWords } from '../util/words.ts';
import { isSamePerson } from './approval-proof.ts';
import { dropBlanks, type Issue, take, toProblem, zodIssues } from './issues.ts';
import type { LineIndex } from './positions.ts';
import { exceptionSchema } from './schema.ts';
import { cut, daysBetween, readDatetime, writeDatetime } from './times.ts';
import type { YamlPart } from './yaml-parts.ts';

/**
 * Reads one exception. One that lasts longer than the policy allows is not used; without `from` it is measured from
 * `now` (UTC milliseconds), so that leaving it out is no way around the bound. Nor is one used that somebody approved
 * who is not among the approvers of the policy (empty: anybody).
 */
export function readException(
  item: YamlPart,
  lines: LineIndex,
  limits: { readonly maxDays: number; readonly now: number; readonly approvers: readonly string[] },
  exceptions: Exception[],
  problems: RegisterProblem[],
): void {
  const value = dropBlanks(item.value);
  const issues: Issue[] = [];
  const parsed = exceptionSchema.safeParse(value);
  if (!parsed.success) issues.push(...zodIssues(parsed.error, exceptionSchema, value));
  else {
    const { id, kind, rule, reason, approver, ticket } = parsed.data;
    const subject = parsed.data.subject.trim();
    if (parseExceptionSubject(subject) === null) {
      const message = `subject: expected HOST:PORT[/transport][@scope], entry:ID, host:NAME or a fingerprint, not "${cut(subject)}"`;
      issues.push({ path: ['subject'], code: 'bad-subject', message });
    }
    const { approvers } = limits;
    if (approvers.length > 0 && !approvers.some((name) => isSamePerson(name, approver)))
      issues.push({
        path: ['approver'],
        code: 'approver-not-allowed',
        message: `approver: ${cut(approver)} may not approve exceptions; policy.approvers of quietdoor.yaml does not name them`,
        hint: `have one of these decide: ${listWords(approvers)}; it is not used as it stands`,
      });
    const from =
      parsed.data.from === undefined ? null : (take(readDatetime(parsed.data.from), ['from'], issues) ?? null);
    const expires = take(readDatetime(parsed.data.expires), ['expires'], issues);
    if (expires !== undefined && from !== null && expires <= from)
      issues.push({ path: ['expires'], code: 'reversed-range', message: 'expires: lies before from' });
    const start = from ?? limits.now;
    if (expires !== undefined && expires - start > limits.maxDays * DAY_MS)
      issues.push({
        path: ['expires'],
        code: 'exception-too-long',
        message: `expires: the exception lasts ${daysBetween(start, expires)} days, the policy allows ${limits.maxDays}`,
        hint: `write ${writeDatetime(start + limits.maxDays * DAY_MS)} at the latest; it is not used as it stands`,
      });
    if (issues.length === 0 && expires !== undefined) {
      const at = lines.position(item.start());
      exceptions.push({ id, kind, rule, subject, reason, approver, ticket: ticket ?? null, from, expires, at });
    }
  }
  for (const issue of issues) problems.push(toProblem(issue, item, lines));
}

import { coverageGap } from '../checks/coverage-gap.ts';
import { isAtLeast, type Severity } from '../model/finding.ts';
import { counts } from '../reports/words.ts';
import type { CheckOutcome } from './check.ts';

/**
 * What a run comes to: `failed` where a part of the register could not be used, `findings` where an open finding that is
 * not in the baseline reaches the bar, `gaps` where nobody looked yet or
 * something could not be looked at, else `clean`.
 */
export function outcomeOf(outcome: CheckOutcome, failOn: Severity): 'clean' | 'findings' | 'failed' | 'gaps' {
  if (outcome.workspace.register.problems.some((problem) => problem.severity === 'error')) return 'failed';
  if (outcome.result.findings.some((finding) => counts(finding) && isAtLeast(finding.severity, failOn)))
    return 'findings';
  if (outcome.result.findings.some((finding) => finding.rule === coverageGap.id && counts(finding))) return 'gaps';
  return 'clean';
}

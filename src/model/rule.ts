import type { Severity } from './finding.ts';

/** What people are told of a rule: by `explain RULE`, in reports, on its docs page. */
export interface RuleInfo {
  /** Slug; also the name of the check's file and of its docs page. */
  readonly id: string;
  /** Short noun phrase for tables: `Listener without a register entry`. */
  readonly title: string;
  /** Usual severity; a finding may replace it. */
  readonly severity: Severity;
  /** Why it matters, in two or three sentences. */
  readonly rationale: string;
  /** What to do about it in general. */
  readonly remediation: string;
  /** What the run had nothing of, so that the rule judged nothing: `no inventory was imported`. Absent: it could judge. */
  readonly lacks?: string;
}

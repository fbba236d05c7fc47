import type { CheckResult } from '../../model/facts.ts';
import { type Finding, isAtLeast } from '../../model/finding.ts';
import type { Control, Framework } from '../../model/framework.ts';
import { isStale } from '../../model/freshness.ts';
import type { RuleInfo } from '../../model/rule.ts';
import type { ReportInput } from '../report-format.ts';

/** What is at hand for a control. None of these says that it is satisfied. */
export type ControlResult = 'findings' | 'stale' | 'evidence' | 'manual';

/** What one check that speaks to a control came to. */
export interface CheckOutcome {
  readonly id: string;
  /** Absent: this version has no such check, so it did not run. */
  readonly rule: RuleInfo | undefined;
  /** It is there and had something to judge by. */
  readonly ran: boolean;
  /** Open, of severity low or above, worst first. */
  readonly open: readonly Finding[];
  /** Open, of severity info: announced, but no deviation. */
  readonly notes: readonly Finding[];
  /** Deviations that an exception accepts, of severity low or above: they stay deviations. */
  readonly accepted: readonly Finding[];
  /** Accepted as false positives: the finding is wrong, by an exception's word. */
  readonly dismissed: readonly Finding[];
}

export interface ControlView {
  readonly control: Control;
  readonly inBaseline: boolean;
  readonly result: ControlResult;
  readonly checks: readonly CheckOutcome[];
  /** Open findings of all its checks, in the order of the report: worst first. */
  readonly open: readonly Finding[];
}

export interface FrameworkView {
  readonly framework: Framework;
  /** The baseline chosen, else the framework's own default; null where it has none. */
  readonly baseline: string | null;
  readonly controls: readonly ControlView[];
}

/**
 * Returns the chosen frameworks with the result of each control; choices that this version does not know are left out.
 * A control is judged by every check it names, also by those that only support it: a finding names its primary controls
 * alone, and a control must not seem clean because the finding is better evidence for another.
 */
export function frameworkViews({ result, frameworks, rules }: ReportInput): readonly FrameworkView[] {
  const byRule = Map.groupBy(result.findings, (f) => f.rule);
  const outcomes = new Map<string, CheckOutcome>();
  const falsePositives = new Set(
    result.facts.estate.register.exceptions.filter((x) => x.kind === 'false-positive').map((x) => x.id),
  );
  const isDismissed = (f: Finding) => f.exception !== undefined && falsePositives.has(f.exception);
  const outcomeOf = (id: string): CheckOutcome => {
    const known = outcomes.get(id);
    if (known) return known;
    const raised = byRule.get(id) ?? [];
    const open = raised.filter((f) => f.status === 'open');
    const accepted = raised.filter((f) => f.status === 'accepted' && isAtLeast(f.severity, 'low'));
    const rule = rules.find((r) => r.id === id);
    const made = {
      id,
      rule,
      ran: rule !== undefined && rule.lacks === undefined,
      open: open.filter((f) => isAtLeast(f.severity, 'low')),
      notes: open.filter((f) => !isAtLeast(f.severity, 'low')),
      accepted: accepted.filter((f) => !isDismissed(f)),
      dismissed: accepted.filter(isDismissed),
    };
    outcomes.set(id, made);
    return made;
  };
  const places = new Map(result.findings.map((f, i) => [f, i]));
  const isFresh = hasFreshHost(result);
  return result.facts.estate.register.frameworks.flatMap((choice): FrameworkView[] => {
    const framework = frameworks.find((f) => f.id === choice.id);
    if (!framework) return [];
    const baseline = framework.baselines.length === 0 ? null : (choice.baseline ?? framework.defaultBaseline ?? null);
    const controls = framework.controls.map((control): ControlView => {
      const checks = control.checks.map(outcomeOf);
      const open = checks.flatMap((c) => c.open).sort((a, b) => (places.get(a) ?? 0) - (places.get(b) ?? 0));
      const inBaseline = baseline === null || control.baselines.includes(baseline);
      return { control, inBaseline, checks, open, result: resultOf(checks, isFresh) };
    });
    return [{ framework, baseline, controls }];
  });
}

function resultOf(checks: readonly CheckOutcome[], isFresh: boolean): ControlResult {
  if (checks.some((c) => c.open.length + c.accepted.length > 0)) return 'findings';
  if (!checks.some((c) => c.ran)) return 'manual';
  return isFresh ? 'evidence' : 'stale';
}

function hasFreshHost({ facts: { estate } }: CheckResult): boolean {
  return estate.hosts.some((h) => !isStale(h.lastObservedAt, estate));
}

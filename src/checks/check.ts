import type { EndpointFacts, EstateFacts, Facts } from '../model/facts.ts';
import type { Finding, FindingDraft } from '../model/finding.ts';
import type { RuleInfo } from '../model/rule.ts';

/**
 * One rule. A plain object; its file name is its id. It only computes: time is `estate.now`, the machine is the facts.
 * Which controls a rule speaks to is said in src/frameworks/*.yaml.
 */
export interface Check extends RuleInfo {
  /**
   * What these facts hold nothing of, so that the rule has nothing to judge by and its silence says nothing; null where it
   * can judge something. Goes on after the rule: `no inventory was imported`.
   */
  readonly lacking?: (facts: Facts) => string | null;
  /** Judges one endpoint with at least one open listener. */
  readonly endpoint?: (facts: EndpointFacts, estate: EstateFacts) => readonly FindingDraft[];
  /** Judges the estate: entries, hosts, coverage. */
  readonly estate?: (estate: EstateFacts) => readonly FindingDraft[];
  /** Judges what the run found: what only shows when every other check is done. */
  readonly afterwards?: (estate: EstateFacts, findings: readonly Finding[]) => readonly FindingDraft[];
}

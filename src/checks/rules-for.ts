import type { Facts } from '../model/facts.ts';
import type { RuleInfo } from '../model/rule.ts';
import type { Check } from './check.ts';
import { checks } from './index.ts';

/** The rules as a run over these facts applied them: one that had nothing to judge by says what it lacked. */
export function rulesFor(facts: Facts, rules: readonly Check[] = checks): readonly RuleInfo[] {
  return rules.map((check): RuleInfo => {
    const lacks = check.lacking?.(facts) ?? null;
    return lacks === null ? check : { ...check, lacks };
  });
}

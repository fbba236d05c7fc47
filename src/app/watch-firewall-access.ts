import { readRuleset } from '../firewall/read.ts';
import type { AccessChange, RulesetDump } from '../model/admission.ts';
import { accessChanges } from './firewall-plan-changes.ts';

/** Who gained and who lost access between two dumps of this machine. Loaded where there is a change: it is the whole engine. */
export function accessBetween(before: readonly RulesetDump[], after: readonly RulesetDump[]): readonly AccessChange[] {
  const [old, now] = [before, after].map((dumps) => readRuleset(dumps.flatMap((dump) => dump.files)));
  return old && now ? accessChanges(old, now) : [];
}

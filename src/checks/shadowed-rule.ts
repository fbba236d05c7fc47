import type { HostFirewall, RuleAnomaly } from '../model/admission.ts';
import { placeOfRule } from '../model/admission-compare.ts';
import type { FindingDraft } from '../model/finding.ts';
import { count } from '../util/words.ts';
import type { Check } from './check.ts';
import { freshFirewalls, lacksRulesets, ruleText } from './firewall-evidence.ts';

/** Rules of one host that are reported each; what is beyond is counted. */
const MAX_PER_HOST = 20;
const MAX_COVERING = 4;

/** What contradicts comes before what is merely useless. */
const ORDER: readonly RuleAnomaly['kind'][] = ['shadowed', 'conflict', 'dead', 'redundant'];

export const shadowedRule: Check = {
  id: 'shadowed-rule',
  title: 'Rule that earlier rules decide',
  severity: 'low',
  rationale:
    'A rule that never decides says something about the filter that is not true. Whoever reads it believes a source to be ' +
    'refused that is let in, or the other way round, and the day an earlier rule goes it comes to life unreviewed.',
  remediation: 'Delete the rule, or move it before the rules that cover it where it was meant to decide.',
  lacking: lacksRulesets,
  estate(estate) {
    return freshFirewalls(estate).flatMap(judge);
  },
};

function judge(firewall: HostFirewall): FindingDraft[] {
  const { host, anomalies } = firewall;
  const sorted = anomalies.toSorted((a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind));
  const shown = sorted.slice(0, MAX_PER_HOST);
  const times = new Map<string, number>();
  const found = shown.map(({ kind, rule, coveredBy, message }): FindingDraft => {
    // Handles and positions change when other rules do; the same text twice in a chain is told apart by its turn.
    const words = `${rule.layer} ${rule.chain} ${rule.text}`;
    const turn = (times.get(words) ?? 0) + 1;
    times.set(words, turn);
    return {
      subject: { kind: 'host', host },
      discriminator: `${words} ${turn}`,
      severity: kind === 'shadowed' || kind === 'conflict' ? 'low' : 'info',
      message: `On ${host} ${placeOfRule(rule)} is ${KIND_WORDS[kind]}: ${message}`,
      evidence: [
        { label: 'rule', value: ruleText(rule) },
        ...coveredBy.slice(0, MAX_COVERING).map((earlier) => ({ label: 'decided by', value: ruleText(earlier) })),
        ...(coveredBy.length > MAX_COVERING
          ? [{ label: 'and', value: `${coveredBy.length - MAX_COVERING} more` }]
          : []),
      ],
    };
  });
  const more = sorted.length - shown.length;
  if (more > 0)
    found.push({
      subject: { kind: 'host', host },
      discriminator: 'more',
      severity: 'info',
      message: `${host} has ${count(more, 'more rule')} that earlier rules decide.`,
      evidence: [],
      remediation: `All of them: quietdoor firewall verify ${host}`,
    });
  return found;
}

const KIND_WORDS: Readonly<Record<RuleAnomaly['kind'], string>> = {
  shadowed: 'shadowed',
  conflict: 'in conflict with an earlier rule',
  dead: 'never reached',
  redundant: 'redundant',
};

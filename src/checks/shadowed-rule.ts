import type { HostFirewall, RuleAnomaly } from '../model/admission.ts';
import { placeOfRule } from '../model/admission-compare.ts';
import type { FindingDraft, Severity } from '../model/finding.ts';
import { count } from '../util/words.ts';
import type { Check } from './check.ts';
import { freshFirewalls, lacksRulesets, ruleText } from './firewall-evidence.ts';

/** Rules of one host that are reported each; what is beyond is counted. */
const MAX_PER_HOST = 20;
const MAX_COVERING = 4;
/** Rules beyond those that the last finding of a host names. */
const MAX_MORE = 200;

/** What says the contrary of the truth comes before what is useless, and that before what is mostly meant. */
const ORDER: readonly RuleAnomaly['kind'][] = ['shadowed', 'dead', 'redundant', 'conflict'];

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
  const found = shown.map((anomaly): FindingDraft => {
    const { kind, rule, coveredBy, message } = anomaly;
    // Handles and positions change when other rules do; the same text twice in a chain is told apart by its turn.
    const words = `${rule.layer} ${rule.chain} ${rule.text}`;
    const turn = (times.get(words) ?? 0) + 1;
    times.set(words, turn);
    return {
      subject: { kind: 'host', host },
      discriminator: `${words} ${turn}`,
      severity: worstOf([{ kind }]),
      message: `On ${host} ${placeOfRule(rule)} is ${KIND_WORDS[kind]}: ${message}`,
      evidence: [
        { label: 'rule', value: ruleText(rule) },
        ...coveredBy.slice(0, MAX_COVERING).map((earlier) => ({ label: 'decided by', value: ruleText(earlier) })),
        ...(coveredBy.length > MAX_COVERING
          ? [{ label: 'and', value: `${coveredBy.length - MAX_COVERING} more` }]
          : []),
      ],
      remediation: remedyOf(anomaly),
    };
  });
  const more = sorted.slice(MAX_PER_HOST);
  if (more.length > 0)
    found.push({
      subject: { kind: 'host', host },
      discriminator: 'more',
      severity: worstOf(more),
      message: `${host} has ${count(more.length, 'more rule')} that ${more.length === 1 ? 'decides' : 'decide'} nothing, or not what ${more.length === 1 ? 'it says' : 'they say'}.`,
      evidence: [
        ...more.slice(0, MAX_MORE).map(({ kind, rule }) => ({ label: KIND_WORDS[kind], value: ruleText(rule) })),
        ...(more.length > MAX_MORE ? [{ label: 'and', value: `${more.length - MAX_MORE} more` }] : []),
      ],
      remediation: 'Go through them in the evidence of this finding: quietdoor report',
    });
  return found;
}

function worstOf(anomalies: readonly Pick<RuleAnomaly, 'kind'>[]): Severity {
  // who is refused everywhere before a port is opened to all is in conflict, and as it should be
  return anomalies.some(({ kind }) => kind === 'shadowed') ? 'low' : 'info';
}

function remedyOf({ kind, coveredBy }: RuleAnomaly): string {
  switch (kind) {
    case 'conflict':
      return 'Put the rule that is to win first, or narrow one of the two to what it is meant for.';
    case 'redundant':
      return 'Delete the rule: nothing changes for anybody.';
    case 'dead':
    case 'shadowed':
      return coveredBy.length > 0
        ? 'Move the rule before the rules that cover it where it was meant to decide, else delete it.'
        : 'Delete what no packet reaches, or correct what was meant to lead to it.';
  }
}

const KIND_WORDS: Readonly<Record<RuleAnomaly['kind'], string>> = {
  shadowed: 'shadowed',
  conflict: 'in conflict with an earlier rule',
  dead: 'never reached',
  redundant: 'redundant',
};

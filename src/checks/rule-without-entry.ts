import { type AddressSet, EMPTY, union } from '../model/address-set.ts';
import type { HostFirewall } from '../model/admission.ts';
import { placeOfRule, reachesInternet } from '../model/admission-compare.ts';
import { describeSources } from '../model/describe-sources.ts';
import type { FindingDraft, Severity } from '../model/finding.ts';
import { formatPorts } from '../model/port-ranges.ts';
import { count, listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';
import { freshFirewalls, lacksRulesets, ruleText } from './firewall-evidence.ts';

/** Rules that one finding spells out. */
const MAX_RULES = 8;
/** Findings of one host; what is beyond is counted. */
const MAX_PER_HOST = 20;
/** Of those beyond, what the last finding names. */
const MAX_MORE = 200;

/** What ufw and its like let in on every host by themselves, such as the answers of DHCP, is no decision of anybody. */
function severityOf(rules: HostFirewall['withoutEntry'], sources: AddressSet): Severity {
  if (reachesInternet(sources)) return 'medium';
  return rules.every(({ rule: { origin } }) => origin !== null && origin.userRule === undefined) ? 'info' : 'low';
}

export const ruleWithoutEntry: Check = {
  id: 'rule-without-entry',
  title: 'Rule that lets in to a port nobody registered',
  severity: 'low',
  rationale:
    'A rule that opens a port which no entry covers and nothing listens on is left over, or waits for a service that nobody ' +
    'approved. Whatever starts to listen there is reachable at once.',
  remediation: 'Delete the rule, or register the port and have it approved before the service starts.',
  lacking: lacksRulesets,
  estate(estate) {
    return freshFirewalls(estate).flatMap((firewall) => {
      const byPorts = Map.groupBy(firewall.withoutEntry, (w) => `${w.transport} ${formatPorts(w.ports)}`);
      const found = [...byPorts].slice(0, MAX_PER_HOST).map(([discriminator, rules]): FindingDraft => {
        const { transport, ports } = rules[0] as HostFirewall['withoutEntry'][number];
        const sources = rules.reduce((set, r) => union(set, r.sources), EMPTY);
        const isOne = ports.length === 1 && ports[0]?.from === ports[0]?.to;
        const what = `${isOne ? 'port' : 'ports'} ${listWords(formatPorts(ports).split(', '), 8)}/${transport}`;
        const places = [...new Set(rules.map((r) => placeOfRule(r.rule)))];
        return {
          subject: { kind: 'host', host: firewall.host },
          discriminator,
          severity: severityOf(rules, sources),
          message:
            `On ${firewall.host} ${places.length === 1 ? places[0] : count(places.length, 'rule')} lets ${describeSources(sources, estate.register.zones)} in to ${what}, ` +
            `which no entry covers; nothing listens there now.`,
          evidence: [
            ...rules.slice(0, MAX_RULES).map((r) => ({ label: 'let in by', value: ruleText(r.rule) })),
            { label: 'rules as of', value: utcTime(firewall.takenAt) },
          ],
          remediation: `Delete ${isOne && rules.length === 1 ? 'the rule' : 'what lets in'} on ${firewall.host}, or write an entry for ${what} into the register and have it approved: quietdoor register approve ID`,
        };
      });
      const more = [...byPorts].slice(MAX_PER_HOST);
      return more.length === 0
        ? found
        : [
            ...found,
            {
              subject: { kind: 'host', host: firewall.host },
              discriminator: 'more',
              message: `On ${firewall.host} rules let somebody in to ${count(more.length, 'more set')} of ports that no entry covers and nothing listens on.`,
              evidence: more
                .slice(0, MAX_MORE)
                .flatMap(([ports, rules]) => rules.slice(0, 1).map((r) => ({ label: ports, value: ruleText(r.rule) }))),
              remediation: 'Go through them in the evidence of this finding: quietdoor report',
            },
          ];
    });
  },
};

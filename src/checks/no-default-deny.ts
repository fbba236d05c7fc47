import { type AddressSet, ALL_IPV4, ALL_IPV6, intersection, isEmpty, size } from '../model/address-set.ts';
import type { HostFirewall } from '../model/admission.ts';
import { describeSources } from '../model/describe-sources.ts';
import { listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';
import { freshFirewalls, lacksRulesets, ruleText } from './firewall-evidence.ts';

const FAMILIES = [
  { name: 'IPv4', all: ALL_IPV4 },
  { name: 'IPv6', all: ALL_IPV6 },
] as const;

export const noDefaultDeny: Check = {
  id: 'no-default-deny',
  title: 'No default deny',
  severity: 'medium',
  rationale:
    'Deny by default, allow by exception: what no rule names has to be refused. Where it is let in, every service that starts ' +
    'is reachable from anywhere until somebody thinks of a rule. Often one family is forgotten: IPv4 is closed, IPv6 open.',
  remediation: 'End the input chain with a drop, or set its policy to drop, for both families.',
  lacking: lacksRulesets,
  estate(estate) {
    return freshFirewalls(estate).flatMap((firewall) => {
      if (firewall.filters === 'none') return [];
      const open = openOnes(firewall);
      if (open.length === 0) return [];
      const byFamily = Map.groupBy(open, (o) => o.family);
      const words = listWords(
        [...byFamily].map(([family, its]) => `${listWords(its.map((o) => o.transport.toUpperCase()))} over ${family}`),
      );
      const rules = new Set(open.flatMap((o) => (o.rule === null ? [] : [ruleText(o.rule)])));
      return [
        {
          subject: { kind: 'host', host: firewall.host },
          message: `${firewall.host} lets in connections to ports that no rule names, from anywhere: ${words}.`,
          evidence: [
            ...open.map((o) => ({
              label: `${o.transport.toUpperCase()} over ${o.family}`,
              value: `a new connection to port ${o.port}, which no rule names, is let in from ${describeSources(o.sources, estate.register.zones)}`,
            })),
            ...[...rules].map((value) => ({ label: 'let in by', value })),
            { label: 'rules as of', value: utcTime(firewall.takenAt) },
          ],
          remediation: `Refuse what no rule names. Rules that do so, made from the register; on ${firewall.host}: sudo quietdoor firewall plan`,
        },
      ];
    });
  },
};

/** From more than half of a family: what is banned one by one does not make a default. */
function openOnes({ unnamed = [] }: HostFirewall) {
  return unnamed.flatMap(({ transport, port, admitted, rule }) =>
    FAMILIES.flatMap(({ name: family, all }) => {
      const sources = intersection(admitted.lower, all);
      return isEmpty(sources) || !isMost(sources, all) ? [] : [{ transport, port, family, sources, rule }];
    }),
  );
}

function isMost(sources: AddressSet, all: AddressSet): boolean {
  return 2n * size(sources) > size(all);
}

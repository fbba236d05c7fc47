import { isEmpty, toCidrs } from '../model/address-set.ts';
import type { HostFirewall } from '../model/admission.ts';
import { compareAdmission, placeOfRule, undecidedReason, undecidedRules } from '../model/admission-compare.ts';
import { describePort } from '../model/describe.ts';
import { describeSources, shortCidr } from '../model/describe-sources.ts';
import { endpointKey } from '../model/endpoint.ts';
import type { EstateFacts } from '../model/facts.ts';
import { listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';
import { freshFirewalls, lacksFreshRulesets, ruleText } from './firewall-evidence.ts';

const MAX_CIDRS = 32;
const MAX_RULES = 8;

export const exposedUndecidable: Check = {
  id: 'exposed-undecidable',
  title: 'Whether others can connect cannot be decided',
  severity: 'info',
  rationale:
    'Some rules depend on what a listing of rules does not hold: a rate, the owner of a socket, a set that was not given. ' +
    'What cannot be decided is neither open nor closed, and is named with the rule and the test that leaves it open.',
  remediation:
    'Give what is missing (the sets, the addresses and routes of the host), or write the rule so that sources decide it.',
  lacking: lacksFreshRulesets,
  endpoint(facts, estate) {
    const standing = compareAdmission(facts, estate);
    if (standing.kind !== 'compared' || !isEmpty(standing.tooMany) || isEmpty(standing.undecided)) return [];
    // What hides the rules of a whole host is one cause, told once.
    if (isBlind(facts.endpoint.host, estate)) return [];
    const { entry, undecided } = standing;
    const { admission } = facts;
    const parts = undecidedRules(admission, undecided);
    const [first] = parts;
    return [
      {
        subject: { kind: 'endpoint', endpoint: facts.endpoint },
        entry: entry.id,
        message:
          `Whether port ${describePort(facts.endpoint)} can be reached from ${describeSources(undecided, estate.register.zones)}, which ${entry.id} does not approve, ` +
          `cannot be decided: ${undecidedReason(facts, undecided)}.`,
        evidence: [
          { label: 'undecided', value: listWords(toCidrs(undecided).map(shortCidr), MAX_CIDRS) },
          ...(admission?.doubts ?? []).map((value) => ({ label: 'not known', value })),
          ...parts
            .slice(0, MAX_RULES)
            .map(({ rule, reason }) => ({ label: 'left open by', value: `${ruleText(rule)}: ${reason}` })),
          { label: 'rules as of', value: utcTime(admission?.takenAt ?? estate.now) },
        ],
        ...(first && {
          remediation: `See the way of a packet: quietdoor firewall show ${facts.endpoint.host}:${facts.endpoint.port}/${facts.endpoint.transport}. Then write ${placeOfRule(first.rule)} so that sources decide it, or accept it with an exception.`,
        }),
        at: entry.at,
      },
    ];
  },
  estate(estate) {
    return freshFirewalls(estate).flatMap(({ host, problems, exposed = [], takenAt }) => {
      const [first] = problems;
      if (first === undefined || exposed.length === 0) return [];
      return [
        {
          subject: { kind: 'host', host },
          endpoints: exposed,
          message: `Who can connect to the ports of ${host} cannot be decided: ${first}.`,
          evidence: [
            ...problems.slice(0, MAX_RULES).map((value) => ({ label: 'not known', value })),
            { label: 'concerns', value: listWords(exposed.map(endpointKey), MAX_CIDRS) },
            { label: 'rules as of', value: utcTime(takenAt) },
          ],
          remediation: `Take the rules again, with the rights to see all of them; on ${host}: sudo quietdoor scan`,
        },
      ];
    });
  },
};

const blindHosts = new WeakMap<readonly HostFirewall[], ReadonlySet<string>>();

/** Says whether not all filters of a host could be read. */
function isBlind(host: string, { firewalls = NONE }: EstateFacts): boolean {
  const blind = blindHosts.get(firewalls) ?? new Set(firewalls.flatMap((f) => (f.problems.length > 0 ? [f.host] : [])));
  blindHosts.set(firewalls, blind);
  return blind.has(host);
}

const NONE: readonly HostFirewall[] = [];

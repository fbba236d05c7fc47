import { formatAddress } from '../model/address.ts';
import { type AddressSet, has, intersection, isEmpty, size, toCidrs } from '../model/address-set.ts';
import { compareAdmission, placeOfRule, reachesInternet, someClient } from '../model/admission-compare.ts';
import { describePort } from '../model/describe.ts';
import { countSources, describeSources, shortCidr } from '../model/describe-sources.ts';
import type { EndpointFacts, EstateFacts } from '../model/facts.ts';
import { type Evidence, type FindingDraft, SEVERITIES, type Severity } from '../model/finding.ts';
import type { RegisterEntry } from '../model/register.ts';
import { listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';
import { lacksRulesets, ruleText, witnessText } from './firewall-evidence.ts';
import { approveStep, placeOf } from './remedy.ts';

/** CIDRs and deciding rules that the evidence spells out. */
const MAX_CIDRS = 32;
const MAX_RULES = 8;

export const openWiderThanApproved: Check = {
  id: 'open-wider-than-approved',
  title: 'More sources can connect than are approved',
  severity: 'medium',
  rationale:
    'An approval names who may connect; the packet filters decide who can. Where they let in more than the entry approves, ' +
    'the rest relies on nobody trying. Reported only where it is certain: every test on the way could be decided, and each ' +
    'source named is really let in.',
  remediation:
    'Narrow the rule that lets them in to the approved sources, or add the sources to the entry and have the change approved.',
  lacking: lacksRulesets,
  endpoint(facts, estate) {
    const standing = compareAdmission(facts, estate);
    return standing.kind === 'compared' && !isEmpty(standing.tooMany)
      ? [judge(facts, estate, standing.entry, standing.approved, standing.tooMany)]
      : [];
  },
};

function judge(
  facts: EndpointFacts,
  { register }: EstateFacts,
  entry: RegisterEntry,
  approved: AddressSet,
  tooMany: AddressSet,
): FindingDraft {
  const { admission, takenAt } = facts.admission as NonNullable<EndpointFacts['admission']>;
  const cidrs = toCidrs(tooMany).map(shortCidr);
  const packet = admission.witnesses.find((w) => w.verdict === 'admitted' && has(tooMany, w.source));
  const deciding = admission.deciding.filter(
    (part) => part.verdict === 'accept' && !isEmpty(intersection(part.sources, tooMany)),
  );
  const [rule] = deciding;
  const witness = formatAddress(packet?.source ?? someClient(tooMany));
  const by = rule ? `, let in by ${placeOfRule(rule.rule)}` : '';
  // Who uses ufw or Docker finds their own words rather than a place in a chain.
  const own = rule?.rule.origin?.userRule;
  return {
    subject: { kind: 'endpoint', endpoint: facts.endpoint },
    entry: entry.id,
    severity: severityOf(tooMany, entry),
    message:
      `Port ${describePort(facts.endpoint)} lets in ${describeSources(admission.admitted.lower, register.zones)}, and ${entry.id} approves ${describeSources(approved, register.zones)}: ` +
      `${countSources(tooMany)} too many, for example ${witness}${by}.`,
    evidence: [
      { label: 'approved', value: describeSources(approved, register.zones, 8) },
      { label: 'admitted', value: describeSources(admission.admitted.lower, register.zones, 8) },
      { label: 'too many', value: listWords(cidrs, MAX_CIDRS) },
      { label: 'witness', value: packet ? witnessText(packet) : witness },
      ...deciding.slice(0, MAX_RULES).map((part): Evidence => ({ label: 'let in by', value: ruleText(part.rule) })),
      { label: 'rules as of', value: utcTime(takenAt) },
    ],
    remediation:
      `${rule && rule.rule.position > 0 ? `Narrow ${placeOfRule(rule.rule)}${own === undefined ? '' : ` (${own})`} to` : 'Let in only'} the sources that ${entry.id} approves; on ${facts.endpoint.host}: sudo quietdoor firewall plan. ` +
      `If the others should be let in, add them to sources at ${placeOf(entry)} and ${approveStep(entry.id, register.policy)}`,
    at: entry.at,
  };
}

/** Addresses from which on a set counts as wide, and up to which it is a handful. */
const WIDE = 65_536n;
const HANDFUL = 256n;

/** How many too many, whether the internet is among them, and whether the data is sensitive. */
function severityOf(tooMany: AddressSet, { data }: RegisterEntry): Severity {
  const addresses = size({ ipv4: tooMany.ipv4, ipv6: [] });
  const subnets = size({ ipv4: [], ipv6: tooMany.ipv6 }) >> 64n; // a /64 is one subnet, as an IPv4 address is one client
  const base =
    reachesInternet(tooMany) || addresses + subnets >= WIDE
      ? 'high'
      : addresses + subnets <= HANDFUL
        ? 'low'
        : 'medium';
  const isSensitive = data.some((name) => !/^(public|none)$/i.test(name));
  return isSensitive ? (SEVERITIES[SEVERITIES.indexOf(base) + 1] as Severity) : base;
}

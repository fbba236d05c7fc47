import { formatAddress } from '../model/address.ts';
import { difference, has, intersection, isEmpty, isSubset, toCidrs } from '../model/address-set.ts';
import { compareAdmission, placeOfRule, someClient } from '../model/admission-compare.ts';
import { isProvenNow } from '../model/approved.ts';
import { describePort } from '../model/describe.ts';
import { describeSources, shortCidr } from '../model/describe-sources.ts';
import { listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';
import { lacksFreshRulesets, ruleText, witnessText } from './firewall-evidence.ts';
import { approveStep, placeOf } from './remedy.ts';

const MAX_CIDRS = 32;
const MAX_RULES = 8;

export const approvedButBlocked: Check = {
  id: 'approved-but-blocked',
  title: 'Approved sources cannot connect',
  severity: 'low',
  rationale:
    'A source that the register approves and the packet filters refuse is a fault of one of them: a client that needs the ' +
    'port is locked out, or the register allows more than is used, and whoever loosens a rule later opens what nobody ' +
    'reviewed. Reported only where it is certain that no connection completes.',
  remediation: 'Let the source in where it needs the port; else take it off the entry and have the change approved.',
  lacking: lacksFreshRulesets,
  endpoint(facts, estate) {
    const standing = compareAdmission(facts, estate);
    const [decides] = facts.entries;
    if (standing.kind !== 'compared' || !decides || !isProvenNow(decides, estate.now)) return [];
    const { admission, takenAt } = facts.admission as NonNullable<typeof facts.admission>;
    // What fail2ban and its like shut out for a while is approved all the same.
    const banned = admission.deciding.filter((part) => part.rule.origin?.frontEnd === 'fail2ban');
    const blocked = banned.reduce((set, part) => difference(set, part.sources), standing.blocked);
    if (isEmpty(blocked)) return [];
    const { entry } = standing;
    const { register } = estate;
    const packet = admission.witnesses.find((w) => w.verdict === 'refused' && has(blocked, w.source));
    const deciding = admission.deciding.filter(
      (part) => (part.verdict === 'drop' || part.verdict === 'reject') && !isEmpty(intersection(part.sources, blocked)),
    );
    // Let in, and the answer is not let out.
    const isAnswer = isSubset(blocked, admission.admitted.lower);
    const witness = formatAddress(packet?.source ?? someClient(blocked));
    const [rule] = deciding;
    const by = isAnswer
      ? ', whose first packet is let in and no answer out'
      : rule
        ? `, refused by ${placeOfRule(rule.rule)}`
        : '';
    return [
      {
        subject: { kind: 'endpoint', endpoint: facts.endpoint },
        entry: entry.id,
        message:
          `${entry.id} approves ${describeSources(blocked, register.zones)} for port ${describePort(facts.endpoint)}, and the packet filters ` +
          `do not let them connect: for example ${witness}${by}.`,
        evidence: [
          { label: 'approved', value: describeSources(standing.approved, register.zones, 8) },
          { label: 'can connect', value: describeSources(admission.completes.upper, register.zones, 8) },
          { label: 'blocked', value: listWords(toCidrs(blocked).map(shortCidr), MAX_CIDRS) },
          { label: 'witness', value: packet ? witnessText(packet) : witness },
          ...deciding.slice(0, MAX_RULES).map((part) => ({ label: 'refused by', value: ruleText(part.rule) })),
          { label: 'rules as of', value: utcTime(takenAt) },
        ],
        remediation:
          `See which rule refuses it: quietdoor firewall test --from ${witness} --to ${facts.endpoint.host}:${facts.endpoint.port}/${facts.endpoint.transport}. ` +
          `If nobody needs it from there, take the source off sources at ${placeOf(entry)} and ${approveStep(entry.id, register.policy)}`,
        at: entry.at,
      },
    ];
  },
};

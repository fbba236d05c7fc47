import { placeOfRule } from '../model/admission-compare.ts';
import { describePort } from '../model/describe.ts';
import type { EndpointFacts, EstateFacts } from '../model/facts.ts';
import { type Evidence, type FindingDraft, SEVERITIES, type Severity } from '../model/finding.ts';
import { BUCKET_SECONDS } from '../model/flow.ts';
import { DAY_MS, type RegisterEntry } from '../model/register.ts';
import type { EndpointTraffic, SourceTraffic } from '../model/traffic.ts';
import { count, listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';
import { ruleText } from './firewall-evidence.ts';
import { approveStep, placeOf } from './remedy.ts';
import { coverageEvidence, decidingRule, lacksTraffic } from './traffic-evidence.ts';

/** Who came last longer ago than this is history. */
const RECENT_MS = 7 * DAY_MS;
/** Sources of one port that have a finding of their own; the rest is one finding. */
const MOST_TOLD = 10;
const MOST_NAMED = 20;

export const unapprovedSource: Check = {
  id: 'unapproved-source',
  title: 'A source connects that is not approved',
  severity: 'high',
  rationale:
    'The register names who may connect, and somebody else does, and was let in. That is two things at once: the entry does not describe how the port ' +
    'is used, and the packet filter does not enforce it. Reported for accepted connections of the last seven days.',
  remediation:
    'Find out what the source is. If it should not connect, close the rule that lets it in; if it should, add it to sources and have the change approved.',
  lacking: lacksTraffic,
  endpoint(facts, estate) {
    const { traffic } = facts;
    const entry = facts.entries[0]?.entry;
    if (!traffic || !entry || traffic.unapprovedCount === 0) return [];
    const recent = traffic.sources.filter(
      (one) =>
        one.approved === false &&
        one.accepted > 0 &&
        one.lastAccepted !== null &&
        estate.now - one.lastAccepted <= RECENT_MS,
    );
    const told = recent.slice(0, MOST_TOLD);
    const rest = recent.slice(MOST_TOLD);
    // Beyond what is listed one by one, it is not known how long ago they came: they are told once there are others.
    const unlisted =
      recent.length === 0
        ? 0
        : Math.max(
            0,
            traffic.unapprovedCount - traffic.sources.filter((s) => s.approved === false && s.accepted > 0).length,
          );
    return [
      ...told.map((source) => judge(facts, estate, entry, traffic, source)),
      ...(rest.length > 0 ? [judgeRest(facts, estate, entry, traffic, rest, unlisted)] : []),
    ];
  },
};

function judge(
  facts: EndpointFacts,
  { register }: EstateFacts,
  entry: RegisterEntry,
  traffic: EndpointTraffic,
  source: SourceTraffic,
): FindingDraft {
  const part = decidingRule(facts, source.source);
  const accepts = part?.verdict === 'accept';
  const filter = filterWords(facts, source, part !== undefined, accepts ? placeOfRule(part.rule) : null);
  return {
    subject: { kind: 'endpoint', endpoint: facts.endpoint },
    entry: entry.id,
    discriminator: source.source,
    severity: severityOf(entry),
    message:
      `${source.source} connected ${times(source.accepted)} to port ${describePort(facts.endpoint)} between ${utcTime(Math.max(source.firstSeen, traffic.from))} and ` +
      // Flows are kept by the beginning of their bucket.
      `${utcTime((source.lastAccepted ?? source.lastSeen) + BUCKET_SECONDS * 1_000)}; ${entry.id} does not allow it, and ${filter}.`,
    evidence: [
      { label: 'approved', value: entry.sources?.length ? listWords(entry.sources, 8) : 'nobody' },
      { label: 'first seen', value: utcTime(source.firstSeen) },
      { label: 'connections', value: String(source.accepted) },
      ...(source.connections > source.accepted
        ? [{ label: 'not known whether let in', value: String(source.connections - source.accepted) }]
        : []),
      { label: 'refused', value: String(source.denied) },
      { label: 'bytes', value: String(source.bytes) },
      ...(part ? [{ label: accepts ? 'let in by' : 'decided by', value: ruleText(part.rule) }] : []),
      ...coverageEvidence(traffic),
    ],
    remediation:
      `If ${source.source} should not connect, close it: on ${facts.endpoint.host}: sudo quietdoor firewall plan. ` +
      `If it should, add it to sources at ${placeOf(entry)} and ${approveStep(entry.id, register.policy)}`,
    at: entry.at,
  };
}

/** What the packet filters have to do with it, a clause. */
function filterWords(facts: EndpointFacts, source: SourceTraffic, isKnown: boolean, rule: string | null): string {
  if (!facts.admission) return 'which rule let it in is not known, as no packet filter of the host was read';
  if (rule !== null) return `${rule} lets it in`;
  return isKnown
    ? `the packet filter as of ${utcTime(facts.admission.takenAt)} would not let ${source.source} in: it was changed, or the flows are not of this host`
    : 'which rule let it in is not known';
}

function judgeRest(
  facts: EndpointFacts,
  { register }: EstateFacts,
  entry: RegisterEntry,
  traffic: EndpointTraffic,
  rest: readonly SourceTraffic[],
  unlisted: number,
): FindingDraft {
  const more: Evidence[] = unlisted > 0 ? [{ label: 'not listed', value: count(unlisted, 'source') }] : [];
  return {
    subject: { kind: 'endpoint', endpoint: facts.endpoint },
    entry: entry.id,
    discriminator: 'others',
    severity: severityOf(entry),
    message: `${count(rest.length + unlisted, 'more source')} connected to port ${describePort(facts.endpoint)} that ${entry.id} does not allow, ${times(rest.reduce((n, s) => n + s.accepted, 0))} in all.`,
    evidence: [
      {
        label: 'sources',
        value: listWords(
          rest.map((s) => `${s.source} (${s.accepted})`),
          MOST_NAMED,
        ),
      },
      ...more,
      ...coverageEvidence(traffic),
    ],
    remediation: `Narrow the packet filter to what ${entry.id} approves, or write down who connects at ${placeOf(entry)} and ${approveStep(entry.id, register.policy)}`,
    at: entry.at,
  };
}

/** A step more where the data is sensitive. */
function severityOf({ data }: RegisterEntry): Severity {
  const isSensitive = data.some((name) => !/^(public|none)$/i.test(name));
  return isSensitive ? (SEVERITIES[SEVERITIES.indexOf('high') + 1] as Severity) : 'high';
}

function times(n: number): string {
  return n === 1 ? 'once' : count(n, 'time');
}

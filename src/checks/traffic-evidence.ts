import { parseAddress } from '../model/address.ts';
import { has } from '../model/address-set.ts';
import type { DecidingPart } from '../model/admission.ts';
import type { Anomaly, AnomalyKind } from '../model/anomaly.ts';
import { endpointKey } from '../model/endpoint.ts';
import type { EndpointFacts, EstateFacts, Facts } from '../model/facts.ts';
import type { Evidence, FindingDraft } from '../model/finding.ts';
import { DAY_MS } from '../model/register.ts';
import type { EndpointTraffic } from '../model/traffic.ts';
import { count, listWords, utcTime } from '../util/words.ts';

/** What was unusual longer ago than this is history: alerts and the log review have it. */
const RECENT_MS = DAY_MS;
/** Flows that the evidence spells out. */
const MAX_FLOWS = 5;

/** Why rules about traffic have nothing to judge by. */
export function lacksTraffic({ endpoints }: Facts): string | null {
  return endpoints.some((facts) => facts.traffic) ? null : 'no flows of a known port were imported or collected';
}

/** The same for rules about what is usual. */
export function lacksLearning({ endpoints }: Facts): string | null {
  if (!endpoints.some((facts) => facts.traffic)) return lacksTraffic({ endpoints } as Facts);
  return endpoints.some((facts) => (facts.traffic?.learnedDays ?? 0) > 0)
    ? null
    : 'there is no history to learn from yet';
}

/** How much of the time somebody looked, and who. */
export function coverageEvidence({ from, until, covered, feeds }: EndpointTraffic): readonly Evidence[] {
  return [
    {
      label: 'looked at',
      value: `${utcTime(from)} to ${utcTime(until)}, ${Math.floor(covered * 100)} % of it covered`,
    },
    { label: 'feeds', value: feeds.length === 0 ? 'none' : listWords(feeds) },
  ];
}

/** The rule that decides about a source; undefined: it is not known. */
export function decidingRule({ admission }: EndpointFacts, source: string): DecidingPart | undefined {
  const address = parseAddress(source);
  if (!admission || address === null) return undefined;
  return admission.admission.deciding.find((part) => has(part.sources, address));
}

/** Kinds that have a rule; what else is unusual is told by alerts, and here where one of these is part of it. */
const RULES: readonly AnomalyKind[] = [
  'dormant-port-active',
  'denied-burst',
  'first-seen-source',
  'traffic-spike',
  'off-hours',
  'unexpected-silence',
];

/** One finding per card, whatever it is made of: by its own kind, else by the first that has a rule. */
function ruleOf({ kind, also }: Anomaly): AnomalyKind | undefined {
  return [kind, ...also].find((one) => RULES.includes(one));
}

/** What was unusual at an endpoint within the last day, as findings of the rule of that name: one per card. */
export function anomalyFindings(
  kind: AnomalyKind,
  facts: EndpointFacts,
  { now }: EstateFacts,
): readonly FindingDraft[] {
  const cards = (facts.traffic?.anomalies ?? []).filter(
    (card) => ruleOf(card) === kind && now - Date.parse(card.to) <= RECENT_MS,
  );
  return cards.map((card) => ({
    subject: { kind: 'endpoint', endpoint: facts.endpoint },
    ...(facts.entries[0] ? { entry: facts.entries[0].entry.id } : {}),
    // Not its time: the same thing a day later is the same finding.
    ...(card.source === undefined ? {} : { discriminator: card.source }),
    severity: card.severity,
    message: card.message,
    evidence: [
      { label: 'expected', value: card.expected.words },
      { label: 'seen', value: card.seen.words },
      { label: 'surprise', value: `e^-${card.surprise.toFixed(1)} by the model of the port` },
      { label: 'time', value: `${card.from} to ${card.to}` },
      ...card.contributing.slice(0, MAX_FLOWS).map((flow) => ({
        label: 'flow',
        value: `${flow.source} → ${flow.destination}:${flow.port}/${flow.transport} ${flow.action}, ${count(flow.connections, 'connection')}, ${count(flow.bytes, 'byte')}, from ${flow.from}`,
      })),
      ...(card.also.length === 0 ? [] : [{ label: 'also', value: listWords(card.also) }]),
    ],
    remediation:
      `Ask ${facts.entries[0]?.entry.owner ?? 'who runs it'} whether it is known. Who it was: quietdoor flows top --by source ` +
      `--endpoint ${endpointKey(facts.endpoint).split('@', 1)[0]} --from ${card.from} --to ${card.to}`,
  }));
}

import type { Anomaly, AnomalyKind, Contribution, TrafficEndpoint } from '../model/anomaly.ts';
import type { Severity } from '../model/finding.ts';
import { ACTION, transportOf } from '../model/flow.ts';
import { sha256 } from '../util/sha256.ts';
import { count, duration, utcTime } from '../util/words.ts';
import type { Card, CardTrace, PortKey } from './card.ts';
import type { SourceTable } from './history.ts';
import { oddsWords } from './surprise.ts';

/** Name of the host that has an address; the address itself where nobody knows one. */
export type HostNames = (address: string) => string;

const SEVERITY: Record<AnomalyKind, Severity> = {
  'port-sweep': 'high',
  'dormant-port-active': 'high',
  'source-fan-in': 'medium',
  'denied-burst': 'medium',
  'bytes-spike': 'medium',
  'off-hours': 'medium',
  'traffic-spike': 'medium',
  'unexpected-silence': 'medium',
  'first-seen-source': 'low',
  'feed-silent': 'medium',
  'estate-quiet': 'low',
};

/** Most endpoints that an anomaly names. */
const MOST_ENDPOINTS = 100;

/** An anomaly as it is told, of a card. */
export function describeCard(card: Card, table: SourceTable, nameOf: HostNames): Anomaly {
  const source = card.source < 0 ? null : table.address(card.source);
  const endpoint = card.port ? endpointOf(card.port, nameOf) : null;
  return {
    id: idOf(card, source),
    kind: card.kind,
    ...(endpoint && { endpoint }),
    ...(source !== null && { source }),
    from: rfc3339(card.from),
    to: rfc3339(card.to),
    expected: { words: card.expectedWords, ...bounds(card) },
    seen: { words: card.seenWords, ...(card.seen !== null && { value: round(card.seen) }) },
    surprise: Math.round(card.surprise * 10) / 10,
    severity: card.isLearning ? 'low' : SEVERITY[card.kind],
    message: messageOf(card, endpoint, source),
    contributing: card.traces.map((trace) => contributionOf(trace, table)),
    also: card.also,
    ...(card.ports.length > 0 && { endpoints: card.ports.slice(0, MOST_ENDPOINTS).map((p) => endpointOf(p, nameOf)) }),
  };
}

function idOf(card: Card, source: string | null): string {
  const { port } = card;
  const about = port ? `${port.destination} ${port.protocol} ${port.port}` : '';
  return sha256(`${card.kind}\n${about}\n${source ?? ''}\n${card.raised}`).slice(0, 20);
}

function endpointOf({ destination, protocol, port }: PortKey, nameOf: HostNames): TrafficEndpoint {
  return { host: nameOf(destination), transport: transportOf(protocol) ?? 'tcp', port };
}

function bounds({ low, high }: Card): { low?: number; high?: number } {
  return { ...(low !== null && { low: round(low) }), ...(high !== null && { high: round(high) }) };
}

function contributionOf(trace: CardTrace, table: SourceTable): Contribution {
  return {
    source: table.address(trace.source),
    destination: trace.destination,
    transport: transportOf(trace.protocol) ?? 'tcp',
    port: trace.port,
    action: trace.action === ACTION.denied ? 'denied' : trace.action === ACTION.accepted ? 'accepted' : 'unknown',
    ...{ from: rfc3339(trace.from), to: rfc3339(trace.to) },
    ...{ connections: trace.connections, packets: trace.packets, bytes: trace.bytes },
  };
}

/** `db-1 tcp/5432: 214 connections in 5 minutes; expected up to 12 …. The odds are less than 1 in 10 million. Since …` */
function messageOf(card: Card, endpoint: TrafficEndpoint | null, source: string | null): string {
  const about = endpoint ? `${endpoint.host} ${endpoint.transport}/${endpoint.port}` : source ? source : 'All flows';
  const since = `Since ${utcTime(card.from * 1_000)}, for ${duration((card.to - card.from) * 1_000)}.`;
  const learning = card.isLearning
    ? ` Still learning this port: ${count(card.learnedDays, 'day')} of traffic are known.`
    : '';
  return `${about}: ${card.seenWords}; expected ${card.expectedWords}. The odds of that are ${oddsWords(card.surprise)}. ${since}${learning}`;
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}

function rfc3339(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().replace('.000Z', 'Z');
}

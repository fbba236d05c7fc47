import type { Transport } from './endpoint.ts';
import type { Severity } from './finding.ts';

/** Kinds of unusual traffic. The slugs are relied on by other tools; those that are checks have the same rule id. */
export const ANOMALY_KINDS = [
  /** Much more connections than at this hour of the week. */
  'traffic-spike',
  /** Much less, where there always is some. */
  'unexpected-silence',
  /** Traffic at an hour that was always empty. */
  'off-hours',
  /** A port without traffic for the whole of the known past is used. */
  'dormant-port-active',
  /** Many refused connections. */
  'denied-burst',
  /** Much more bytes per connection. */
  'bytes-spike',
  /** Many more different sources at once. */
  'source-fan-in',
  /** A source that this port never saw. */
  'first-seen-source',
  /** One source on many ports. */
  'port-sweep',
  /** A feed stopped, so that nothing can be said. */
  'feed-silent',
  /** Very many ports went quiet at once: a holiday, maintenance. */
  'estate-quiet',
] as const;
export type AnomalyKind = (typeof ANOMALY_KINDS)[number];

/** A port as flows name it. `host`: its name where the address is known to be one's, else the address. */
export interface TrafficEndpoint {
  readonly host: string;
  readonly transport: Transport;
  readonly port: number;
}

/** Rolled-up flows that contributed, largest first, bounded. */
export interface Contribution {
  /** Address. */
  readonly source: string;
  /** Address. */
  readonly destination: string;
  readonly transport: Transport;
  readonly port: number;
  readonly action: 'accepted' | 'denied' | 'unknown';
  /** UTC, RFC 3339. */
  readonly from: string;
  readonly to: string;
  readonly connections: number;
  readonly packets: number;
  readonly bytes: number;
}

/** Something unusual, as one card: what was expected, what was seen, how surprising, since when, by which flows. */
export interface Anomaly {
  /** Hash of kind, endpoint, source and first bucket; the same in every run over the same data. */
  readonly id: string;
  readonly kind: AnomalyKind;
  /** Absent where it is about the estate, a feed, or a source on many ports. */
  readonly endpoint?: TrafficEndpoint;
  /** Address of the source it is about; only where it is about one. */
  readonly source?: string;
  /** UTC, RFC 3339: first bucket's start, last bucket's end. */
  readonly from: string;
  readonly to: string;
  /** What was usual, in words and as numbers where it is one: per bucket. */
  readonly expected: { readonly words: string; readonly low?: number; readonly high?: number };
  readonly seen: { readonly words: string; readonly value?: number };
  /** -ln of the probability of so much (or little), by the model; larger is more surprising. */
  readonly surprise: number;
  readonly severity: Severity;
  /** A sentence: expected, seen, how surprising, since when. */
  readonly message: string;
  readonly contributing: readonly Contribution[];
  /** Other kinds that were seen on the same endpoint at the same time and are part of this card. */
  readonly also: readonly AnomalyKind[];
  /** Ports that it is about, where it is about many (port-sweep, estate-quiet); bounded. */
  readonly endpoints?: readonly TrafficEndpoint[];
}

import type { Endpoint } from './endpoint.ts';
import type { Severity } from './finding.ts';

/** One thing that may be worth telling: a finding, an anomaly, an event. */
export interface Cause {
  readonly from: 'finding' | 'anomaly' | 'event';
  /** Rule id, anomaly kind or event type. */
  readonly kind: string;
  /** Fingerprint of the finding, id of the anomaly, `event:SEQUENCE`: the same cause told twice is one. */
  readonly id: string;
  readonly endpoint: Endpoint | null;
  /** What it is about where that is no endpoint: `entry:ID`, `host:NAME`, `feed:NAME`, `channel:NAME`, `estate`. */
  readonly subject?: string;
  /** Address of the peer it is about. */
  readonly source: string | null;
  /** Rule of the packet filter that let it in or refused it, as text. */
  readonly rule: string | null;
  readonly severity: Severity;
  /** -ln probability; null where it is not measured. */
  readonly surprise: number | null;
  readonly message: string;
  readonly remediation: string | null;
  /** UTC milliseconds. */
  readonly firstSeen: number;
  readonly lastSeen: number;
}

export type IncidentState = 'open' | 'acknowledged' | 'snoozed' | 'resolved';

/** What people are told of: one per cause of trouble, however many findings, anomalies and events speak of it. */
export interface Incident {
  /** Short, stable, said on the phone: `Q-7K3M2`. */
  readonly id: string;
  /** What it is grouped by. */
  readonly key: string;
  readonly state: IncidentState;
  readonly severity: Severity;
  /** Why that severity: `high: accepts phi data from everywhere`. */
  readonly severityReasons: readonly string[];
  /** A sentence. */
  readonly title: string;
  readonly endpoint: Endpoint | null;
  /** Port's service by the register. */
  readonly service: string | null;
  /** Owner by the register; null: nobody is named. */
  readonly owner: string | null;
  /** Newest first, at most 100. */
  readonly causes: readonly Cause[];
  readonly causeCount: number;
  /** UTC milliseconds. */
  readonly firstSeen: number;
  readonly lastSeen: number;
  /** UTC milliseconds; null unless snoozed. */
  readonly snoozedUntil: number | null;
  /** Who acknowledged, snoozed or resolved it last, with the reason given. */
  readonly by: string | null;
  readonly note: string | null;
}

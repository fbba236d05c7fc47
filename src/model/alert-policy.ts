import type { SourcePosition } from './errors.ts';
import type { Severity } from './finding.ts';

/** A way to tell somebody, as quietdoor.yaml names it. */
export interface AlertChannel {
  readonly name: string;
  /** Kind of channel; whether there is one of it is known to src/alerts only. */
  readonly kind: string;
  /** Owners that are told through it unless a route says otherwise. */
  readonly owners: readonly string[];
  /** One message per owner, to the e-mail address that the register has of each. */
  readonly perOwner: boolean;
  /** Everything else that is written: plain data, every scalar a text. */
  readonly settings: unknown;
  readonly at: SourcePosition;
  /** Where each setting stands, by its path: `headers.x-team`. */
  readonly places: Readonly<Record<string, SourcePosition>>;
}

/** Who is told of what. Conditions that are not said hold always; each that is must hold. */
export interface AlertRoute {
  readonly owners: readonly string[];
  readonly severity: Severity | null;
  /** Rule ids, anomaly kinds, event types. */
  readonly kinds: readonly string[];
  /** Zones that the peer or the host is in. */
  readonly zones: readonly string[];
  /** Data classes, in lower case. */
  readonly data: readonly string[];
  /** Names of channels. */
  readonly to: readonly string[];
  /** Routes after it count too. */
  readonly goesOn: boolean;
  readonly at: SourcePosition;
}

/** A time of day, minutes since midnight, in the time zone of the policy. */
export type TimeOfDay = number;

/** `alerts` of quietdoor.yaml, defaults filled in. */
export interface AlertPolicy {
  readonly channels: readonly AlertChannel[];
  readonly routes: readonly AlertRoute[];
  /** Channels for what no route and no owner takes. */
  readonly fallback: readonly string[];
  /** From this severity on people are told at once; what is lower waits for the digest. */
  readonly severity: Severity;
  /** Rule ids, anomaly kinds and event types that are never told. */
  readonly ignore: readonly string[];
  /** IANA name; of every time of day here, and of the days of the cap. */
  readonly timeZone: string;
  /** null: no digest. */
  readonly digest: TimeOfDay | null;
  /** Nothing below `except` is told from `from` until `until`. */
  readonly quietHours: { readonly from: TimeOfDay; readonly until: TimeOfDay; readonly except: Severity } | null;
  /** Messages a day through one channel at most (to one owner, where it is per owner); critical ones count by themselves. */
  readonly dailyCap: number;
  /** After how long an open one of high severity is told again; null: never. */
  readonly remindMs: number | null;
  /** How long every cause must be gone before an incident is over. */
  readonly resolveAfterMs: number;
  /** Tell that an incident is over, to who was told of it. */
  readonly tellResolved: boolean;
  readonly links: string | null;
}

const HOUR_MS = 3_600_000;

/** What holds where quietdoor.yaml does not say otherwise. */
export const DEFAULT_ALERTS: AlertPolicy = {
  channels: [],
  routes: [],
  fallback: [],
  severity: 'medium',
  ignore: [],
  timeZone: 'UTC',
  digest: 8 * 60,
  quietHours: null,
  dailyCap: 20,
  remindMs: 24 * HOUR_MS,
  resolveAfterMs: 6 * HOUR_MS,
  tellResolved: true,
  links: null,
};

import { sha256 } from '../util/sha256.ts';
import { endpointKey } from './endpoint.ts';
import type { Severity } from './finding.ts';
import type { Cause, Incident } from './incident.ts';

/** An incident as it is kept: with what is known of telling it. Its causes are kept beside it. */
export interface IncidentRecord extends Omit<Incident, 'causes'> {
  /** Data classes of the port by the register, in lower case. */
  readonly data: readonly string[];
  /** Zones that the host or the peer is in. */
  readonly zones: readonly string[];
  /** Kinds of its causes, sorted. */
  readonly kinds: readonly string[];
  /** UTC milliseconds: since when it is open this time. */
  readonly openedAt: number;
  /** UTC milliseconds; null unless resolved. */
  readonly resolvedAt: number | null;
  /** Resolved by hand: until then what was there already does not open it again. UTC milliseconds. */
  readonly quietUntil: number | null;
  /** How often it came back. */
  readonly reopened: number;
  /** Severity at which people were told, or were to be; null: not yet in this time. */
  readonly told: Severity | null;
  /** UTC milliseconds of the last telling. */
  readonly toldAt: number | null;
  /** Channels (and owners) that were to be told and could not yet: the cap of the day. */
  readonly waiting: readonly string[];
}

/** Causes that an incident shows. */
export const SHOWN_CAUSES = 100;

/** Digits of Crockford's base 32: none that is mistaken for another when it is said or written by hand. */
const DIGITS = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const LENGTH = 5;

/** Short name of an incident by its key: `Q-7K3M2`. `attempt`: counts up where another incident has the name. */
export function incidentId(key: string, attempt = 0): string {
  const digest = sha256(attempt === 0 ? key : `${key}\n${attempt}`);
  // One character more for every ten attempts, so that there is always a free one.
  const length = LENGTH + Math.floor(attempt / 10);
  const digits = Array.from({ length }, (_, i) => DIGITS[Number.parseInt(digest.slice(i * 2, i * 2 + 2), 16) % 32]);
  return `Q-${digits.join('')}`;
}

/** An incident with its causes, as people and channels are shown it. `causes`: any order. */
export function toIncident(record: IncidentRecord, causes: readonly Cause[]): Incident {
  const newest = causes.toSorted((a, b) => b.lastSeen - a.lastSeen || (a.id < b.id ? -1 : 1));
  const { id, key, state, severity, severityReasons, title, endpoint, service, owner } = record;
  const { causeCount, firstSeen, lastSeen, snoozedUntil, by, note } = record;
  return {
    ...{ id, key, state, severity, severityReasons, title, endpoint, service, owner },
    causes: newest.slice(0, SHOWN_CAUSES),
    ...{ causeCount, firstSeen, lastSeen, snoozedUntil, by, note },
  };
}

/** What a cause is about, as text: the port, else its subject, else the peer. */
export function aboutCause(cause: Pick<Cause, 'endpoint' | 'subject' | 'source'>): string {
  if (cause.endpoint) return endpointKey(cause.endpoint);
  return cause.subject ?? (cause.source === null ? 'estate' : `source:${cause.source}`);
}

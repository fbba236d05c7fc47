import type { Event, EventDraft, EventType } from '../model/event.ts';
import type { Cause } from '../model/incident.ts';
import type { IncidentRecord } from '../model/incident-record.ts';
import type { MaintenanceWindow } from '../model/maintenance.ts';

/** How far alerting has come. */
export interface AlertMarks {
  /** Counts up with every write: who worked with an older one begins again. */
  readonly version: number;
  /** Last record of the ledger that was looked at; null: none yet. */
  readonly cursor: number | null;
  /** UTC milliseconds: first time that anybody was told; null: not yet. */
  readonly begunAt: number | null;
  /** UTC milliseconds: time of the last digest, as it was due. */
  readonly digestAt: number | null;
}

/** A message in the outbox. */
export interface AlertDelivery {
  /** UUID; the same in every attempt. */
  readonly id: string;
  readonly channel: string;
  /** Owner whose ports it is about, where the channel writes to each by itself. */
  readonly owner: string | null;
  readonly kind: string;
  readonly isUrgent: boolean;
  /** Counts for the cap of the day. */
  readonly counts: boolean;
  /** UTC milliseconds. */
  readonly createdAt: number;
  readonly state: 'waiting' | 'sent' | 'dead';
  readonly attempts: number;
  /** UTC milliseconds. */
  readonly nextAttempt: number;
  /** UTC milliseconds: sent or given up; null while it waits. */
  readonly settledAt: number | null;
  /** Why the last attempt failed; null: it did not. */
  readonly error: string | null;
  /** Ids. */
  readonly incidents: readonly string[];
  /** JSON of the AlertMessage. */
  readonly message: string;
}

/** What is written together, or not at all. */
export interface AlertBatch {
  readonly records?: readonly IncidentRecord[];
  readonly causes?: readonly { readonly incident: string; readonly cause: Cause }[];
  readonly deliveries?: readonly AlertDelivery[];
  readonly windows?: readonly MaintenanceWindow[];
  readonly marks?: Partial<Omit<AlertMarks, 'version'>>;
  readonly events: readonly EventDraft[];
  /** Refuses where somebody else wrote since; absent: writes anyway. */
  readonly version?: number;
}

/** Incidents with all their causes. */
export interface StoredIncidents {
  readonly records: readonly IncidentRecord[];
  /** By cause id; incident: id of the record. */
  readonly causes: ReadonlyArray<{ readonly incident: string; readonly cause: Cause }>;
}

/** How many messages that count for the cap were made since a time, by target. */
export interface DeliveryCount {
  readonly channel: string;
  readonly owner: string | null;
  readonly isUrgent: boolean;
  readonly messages: number;
  readonly hasSummary: boolean;
}

/** What of an attempt is kept. */
export interface Settlement {
  readonly id: string;
  readonly state: AlertDelivery['state'];
  readonly attempts: number;
  readonly nextAttempt: number;
  readonly settledAt: number | null;
  readonly error: string | null;
}

/**
 * Incidents, their causes, the outbox and maintenance windows. Every method that writes has written durably when its promise
 * resolves, or nothing; a change of state and its record in the ledger are one transaction.
 */
export interface IncidentStore {
  marks(): Promise<AlertMarks>;
  /** Every incident that is not resolved, and those (resolved ones too) that have one of these causes or keys. */
  load(causeIds: readonly string[], keys: readonly string[]): Promise<StoredIncidents>;
  /** Those of states, newest first; `limit` at most. */
  list(states: readonly string[], limit: number): Promise<readonly IncidentRecord[]>;
  /** One by its id, with its causes, newest first, and what was sent of it; undefined: there is none. */
  find(id: string): Promise<
    | {
        readonly record: IncidentRecord;
        readonly causes: readonly Cause[];
        readonly deliveries: readonly AlertDelivery[];
      }
    | undefined
  >;
  /** Every short name in use. */
  ids(): Promise<ReadonlySet<string>>;
  /** Records of the ledger of these types after a sequence, oldest first. */
  eventsAfter(sequence: number, types: readonly EventType[], limit: number): Promise<readonly Event[]>;
  /** Sequence of the newest record of the ledger; 0: there is none. */
  newestEvent(): Promise<number>;
  /** False, and nothing is written, where `version` is not the present one any more. */
  write(batch: AlertBatch, recordedAt: number): Promise<boolean>;
  /** Messages of a state, oldest first; `dueBy`: whose next attempt is not later. */
  deliveries(state: AlertDelivery['state'], limit: number, dueBy?: number): Promise<readonly AlertDelivery[]>;
  /** Messages that count, made since a time (UTC milliseconds). */
  deliveredSince(time: number): Promise<readonly DeliveryCount[]>;
  /** Writes down what became of an attempt, with its record where there is one. */
  settle(settlement: Settlement, event: EventDraft | null, recordedAt: number): Promise<void>;
  /** Puts dead messages back into the outbox: all, or of one channel. Returns how many. */
  revive(channel: string | null, now: number): Promise<number>;
  /** Forgets messages that were sent, and events and traffic that incidents rest on, before a time. Returns how many messages. */
  forgetOld(before: number): Promise<number>;
  /** Those that are not over at a time; null: all. By their begin. */
  windows(now: number | null): Promise<readonly MaintenanceWindow[]>;
}

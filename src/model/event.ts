import type { Json } from '../util/canonical-json.ts';

/** Kinds of events. Each is a record of the ledger; the name is part of the record and never changes its meaning. */
export const EVENT_TYPES = [
  'host.first-seen',
  'listener.opened',
  'listener.closed',
  'listener.changed',
  'observation.recorded',
  'observation.out-of-order',
  'clock.stepped-back',
  'register.changed',
  'entry.approved',
  'entry.reviewed',
  'exception.added',
  'evidence.exported',
  'host.merged',
  'host.split',
  'assets.imported',
  'changes.imported',
  'declarations.imported',
  'schedule.ran',
  'firewall.recorded',
  'firewall.changed',
  'firewall.applied',
  'firewall.confirmed',
  'firewall.rolled-back',
  'port.closed',
  'port.reopened',
  'ledger.key-made',
  'ledger.key-rotated',
  'ledger.archived',
  'watch.started',
  'watch.stopped',
  'watch.gap',
  'flows.imported',
  'flows.gap',
  'flows.expired',
  'setting.changed',
  'alert.raised',
  'alert.acknowledged',
  'alert.snoozed',
  'alert.resolved',
  'alert.undelivered',
  'maintenance.announced',
  'log.reviewed',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Something that happened, before it has a place in the ledger. */
export interface EventDraft {
  readonly type: EventType;
  /** UTC milliseconds: when it was seen (not when it was written down). */
  readonly observedAt: number;
  /** Who or what caused the record: `collector:local`, `user:alice`. */
  readonly actor: string;
  /** Endpoint key, host name or entry id that it is about; what `events` filters by. */
  readonly subject: string;
  readonly body: { readonly [key: string]: Json | undefined };
}

/** A record of the ledger. */
export interface Event extends EventDraft {
  /** 1, 2, 3… without holes. */
  readonly sequence: number;
  /** UTC milliseconds: when it was written. */
  readonly recordedAt: number;
}

import { canonicalJson, type Json } from '../util/canonical-json.ts';
import { sameJson } from '../util/same-json.ts';
import { sha256 } from '../util/sha256.ts';
import { endpointKey } from './endpoint.ts';
import type { EventDraft, EventType } from './event.ts';
import { compareListeners, type Listener, listenerKey } from './listener.ts';
import { attributeChanges, attributesOf, hiddenAttributes } from './listener-attributes.ts';
import { isCovered, type Observation } from './observation.ts';
import type { HostState, ListenerState } from './state.ts';

/** What is known of one host from one vantage before an observation. Other hosts and vantages in it are ignored. */
export interface KnownState {
  readonly listeners: readonly ListenerState[];
  readonly host: HostState | null;
}

/** What an observation does to the state. */
export interface StateChange {
  /** `late`: older than the newest look, nothing applies. `clock`: the clock stepped back, only times are corrected. */
  readonly kind: 'applied' | 'repeated' | 'late' | 'clock';
  /** In the order of the ledger: what was looked at, then its listeners in their order. */
  readonly events: readonly EventDraft[];
  readonly host: HostState;
  /** States that are new or differ from before in more than `lastSeen`, sorted. */
  readonly listeners: readonly ListenerState[];
  /** Open before and after, where only `lastSeen` moved. */
  readonly confirmed: readonly ListenerState[];
  /** Every listener that is open now was seen by this observation. */
  readonly confirmsAll: boolean;
  /** Ephemeral sockets that are gone: nothing of them is kept. */
  readonly forgotten: readonly ListenerState[];
  /** What the look rests on (observationBasis), to be kept under the digest that the events name. */
  readonly basis: string;
}

/**
 * Canonical text of what a look rests on: who looked, with what rights, at what, and what could not be seen. The same
 * while nothing of that changes, so a heartbeat in the ledger carries a digest instead.
 */
export function observationBasis(o: Observation): string {
  const { collector, vantage, privilege, host, coverage, gaps, outcomes } = o;
  // Keys in order: canonicalJson is fast then.
  const basis = { collector, coverage, gaps, host, ...(outcomes && { outcomes }), privilege, vantage };
  return canonicalJson(basis as unknown as Json);
}

/**
 * Compares an observation with what was known of its host from its vantage. `recordedAt`: UTC milliseconds of the
 * writer's clock, which tells a late delivery from a clock that stepped back. docs/decisions/what-becomes-an-event.md has
 * the reasons. Throws Error if the observation names another host's listener, or one listener twice.
 */
export function compareObservation(before: KnownState, o: Observation, recordedAt: number): StateChange {
  const known = before.listeners.filter((s) => s.vantage === o.vantage && s.listener.host === o.host.name);
  const basis = observationBasis(o);
  const nothing = { listeners: [], confirmed: [], confirmsAll: false, forgotten: [], basis };
  if (before.host?.observationId === o.id) return { kind: 'repeated', events: [], host: before.host, ...nothing };
  if (before.host !== null && o.observedAt < before.host.lastObservedAt) {
    const stepped = recordedAt < before.host.lastObservedAt;
    const body = { newest: before.host.lastObservedAt, listeners: o.listeners.length, id: o.id, basis: sha256(basis) };
    const events = [draft(o, stepped ? 'clock.stepped-back' : 'observation.out-of-order', o.host.name, body)];
    if (!stepped) return { kind: 'late', events, host: before.host, ...nothing };
    return {
      kind: 'clock',
      events,
      ...nothing,
      host: hostNotAfter(before.host, o.observedAt),
      ...timesNotAfter(known, o),
    };
  }
  return applyObservation(before.host, known, o, basis);
}

/** Walks what was known and what is seen side by side, both in the order of listeners. */
function applyObservation(
  host: HostState | null,
  known: readonly ListenerState[],
  o: Observation,
  basis: string,
): StateChange {
  const { states, touched, events: found } = replaySightings(known, o);
  const olds = states.sort((a, b) => compareListeners(a.listener, b.listener));
  const seen = [...o.listeners].sort(compareListeners);
  refuseContradiction(o, seen);
  const listeners: ListenerState[] = [];
  const confirmed: ListenerState[] = [];
  const forgotten: ListenerState[] = [];
  // A look that failed covers nothing; by what is known, there was one before it that did not.
  const hadFailed = host?.coverage.length === 0 && known.length > 0;
  const wasLookedAt = (l: Listener) => hadFailed || (host !== null && isCovered(host.coverage, l));
  let confirmsAll = true;
  let i = 0;
  for (const listener of [...seen, null]) {
    for (let old = olds[i]; old && isBefore(old.listener, listener); old = olds[++i]) {
      if (!old.open) {
        if (touched.has(old)) listeners.push(old);
        continue;
      }
      if (!isCovered(o.coverage, old.listener)) confirmsAll = false;
      else if (old.listener.role === 'ephemeral') forgotten.push(old);
      else {
        listeners.push({ ...old, open: false, closedAt: o.observedAt });
        found.push(closedEvent(o, old));
      }
    }
    if (listener === null) break;
    const peer = olds[i];
    const old = peer && compareListeners(peer.listener, listener) === 0 ? peer : undefined;
    if (old) i++;
    const next = nextState(old, listener, o);
    found.push(...eventsOf(old, next, o, wasLookedAt));
    if (old?.open && next.listener === old.listener && !touched.has(old)) confirmed.push(next);
    else listeners.push(next);
  }
  const events: EventDraft[] = [];
  if (host === null) {
    events.push(draft(o, 'host.first-seen', o.host.name, { host: o.host as unknown as Json, vantage: o.vantage }));
  }
  const body = { basis: sha256(basis), changes: found.length, gaps: o.gaps.length, id: o.id, listeners: seen.length };
  events.push(draft(o, 'observation.recorded', o.host.name, body), ...found);
  return { kind: 'applied', events, host: hostAfter(host, o), listeners, confirmed, confirmsAll, forgotten, basis };
}

interface Replayed {
  readonly states: ListenerState[];
  /** States that are not as they were known. */
  readonly touched: ReadonlySet<ListenerState>;
  readonly events: EventDraft[];
}

/**
 * Applies what was seen to happen between two looks, one after the other, so that what opened and closed again is in the
 * ledger too. What is known already (another look told of it meanwhile) happens once.
 */
function replaySightings(known: readonly ListenerState[], o: Observation): Replayed {
  const events: EventDraft[] = [];
  if (o.sightings === undefined || o.sightings.length === 0) return { states: [...known], touched: new Set(), events };
  const states = new Map(known.map((state) => [listenerKey(state.listener), state]));
  const touched = new Map<string, ListenerState>();
  for (const { kind, at, listener } of o.sightings) {
    if (listener.host !== o.host.name)
      throw new Error(`observation ${o.id} of ${o.host.name} names the listener ${listenerKey(listener)}`);
    const then = { ...o, observedAt: at };
    const key = listenerKey(listener);
    const old = states.get(key);
    if (kind === 'closed' && !old?.open) continue;
    const next =
      kind === 'closed' && old
        ? { ...old, open: false, closedAt: Math.max(at, old.lastSeen) }
        : nextState(old, listener, then);
    if (kind !== 'closed') for (const event of eventsOf(old, next, then, () => true)) events.push(event);
    else if (isService(old)) events.push(closedEvent(then, old as ListenerState));
    states.set(key, next);
    touched.set(key, next);
  }
  return { states: [...states.values()], touched: new Set(touched.values()), events };
}

function isBefore(a: Listener, b: Listener | null): boolean {
  return b === null || compareListeners(a, b) < 0;
}

function refuseContradiction(o: Observation, sorted: readonly Listener[]): void {
  for (const [i, l] of sorted.entries()) {
    if (l.host !== o.host.name)
      throw new Error(`observation ${o.id} of ${o.host.name} names the listener ${listenerKey(l)}`);
    const before = sorted[i - 1];
    if (before && compareListeners(before, l) === 0) {
      throw new Error(`observation ${o.id} names the listener ${listenerKey(l)} twice`);
    }
  }
}

/** What the ledger says of a listener that was seen. */
function eventsOf(
  old: ListenerState | undefined,
  next: ListenerState,
  o: Observation,
  wasLookedAt: (listener: Listener) => boolean,
): readonly EventDraft[] {
  const l = next.listener;
  const was = isService(old);
  if (isService(next) && !was) {
    // Nobody looked there from here before, so it may have been open for long.
    const firstLook = !old && !wasLookedAt(l) ? { firstLook: true } : {};
    return [about(o, 'listener.opened', l, { facts: attributesOf(l), ...firstLook })];
  }
  if (was && !isService(next)) return [about(o, 'listener.closed', l, { because: 'ephemeral' })];
  if (!old || !was || next.listener === old.listener) return [];
  const changes = attributeChanges({ ...old.remembered, ...attributesOf(old.listener) }, attributesOf(l));
  return changes.length > 0 ? [about(o, 'listener.changed', l, { changes: changes as unknown as Json })] : [];
}

function closedEvent(o: Observation, { listener, lastSeen, openSince }: ListenerState): EventDraft {
  return about(o, 'listener.closed', listener, { lastSeen, openSince });
}

/** Only services open and close in the ledger: an ephemeral UDP socket is a client's. */
function isService(state: ListenerState | undefined): boolean {
  return state?.open === true && state.listener.role === 'service';
}

function nextState(old: ListenerState | undefined, listener: Listener, o: Observation): ListenerState {
  const at = o.observedAt;
  const fresh = { vantage: o.vantage, open: true, closedAt: null, lastSeen: at } as const;
  if (!old) return { ...fresh, listener, firstSeen: at, openSince: at, restarts: 0 };
  if (!old.open) return { ...fresh, listener, firstSeen: old.firstSeen, openSince: at, restarts: old.restarts };
  if (old.remembered === undefined && sameJson(old.listener, listener)) return { ...old, lastSeen: at };
  const remembered = hiddenAttributes({ ...old.remembered, ...attributesOf(old.listener) }, attributesOf(listener));
  if (sameJson(old.listener, listener) && sameJson(old.remembered, remembered)) return { ...old, lastSeen: at };
  return {
    ...fresh,
    listener,
    firstSeen: old.firstSeen,
    openSince: old.openSince,
    restarts: old.restarts + (isRestart(old.listener, listener) ? 1 : 0),
    ...(remembered && { remembered }),
  };
}

/** /proc gives start times since boot, and the boot time shifts by up to a second as the clock is slewed. */
const START_JITTER_MS = 2_000;

/** Both processes are visible, and it is another one. A pid may be used again, so the start time counts too. */
function isRestart(old: Listener, now: Listener): boolean {
  const [a, b] = [old.process, now.process];
  if (a === null || b === null) return false;
  if (a.pid !== b.pid) return true;
  return (
    a.startedAt !== undefined && b.startedAt !== undefined && Math.abs(a.startedAt - b.startedAt) > START_JITTER_MS
  );
}

function hostAfter(host: HostState | null, o: Observation): HostState {
  return {
    vantage: o.vantage,
    host: o.host,
    firstObservedAt: host?.firstObservedAt ?? o.observedAt,
    lastObservedAt: o.observedAt,
    privilege: o.privilege,
    collector: o.collector,
    observationId: o.id,
    coverage: o.coverage,
    gaps: o.gaps,
    ...(o.outcomes && { outcomes: o.outcomes }),
  };
}

/** Times written by a clock that ran ahead are taken down to now: what they date happened before now. */
function hostNotAfter(host: HostState, at: number): HostState {
  return {
    ...host,
    firstObservedAt: Math.min(host.firstObservedAt, at),
    lastObservedAt: Math.min(host.lastObservedAt, at),
  };
}

function timesNotAfter(
  known: readonly ListenerState[],
  o: Observation,
): { readonly listeners: readonly ListenerState[] } {
  const at = o.observedAt;
  const late = known.filter((s) => Math.max(s.firstSeen, s.openSince, s.lastSeen, s.closedAt ?? 0) > at);
  const listeners = late.map((s) => ({
    ...s,
    firstSeen: Math.min(s.firstSeen, at),
    openSince: Math.min(s.openSince, at),
    lastSeen: Math.min(s.lastSeen, at),
    closedAt: s.closedAt === null ? null : Math.min(s.closedAt, at),
  }));
  return { listeners };
}

function about(o: Observation, type: EventType, l: Listener, body: EventDraft['body']): EventDraft {
  const { host, scope, transport, port, address } = l;
  // Keys in order wherever an event is made by the thousand: canonicalJson is fast then.
  return draft(o, type, endpointKey(l), { address, endpoint: { host, port, scope, transport }, ...body });
}

function draft(o: Observation, type: EventType, subject: string, body: EventDraft['body']): EventDraft {
  return { type, observedAt: o.observedAt, actor: `collector:${o.collector}`, subject, body };
}

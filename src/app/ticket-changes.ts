import type { Event } from '../model/event.ts';
import type { Policy } from '../model/register.ts';
import type { TicketList } from '../model/ticket.ts';
import { type EntryChange, ticketWindowMs } from '../model/ticket-match.ts';
import { diffRegisters } from '../register/diff.ts';
import { memorySource } from '../register/memory-source.ts';
import { loadWorkspace } from '../register/workspace.ts';
import type { Store } from '../store/store.ts';
import type { Json } from '../util/canonical-json.ts';
import { registerCache } from './load-register.ts';

/** Changes that are put beside tickets; older ones of a longer time are left out, which the caller is told. */
export const MAX_CHANGES = 100_000;
/** Register changes whose entries are compared, the newest ones; each costs reading two registers, once. */
const MAX_REGISTERS = 200;
/** Looks whose time before is asked for. */
const MAX_LOOKS = 10_000;

const LISTENER_TYPES = ['listener.opened', 'listener.closed', 'listener.changed'] as const;

export interface TicketChanges {
  /** Oldest first; looks carry `after` (the look before), register changes `entries`. */
  readonly events: readonly Event[];
  /** There were more than could be taken. */
  readonly isCut: boolean;
}

/**
 * Opens, closes and register changes within the times that the tickets cover. The time that a change may lie beside its
 * ticket comes on both sides, since a ticket at the edge may speak of a change beyond it. `mayWrite`: comparisons of registers are kept in the store's cache.
 */
export async function loadTicketChanges(
  store: Store,
  tickets: readonly TicketList[],
  policy: Policy,
  mayWrite: boolean,
): Promise<TicketChanges> {
  const windowMs = ticketWindowMs(policy);
  const since = tickets.reduce((min, { covers }) => Math.min(min, covers.from), Number.POSITIVE_INFINITY) - windowMs;
  const until = tickets.reduce((max, { covers }) => Math.max(max, covers.to), 0) + windowMs + 1;
  const types = [...LISTENER_TYPES, 'host.first-seen', 'register.changed'] as const;
  const found = await store.events({ types, since, until, limit: MAX_CHANGES + 1 });
  const events = found.slice(0, MAX_CHANGES).reverse();
  const registers = events.filter((event) => event.type === 'register.changed').length;
  const isCut = found.length > MAX_CHANGES || registers > MAX_REGISTERS;
  const looks = await looksBefore(store, events);
  const entries = await entriesChanged(store, events, mayWrite);
  return {
    isCut,
    events: events.map((event) => {
      const after = looks.get(lookKey(event));
      const changed = entries.get(event.sequence);
      if (after === undefined && changed === undefined) return event;
      const added = { ...(after !== undefined && { after }), ...(changed && { entries: changed as unknown as Json }) };
      return { ...event, body: { ...event.body, ...added } };
    }),
  };
}

/** A look is known by its time, collector and host. */
function lookKey(event: Event): string {
  return `${event.observedAt}|${event.actor}|${hostOf(event)}`;
}

function hostOf({ body }: Event): string {
  const endpoint = body.endpoint as { readonly host?: unknown } | undefined;
  return typeof endpoint?.host === 'string' ? endpoint.host : '';
}

/** When the same collector had looked at the host before: what opened, opened after that. */
async function looksBefore(store: Store, events: readonly Event[]): Promise<ReadonlyMap<string, number>> {
  const before = new Map<string, number>();
  const asked = new Set<string>();
  for (const event of events) {
    if (event.type !== 'listener.opened' && event.type !== 'listener.closed' && event.type !== 'listener.changed')
      continue;
    const key = lookKey(event);
    if (asked.has(key) || asked.size >= MAX_LOOKS) continue;
    asked.add(key);
    const types = ['observation.recorded'] as const;
    const recent = await store.events({ subject: hostOf(event), types, beforeSequence: event.sequence, limit: 20 });
    const look = recent.find((e) => e.actor === event.actor && e.observedAt < event.observedAt);
    if (look) before.set(key, look.observedAt);
  }
  return before;
}

/** Entries that differ between each register and the one before it. The first one of all is no change. */
async function entriesChanged(
  store: Store,
  events: readonly Event[],
  mayWrite: boolean,
): Promise<ReadonlyMap<number, readonly EntryChange[]>> {
  const changed = new Map<number, readonly EntryChange[]>();
  for (const event of events.filter((e) => e.type === 'register.changed').slice(-MAX_REGISTERS)) {
    const [before] = await store.events({ types: ['register.changed'], beforeSequence: event.sequence, limit: 1 });
    const [old, now] = [before?.body.document, event.body.document];
    if (typeof old !== 'string' || typeof now !== 'string') continue;
    changed.set(event.sequence, await compareDocuments(store, old, now, mayWrite));
  }
  return changed;
}

async function compareDocuments(
  store: Store,
  old: string,
  now: string,
  mayWrite: boolean,
): Promise<readonly EntryChange[]> {
  const key = `entries-changed 1 ${old} ${now}`;
  const known = await store.cacheGet(key);
  if (known !== undefined) return JSON.parse(known) as readonly EntryChange[];
  const [before, after] = [await registerOf(store, old), await registerOf(store, now)];
  if (!before || !after) return [];
  const changes = diffRegisters(before, after).flatMap((d): EntryChange[] => {
    if (d.what !== 'entry') return [];
    const entry = (d.change === 'removed' ? before : after).entries.find((e) => e.id === d.name);
    if (!entry) return [];
    const { id, change: ticket, hosts, transport, ports } = entry;
    return [{ id, change: d.change, ticket, hosts, transport, ports }];
  });
  if (mayWrite) await store.cachePut(key, JSON.stringify(changes));
  return changes;
}

/** The register as it was, from the files that were kept of it; undefined where they are gone. */
async function registerOf(store: Store, document: string) {
  const bytes = await store.document(document);
  if (!bytes) return undefined;
  const { files } = JSON.parse(Buffer.from(bytes).toString()) as { files: { path: string; text: string }[] };
  const source = memorySource(Object.fromEntries(files.map(({ path, text }) => [path, text])));
  return (await loadWorkspace(source, { cache: registerCache(store, false) })).register;
}

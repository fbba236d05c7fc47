import { getOrMake } from '../util/get-or-make.ts';
import { type Endpoint, endpointKey } from './endpoint.ts';
import type { Event } from './event.ts';
import type { EstateFacts } from './facts.ts';
import {
  type Change,
  changesOf,
  type HostNames,
  hostNames,
  type TicketMatch,
  type TicketMatcher,
  ticketMatcher,
  ticketWindowMs,
} from './ticket-match.ts';

/** A change with the tickets that speak of it. */
export interface JudgedChange {
  readonly change: Change;
  readonly matches: readonly TicketMatch[];
}

/** Tickets and changes side by side, worked out once for a set of facts. */
export interface TicketWork {
  readonly names: HostNames;
  readonly matcher: TicketMatcher;
  readonly windowMs: number;
  /** Every change, oldest first, also those outside the times that an import covers. */
  readonly changes: readonly JudgedChange[];
  /** Changes of listeners by endpoint (host, transport, port), oldest first. */
  readonly byPort: ReadonlyMap<string, readonly JudgedChange[]>;
}

const kept = new WeakMap<readonly Event[], TicketWork>();

/** Returns what tickets say of the changes; null where no ticket was ever imported: then nothing is said of them. */
export function ticketWork(estate: EstateFacts): TicketWork | null {
  const { tickets, changes: events } = estate;
  if (!tickets || tickets.length === 0 || !events) return null;
  return getOrMakeWeak(events, () => {
    const names = hostNames(estate.hosts);
    const windowMs = ticketWindowMs(estate.register.policy);
    const matcher = ticketMatcher(tickets, names, windowMs);
    const entryTickets = ticketsByEndpoint(estate);
    const changes = changesOf(events, names).map((change): JudgedChange => {
      const named = change.endpoint ? entryTickets.get(endpointKey(change.endpoint)) : undefined;
      return { change, matches: matcher.match(change, named) };
    });
    const byPort = new Map<string, JudgedChange[]>();
    for (const judged of changes)
      if (judged.change.endpoint) getOrMake(byPort, portKey(judged.change.endpoint), () => []).push(judged);
    return { names, matcher, windowMs, changes, byPort };
  });
}

/** Key of an endpoint whatever its scope: a scan from outside does not know it. */
export function portKey({ host, transport, port }: Omit<Endpoint, 'scope'>): string {
  return `${host.toLowerCase()}|${transport}|${port}`;
}

/** Says whether two views of a port may be of one socket: the scope is the same, or one side does not know it. */
export function mayBeSameScope(a: string, b: string): boolean {
  return a === b || a === 'unknown' || b === 'unknown';
}

/** Ids under `change:` of the entries that cover each endpoint. */
function ticketsByEndpoint(estate: EstateFacts): ReadonlyMap<string, readonly string[]> {
  const found = new Map<string, string[]>();
  for (const entry of estate.register.entries) {
    if (entry.change === null) continue;
    for (const { endpoint } of estate.endpointsByEntry.get(entry.id) ?? [])
      getOrMake(found, endpointKey(endpoint), () => []).push(entry.change);
  }
  return found;
}

function getOrMakeWeak(events: readonly Event[], make: () => TicketWork): TicketWork {
  const known = kept.get(events);
  if (known) return known;
  const made = make();
  kept.set(events, made);
  return made;
}

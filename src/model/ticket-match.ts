import type { Json } from '../util/canonical-json.ts';
import { getOrMake } from '../util/get-or-make.ts';
import type { Endpoint, Transport } from './endpoint.ts';
import type { Event } from './event.ts';
import type { PortRange } from './observation.ts';
import type { Policy } from './register.ts';
import type { HostState } from './state.ts';
import type { Ticket, TicketList } from './ticket.ts';

/** An open, a close, another change of a listener, or a change of a register entry, as tickets are matched to it. */
export interface Change {
  readonly kind: 'opened' | 'closed' | 'changed' | 'entry';
  /** UTC milliseconds: when it was seen. */
  readonly seenAt: number;
  /** UTC milliseconds: it happened after this (the look before). Absent: not known. */
  readonly after?: number;
  /** Of a listener. The host by the name that it goes by. */
  readonly endpoint?: Endpoint;
  /** Of an entry. */
  readonly entry?: EntryChange;
  /** Number of the event in the ledger. */
  readonly sequence: number;
}

const HOUR_MS = 3_600_000;
const DEFAULT_WINDOW_HOURS = 24;

/** How far from its ticket's window a change may lie, in milliseconds. */
export function ticketWindowMs({ ticketWindowHours = DEFAULT_WINDOW_HOURS }: Policy): number {
  return ticketWindowHours * HOUR_MS;
}

/** How a register entry changed; `app` works it out and puts it into the event under `entries`. */
export interface EntryChange {
  readonly id: string;
  readonly change: 'added' | 'changed' | 'removed';
  /** Ticket that the entry names under `change:`, after the change, or before where it was removed. */
  readonly ticket: string | null;
  readonly hosts: readonly string[];
  readonly transport: Transport;
  readonly ports: readonly PortRange[];
}

/**
 * How a ticket speaks of a change. `endpoint`: it names host and port, or the register entry names it. `host`: it names
 * the host and no port at all, so it may have meant anything there.
 */
export interface TicketMatch {
  readonly ticket: Ticket;
  readonly by: 'endpoint' | 'host';
}

/** Names and addresses by which a ticket may name a host. */
export interface HostNames {
  /** The name that the host goes by; the text itself in lower case where no known host has it. */
  nameOf(text: string): string;
  isKnown(text: string): boolean;
}

/**
 * Knows a host by its name, further names and addresses. A name without a domain also means the one known host whose name
 * begins with it (`db-1` for `db-1.example.org`), and the other way round; where several would do, it means none of them.
 */
export function hostNames(hosts: readonly HostState[]): HostNames {
  const exact = new Map<string, Set<string>>();
  const byLabel = new Map<string, Set<string>>();
  for (const { host } of hosts) {
    for (const text of [host.name, ...(host.names ?? []), ...host.addresses])
      getOrMake(exact, text.toLowerCase(), () => new Set()).add(host.name);
    for (const text of [host.name, ...(host.names ?? [])])
      if (isName(text)) getOrMake(byLabel, labelOf(text), () => new Set()).add(host.name);
  }
  const find = (text: string): string | undefined => {
    const key = text.toLowerCase();
    const same = exact.get(key);
    if (same?.size === 1) return [...same][0];
    if (same || !isName(key)) return undefined;
    const alike = byLabel.get(labelOf(key));
    const [only, ...more] = alike ?? [];
    if (only === undefined || more.length > 0) return undefined;
    // Two full names of different domains are two hosts.
    return key.includes('.') && only.includes('.') ? undefined : only;
  };
  return { nameOf: (text) => find(text) ?? text.toLowerCase(), isKnown: (text) => find(text) !== undefined };
}

function isName(text: string): boolean {
  return !/^[\d.]+$/.test(text) && !text.includes(':');
}

function labelOf(name: string): string {
  return name.toLowerCase().split('.', 1)[0] as string;
}

/**
 * Reads changes from events of the ledger, oldest first. A listener that opened in the observation in which the host was
 * first seen (from that vantage), or where nobody looked the time before, is a baseline and no change. One change that several vantages saw comes once for each.
 */
export function changesOf(events: readonly Event[], names: HostNames): readonly Change[] {
  const baseline = new Set(events.filter((e) => e.type === 'host.first-seen').map(lookOf));
  const changes: Change[] = [];
  for (const event of events) {
    const { type, observedAt, sequence, body } = event;
    const seen = { seenAt: observedAt, sequence, ...(typeof body.after === 'number' && { after: body.after }) };
    if (type === 'register.changed') {
      for (const entry of Array.isArray(body.entries) ? body.entries : [])
        changes.push({ kind: 'entry', ...seen, entry: entry as unknown as EntryChange });
    }
    const endpoint = endpointOf(body.endpoint);
    if (!endpoint) continue;
    const kind =
      type === 'listener.opened'
        ? 'opened'
        : type === 'listener.closed'
          ? 'closed'
          : type === 'listener.changed'
            ? 'changed'
            : null;
    if (kind === null || (kind === 'opened' && (body.firstLook === true || baseline.has(lookOf(event))))) continue;
    if (kind === 'closed' && body.because === 'ephemeral') continue;
    changes.push({ kind, ...seen, endpoint: { ...endpoint, host: names.nameOf(endpoint.host) } });
  }
  return changes;
}

/** One look at one host from one vantage: its events share time, collector and host. */
function lookOf({ type, observedAt, actor, subject, body }: Event): string {
  const host = type === 'host.first-seen' ? subject : endpointOf(body.endpoint)?.host;
  return `${observedAt}|${actor}|${host}`;
}

function endpointOf(value: Json | undefined): Endpoint | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { host, scope, transport, port } = value as { readonly [key: string]: Json | undefined };
  if (typeof host !== 'string' || typeof scope !== 'string' || typeof port !== 'number') return null;
  return { host, scope, transport: transport as Transport, port };
}

export interface TicketMatcher {
  /** Authorised tickets that speak of the change, those that name its endpoint first. `entryTickets`: ids that register entries over the endpoint name. */
  match(change: Change, entryTickets?: readonly string[]): readonly TicketMatch[];
  /** The change was seen within the times that an import covers, so a ticket would be known. */
  isCovered(change: Change): boolean;
}

/** `windowMs`: how far from a ticket's window a change may lie. */
export function ticketMatcher(lists: readonly TicketList[], names: HostNames, windowMs: number): TicketMatcher {
  const byId = new Map<string, Ticket[]>();
  const byHost = new Map<string, Ticket[]>();
  for (const { items } of lists)
    for (const ticket of items) {
      if (!ticket.authorised) continue;
      getOrMake(byId, ticket.id.toLowerCase(), () => []).push(ticket);
      for (const host of new Set(ticket.hosts.map(names.nameOf))) getOrMake(byHost, host, () => []).push(ticket);
    }
  const inTime = (ticket: Ticket, change: Change) => isInWindow(ticket, change, windowMs);

  function ofEndpoint(change: Change, endpoint: Endpoint): TicketMatch[] {
    return (byHost.get(endpoint.host) ?? [])
      .filter((ticket) => hasWindow(ticket) && inTime(ticket, change) && doesThat(ticket, change))
      .flatMap((ticket): TicketMatch[] =>
        ticket.ports.length === 0
          ? [{ ticket, by: 'host' }]
          : namesPort(ticket, endpoint.transport, endpoint)
            ? [{ ticket, by: 'endpoint' }]
            : [],
      );
  }

  function ofEntry(change: Change, entry: EntryChange): TicketMatch[] {
    return entry.hosts
      .flatMap((host) => byHost.get(names.nameOf(host)) ?? [])
      .filter((ticket) => hasWindow(ticket) && inTime(ticket, change))
      .flatMap((ticket): TicketMatch[] =>
        ticket.ports.length === 0
          ? [{ ticket, by: 'host' }]
          : entry.ports.some((range) => overlaps(ticket, entry.transport, range))
            ? [{ ticket, by: 'endpoint' }]
            : [],
      );
  }

  return {
    match(change, entryTickets = []) {
      const ids = [...entryTickets, ...(change.entry?.ticket ? [change.entry.ticket] : [])].flatMap(idsIn);
      const named = ids
        .flatMap((id) => byId.get(id) ?? [])
        .filter((ticket) => inTime(ticket, change))
        .map((ticket): TicketMatch => ({ ticket, by: 'endpoint' }));
      const found = [
        ...named,
        ...(change.endpoint ? ofEndpoint(change, change.endpoint) : []),
        ...(change.entry ? ofEntry(change, change.entry) : []),
      ];
      const once = [...new Map(found.toReversed().map((m) => [m.ticket, m])).values()];
      return once.sort(
        (a, b) => Number(a.by === 'host') - Number(b.by === 'host') || compare(a.ticket.id, b.ticket.id),
      );
    },
    isCovered: ({ seenAt }) => lists.some(({ covers }) => seenAt >= covers.from && seenAt <= covers.to),
  };
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Ids in a `change:` field: `CHG0030001`, `OPS-42, OPS-43`, the end of a link. */
export function idsIn(text: string): string[] {
  return text.split(/[\s,;]+/).flatMap((word) => {
    const id = word.split('/').at(-1)?.toLowerCase() ?? '';
    return id === '' ? [] : [id];
  });
}

/**
 * Says whether a change can have happened in a ticket's window, which is `windowMs` wider on both sides. What is known of the
 * change is a span: after the look before, not later than it was seen. A ticket without a window contradicts no time.
 */
export function isInWindow(ticket: Ticket, change: Pick<Change, 'seenAt' | 'after'>, windowMs: number): boolean {
  if (!hasWindow(ticket)) return true;
  const from = (ticket.from ?? (ticket.to as number)) - windowMs;
  const to = (ticket.to ?? (ticket.from as number)) + windowMs;
  return change.seenAt >= from && (change.after ?? change.seenAt) <= to;
}

export function hasWindow(ticket: Ticket): boolean {
  return ticket.from !== undefined || ticket.to !== undefined;
}

function doesThat({ action }: Ticket, { kind }: Change): boolean {
  if (action === 'open') return kind !== 'closed';
  if (action === 'close') return kind === 'closed';
  return true;
}

function namesPort(ticket: Ticket, transport: Transport, { port }: { readonly port: number }): boolean {
  return overlaps(ticket, transport, { from: port, to: port });
}

function overlaps(ticket: Ticket, transport: Transport, range: PortRange): boolean {
  return ticket.ports.some(
    (p) => (p.transport === null || p.transport === transport) && p.range.from <= range.to && range.from <= p.range.to,
  );
}

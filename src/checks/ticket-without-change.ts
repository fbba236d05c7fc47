import type { EstateFacts } from '../model/facts.ts';
import type { FindingDraft } from '../model/finding.ts';
import { isCovered, type PortRange } from '../model/observation.ts';
import { formatPorts } from '../model/port-ranges.ts';
import type { HostState } from '../model/state.ts';
import type { Ticket } from '../model/ticket.ts';
import { hasWindow } from '../model/ticket-match.ts';
import { type TicketWork, ticketWork } from '../model/ticket-work.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';

export const ticketWithoutChange: Check = {
  id: 'ticket-without-change',
  title: 'Authorised change that did not happen',
  severity: 'low',
  rationale:
    'A ticket that allowed a change which never came still stands as a permission, and may hide that the work was done somewhere else. ' +
    'Where nobody looked at the host in that time, it cannot be told.',
  remediation: 'Ask the requester whether the change was made, and where; then close, correct or cancel the ticket.',
  lacking: ({ estate }) => ((estate.tickets ?? []).length === 0 ? 'no change tickets were imported' : null),
  estate(estate) {
    const work = ticketWork(estate);
    if (!work) return [];
    const seenTickets = new Set(
      work.changes.flatMap(({ matches }) => matches.flatMap((m) => (m.by === 'endpoint' ? m.ticket : []))),
    );
    const statesByHost = new Map<string, HostState[]>();
    for (const state of estate.hosts) getOrMake(statesByHost, state.host.name, () => []).push(state);
    return (estate.tickets ?? []).flatMap(({ items }) =>
      items.flatMap((ticket) => {
        if (!ticket.authorised || !isOver(ticket, work, estate) || seenTickets.has(ticket)) return [];
        if (ticket.hosts.length === 0 || ticket.ports.length === 0) return [];
        return draftOf(ticket, work, statesByHost);
      }),
    );
  },
};

/** Its window, widened by the time that a change may lie beside it, has ended. */
function isOver(ticket: Ticket, { windowMs }: TicketWork, { now }: EstateFacts): boolean {
  return hasWindow(ticket) && ticket.to !== undefined && ticket.to + windowMs < now;
}

/** One finding for a ticket, about the first of its hosts; info where it cannot be told for any of them. */
function draftOf(
  ticket: Ticket,
  work: TicketWork,
  statesByHost: ReadonlyMap<string, readonly HostState[]>,
): FindingDraft[] {
  const hosts = [...new Set(ticket.hosts.map(work.names.nameOf))];
  const looked = hosts.filter((host) => wasLookedAt(ticket, statesByHost.get(host) ?? []));
  const host = looked[0] ?? hosts[0] ?? '';
  const where = `${listWords(looked.length > 0 ? looked : hosts)}, port ${portWords(ticket)}`;
  const window = `${ticket.from === undefined ? 'until' : `${utcTime(ticket.from)} to`} ${utcTime(ticket.to as number)}`;
  const evidence = [
    { label: 'ticket', value: `${ticket.id} (${ticket.source})` },
    { label: 'status', value: ticket.status === '' ? 'not said' : ticket.status },
    { label: 'window', value: window },
    ...(ticket.summary === '' ? [] : [{ label: 'summary', value: ticket.summary }]),
  ];
  const subject = { kind: 'host', host } as const;
  const discriminator = `${ticket.source} ${ticket.id}`;
  if (looked.length === 0) {
    const message = `${ticket.id} allowed a change of ${where}, and whether it was made is not known: the host was not observed before and after its window.`;
    return [
      {
        subject,
        discriminator,
        severity: 'info',
        message,
        evidence,
        remediation: `Observe ${host}, or ask the requester of ${ticket.id}.`,
      },
    ];
  }
  const message = `${ticket.id} allowed a change of ${where}, and nothing changed there in its window (${window}).`;
  return [{ subject, discriminator, message, evidence }];
}

/** From some vantage the ports were looked at from before the window on until after it, so that a change would have been seen. */
function wasLookedAt(ticket: Ticket, states: readonly HostState[]): boolean {
  const from = ticket.from ?? (ticket.to as number);
  return states.some(
    (state) =>
      state.firstObservedAt <= from &&
      state.lastObservedAt >= (ticket.to as number) &&
      ticket.ports.some(({ transport, range }) => {
        const transports = transport === null ? (['tcp', 'udp'] as const) : [transport];
        return transports.every((t) => coversRange(state, t, range));
      }),
  );
}

function coversRange(
  state: HostState,
  transport: 'tcp' | Ticket['ports'][number]['transport'],
  { from, to }: PortRange,
): boolean {
  if (transport === null) return false;
  return [from, to].every((port) =>
    state.coverage.some((c) =>
      (c.addresses === 'all' ? [undefined] : c.addresses).some((address) =>
        isCovered([c], {
          host: c.host,
          scope: c.scope === '*' ? 'host' : c.scope,
          transport,
          port,
          ...(address !== undefined && { address }),
        }),
      ),
    ),
  );
}

function portWords({ ports }: Ticket): string {
  return listWords(
    ports.map(({ transport, range }) => `${formatPorts([range])}${transport === null ? '' : `/${transport}`}`),
  );
}

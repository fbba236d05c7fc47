import { formatPorts } from '../model/port-ranges.ts';
import type { Ticket, TicketList } from '../model/ticket.ts';
import { count } from '../util/words.ts';
import { csvFile } from './csv-text.ts';
import { printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { type Cell, type Column, paint, renderTable } from './text-table.ts';
import { isoTime } from './time.ts';

/** Returns change tickets as `table`, `json` or `csv`. */
export function renderTickets(lists: readonly TicketList[], format: string, options: RenderOptions): string {
  const tickets = lists.flatMap(({ items }) => items);
  switch (format) {
    case 'table': {
      const allowed = tickets.filter((ticket) => ticket.authorised).length;
      const head = `${count(tickets.length, 'ticket')} in ${count(lists.length, 'list')}, ${allowed} of them authorised`;
      const covers = lists.map(
        (list) => `${list.source}: covers ${isoTime(list.covers.from)} to ${isoTime(list.covers.to)}`,
      );
      const lines = [paint('bold', head, options.color), ...covers];
      if (tickets.length > 0) lines.push('', ...renderTable(COLUMNS, tickets.map(row), options));
      return `${lines.join('\n')}\n`;
    }
    case 'json':
      return `${printableJson({ schemaVersion: 1, lists: lists.map(listJson) }, 2)}\n`;
    case 'csv':
      return csvFile(
        [
          'source',
          'id',
          'summary',
          'status',
          'authorised',
          'requester',
          'approver',
          'from',
          'to',
          'hosts',
          'ports',
          'action',
        ],
        tickets.map((t) => [
          ...[t.source, t.id, t.summary, t.status, t.authorised ? 'true' : 'false', t.requester, t.approver],
          ...[timeOf(t.from), timeOf(t.to), t.hosts.join(' '), portWords(t), t.action],
        ]),
      );
    default:
      throw new Error(`tickets have no format ${format}`);
  }
}

const COLUMNS: readonly Column[] = [
  { title: 'ticket', min: 10 },
  { title: 'status' },
  { title: 'allows' },
  { title: 'from' },
  { title: 'to' },
  { title: 'hosts', min: 8 },
  { title: 'ports', min: 8 },
  { title: 'summary', min: 10, optional: true },
];

function row(ticket: Ticket): Cell[] {
  return [
    ticket.id,
    ticket.status || '-',
    ticket.authorised ? (ticket.action ?? 'any change') : 'nothing',
    timeOf(ticket.from) ?? '-',
    timeOf(ticket.to) ?? '-',
    ticket.hosts.join(', ') || '-',
    portWords(ticket) || '-',
    ticket.summary,
  ];
}

function listJson({ source, importedAt, covers, items }: TicketList) {
  const times = { importedAt: isoTime(importedAt), covers: { from: isoTime(covers.from), to: isoTime(covers.to) } };
  const tickets = items.map((ticket) => ({ ...ticket, from: timeOf(ticket.from), to: timeOf(ticket.to) }));
  return { source, ...times, tickets };
}

function timeOf(ms: number | undefined): string | null {
  return ms === undefined ? null : isoTime(ms);
}

function portWords({ ports }: Ticket): string {
  return ports
    .map(({ transport, range }) => `${formatPorts([range])}${transport === null ? '' : `/${transport}`}`)
    .join(' ');
}

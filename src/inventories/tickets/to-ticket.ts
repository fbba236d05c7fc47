import type { Transport } from '../../model/endpoint.ts';
import type { Ticket } from '../../model/ticket.ts';
import { endpointsInText, readHostField, readPortField } from './endpoints-in-text.ts';
import {
  MAX_TICKETS,
  type ReadTicket,
  type TicketField,
  type TicketOptions,
  type TicketProblem,
  type TicketReading,
} from './ticket-format.ts';
import { readTime } from './ticket-times.ts';

/** A ticket as its export has it: texts by field. */
export interface WrittenTicket {
  /** Cells of the field, blank ones left out. */
  readonly values: (field: TicketField) => readonly string[];
  /** `line 7`, `/result/3`. */
  readonly at: string;
  readonly line?: number;
  /** Zone of its times where they name none; absent: the person's. */
  readonly timeZone?: string;
}

/** Longest text that is kept of a field. */
const LONGEST = 500;
const MAX_PROBLEMS = 1000;

/** Words of a status, a resolution or an approval that allow a change, and those that forbid it. */
const ALLOWS = new Set([
  ...[
    'approved',
    'authorized',
    'authorised',
    'scheduled',
    'implement',
    'implementing',
    'implementation',
    'implemented',
  ],
  ...[
    'awaiting implementation',
    'ready for implementation',
    'review',
    'post implementation review',
    'deployed',
    'released',
  ],
  ...['done', 'closed', 'closed complete', 'complete', 'completed', 'resolved', 'successful'],
]);
const FORBIDS =
  /\b(?:reject(?:ed)?|declined?|cancel(?:l?ed)?|withdrawn|won'?t (?:do|fix)|duplicate|denied|not approved|cannot reproduce|invalid|incomplete|abandoned)\b/i;

/** Makes tickets of records, and keeps what went wrong. */
export function collectTickets(
  source: string,
  records: Iterable<WrittenTicket>,
  options: TicketOptions,
  earlier: readonly TicketProblem[] = [],
): TicketReading {
  const problems: TicketProblem[] = [...earlier];
  const tickets = new Map<string, ReadTicket>();
  const times: number[] = [];
  for (const record of records) {
    const place = record.line === undefined ? { place: record.at } : { line: record.line };
    const report = (message: string) => {
      if (problems.length < MAX_PROBLEMS) problems.push({ source, ...place, message });
    };
    if (tickets.size >= MAX_TICKETS) {
      report(`more than ${MAX_TICKETS} tickets; the rest is left out`);
      break;
    }
    const ticket = toTicket(record, options, report, times);
    if (!ticket) report('this record has no id of a ticket');
    else {
      if (tickets.has(ticket.id)) report(`the ticket ${ticket.id} is there twice; the last one counts`);
      tickets.set(ticket.id, ticket);
    }
  }
  const span =
    times.length === 0
      ? null
      : { from: times.reduce((a, b) => Math.min(a, b)), to: times.reduce((a, b) => Math.max(a, b)) };
  return { tickets: [...tickets.values()], problems, span };
}

function toTicket(
  record: WrittenTicket,
  options: TicketOptions,
  report: (message: string) => void,
  times: number[],
): ReadTicket | null {
  const one = (field: TicketField): string | undefined =>
    record
      .values(field)
      .find((text) => text.trim() !== '')
      ?.trim();
  const id = one('id')?.slice(0, 100);
  if (id === undefined) return null;
  const time = (field: 'from' | 'to' | 'created'): number | undefined => {
    const text = one(field);
    if (text === undefined) return undefined;
    const read = readTime(text, record.timeZone ?? options.timeZone, options.dateOrder);
    if ('reason' in read) {
      report(`${id}: ${read.reason}`);
      return undefined;
    }
    times.push(read.ms);
    return read.ms;
  };
  const [start, end] = [time('from') ?? time('created'), time('to')];
  const backwards = start !== undefined && end !== undefined && end < start;
  if (backwards) report(`${id}: its window ends before it begins, so it counts as not said`);
  const summary = one('summary') ?? '';
  const status = one('status') ?? '';
  const requester = one('requester')?.slice(0, LONGEST);
  const approver = one('approver')?.slice(0, LONGEST);
  return {
    id,
    summary: summary.slice(0, LONGEST),
    status: status.slice(0, 100),
    authorised: isAuthorised(status, one('resolution'), one('approval'), options.authorised),
    ...(requester !== undefined && { requester }),
    ...(approver !== undefined && { approver }),
    ...(start !== undefined && !backwards && { from: start }),
    ...(end !== undefined && !backwards && { to: end }),
    ...endpointsOf(record, id, summary, report),
    action: actionOf(one('action'), summary),
    at: record.at,
  };
}

/** Fields that hold hosts and ports count before the text: where they say something, the text adds nothing to it. */
function endpointsOf(
  record: WrittenTicket,
  id: string,
  summary: string,
  report: (message: string) => void,
): Pick<Ticket, 'hosts' | 'ports'> {
  const fieldHosts = [...new Set(record.values('host').flatMap(readHostField))];
  const kind = record.values('transport')[0]?.trim().toLowerCase();
  const transport = kind === 'tcp' || kind === 'udp' || kind === 'sctp' ? (kind as Transport) : null;
  const fieldPorts = record.values('port').flatMap((text) => {
    const ports = readPortField(text, transport);
    if (!ports) report(`${id}: "${text.slice(0, 60)}" is no list of ports such as 5432/tcp, 8000-8010`);
    return ports ?? [];
  });
  const text = [summary, ...record.values('description')].join('\n');
  const inText = endpointsInText(text, new Set(fieldHosts));
  return {
    hosts: fieldHosts.length > 0 ? fieldHosts : inText.hosts,
    ports: fieldPorts.length > 0 ? fieldPorts : inText.ports,
  };
}

/** What a word forbids counts before what another allows. A status that is not known allows nothing. */
function isAuthorised(
  status: string,
  resolution: string | undefined,
  approval: string | undefined,
  chosen: ReadonlySet<string> | null,
): boolean {
  const plain = status.trim().toLowerCase();
  if ([status, resolution, approval].some((text) => text !== undefined && FORBIDS.test(text))) return false;
  if (chosen) return chosen.has(plain);
  return ALLOWS.has(plain) || approval?.trim().toLowerCase() === 'approved';
}

function actionOf(field: string | undefined, summary: string): Ticket['action'] {
  const word = (field ?? /^(?:open|close)\b/i.exec(summary)?.[0] ?? '').trim().toLowerCase();
  if (/^(?:open|add|allow|enable|install|create)/.test(word)) return 'open';
  if (/^(?:close|remove|delete|disable|decommission|block)/.test(word)) return 'close';
  return /^(?:change|modify|update)/.test(word) ? 'change' : null;
}

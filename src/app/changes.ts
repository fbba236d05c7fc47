import { basename } from 'node:path';
import { ticketFormats } from '../inventories/tickets/index.ts';
import {
  type DateOrder,
  MAX_TICKET_BYTES,
  type ReadTicket,
  TICKET_FIELDS,
  type TicketField,
  type TicketFormat,
  type TicketOptions,
  type TicketProblem,
} from '../inventories/tickets/ticket-format.ts';
import { isTimeZone } from '../inventories/tickets/ticket-times.ts';
import { UserError } from '../model/errors.ts';
import type { Ticket, TicketList } from '../model/ticket.ts';
import { compareText } from '../util/compare.ts';
import { sameJson } from '../util/same-json.ts';
import type { Context } from './context.ts';
import { sourceOf } from './declare.ts';
import { parseTime } from './parse-time.ts';
import { readText } from './read-text.ts';
import { openStateToWrite, withStateToRead } from './state.ts';

/** What a person asked for; texts as typed. */
export interface TicketImport {
  /** Files that belong together (pages of one export); `-` is standard input. */
  readonly files: readonly string[];
  /** `jira`, `servicenow`, `csv`, `json`, or the slug of a format; null: it is recognised. */
  readonly as: string | null;
  /** `FIELD=COLUMN` or `FIELD=PATH`. */
  readonly map: readonly string[];
  /** Name of the list; null: the first file. */
  readonly source: string | null;
  /** `FROM..TO`; null: from the earliest to the latest time that the tickets name. */
  readonly covers: string | null;
  readonly timeZone: string | null;
  readonly dateOrder: DateOrder;
  /** Status words that allow a change; empty: the known ones. */
  readonly authorised: readonly string[];
}

export interface TicketsImported {
  readonly list: TicketList;
  /** Slugs of the formats of the files. */
  readonly formats: readonly string[];
  readonly problems: readonly TicketProblem[];
  /** Against what the source listed before. */
  readonly added: number;
  readonly changed: number;
  readonly removed: number;
  /** What was assumed because nobody said it, for the person; sentences. */
  readonly assumed: readonly string[];
}

/**
 * Reads ticket exports and records them in the place of what the source listed before. Throws UserError where a file cannot
 * be read or is of no format that is known; then nothing is recorded.
 */
export async function importTickets(context: Context, input: TicketImport): Promise<TicketsImported> {
  const options = optionsOf(input);
  const covers = input.covers === null ? null : readCovers(input.covers, context.now());
  const read = [];
  for (const path of input.files) {
    const file = { source: path, text: await readText(path, MAX_TICKET_BYTES) };
    const format = formatOf(file, input.as);
    read.push({ format, ...format.read(file, options) });
  }
  const problems = [...read.flatMap((one) => one.problems)];
  const source = input.source ?? sourceOf(input.files[0] as string, context.workspace);
  const byId = new Map<string, ReadTicket>();
  for (const ticket of read.flatMap((one) => one.tickets)) byId.set(ticket.id, ticket);
  const total = read.reduce((max, one) => Math.max(max, one.total ?? 0), 0);
  if (total > byId.size) {
    const message = `the search found ${total} tickets and these files have ${byId.size}; import all pages in one go`;
    problems.push({ source: input.files[0] as string, message });
  }
  if (byId.size === 0 && problems[0]) {
    throw new UserError(`nothing in ${input.files.join(', ')} could be read as tickets`, {
      hint: `${placeOfTicket(problems[0])}: ${problems[0].message}. What was imported before is kept.`,
    });
  }
  const items = [...byId.values()]
    .sort((a, b) => compareText(a.id, b.id))
    .map((ticket): Ticket => ({ ...ticket, source }));
  const importedAt = context.now();
  const spans = read.flatMap((one) => one.span ?? []);
  const told = {
    from: spans.reduce((min, span) => Math.min(min, span.from), importedAt),
    // A window that lies ahead does not mean that everything until then is known.
    to: Math.min(importedAt, spans.reduce((max, span) => Math.max(max, span.to), 0) || importedAt),
  };
  const list: TicketList = {
    source,
    importedAt,
    covers: covers ?? { from: Math.min(told.from, told.to), to: told.to },
    items,
  };
  await using store = await openStateToWrite(context);
  const before = (await store.lists('tickets')).find((known) => known.source === source)?.items ?? [];
  await store.putList('tickets', list, {
    type: 'changes.imported',
    observedAt: importedAt,
    actor: context.actor,
    subject: source,
  });
  const old = new Map(before.map((ticket) => [ticket.id, ticket]));
  const known = items.filter((ticket) => old.has(ticket.id));
  return {
    list,
    formats: [...new Set(read.map(({ format }) => format.name))],
    problems,
    added: items.length - known.length,
    changed: known.filter((ticket) => !sameJson(ticket, old.get(ticket.id))).length,
    removed: old.size - known.length,
    assumed: [
      ...(covers
        ? []
        : [
            'the times that the tickets name are taken for the time that the export covers (say it with --covers FROM..TO)',
          ]),
      ...(input.timeZone === null ? ['times without a zone are taken for UTC (say theirs with --time-zone NAME)'] : []),
    ],
  };
}

/** What every source lists, sorted by source. */
export function listTickets(context: Context): Promise<readonly TicketList[]> {
  return withStateToRead(context, async (store) => (store ? await store.lists('tickets') : []));
}

/** Forgets what a source lists; returns its name. Throws UserError where there is no such source. */
export async function dropTickets(context: Context, path: string): Promise<string> {
  await using store = await openStateToWrite(context);
  const known = (await store.lists('tickets')).map((list) => list.source);
  const source = known.includes(path) ? path : sourceOf(path, context.workspace);
  const event = { observedAt: context.now(), actor: context.actor, subject: source };
  if (!(await store.dropList('tickets', source, { type: 'changes.imported', ...event }))) {
    throw new UserError(`there are no tickets of ${source}`, {
      hint: known.length === 0 ? 'None were imported yet.' : `Sources: ${known.join(', ')}`,
    });
  }
  return source;
}

/** Where a problem is: `file:line:column`, or the file and its own place. */
export function placeOfTicket({ source, line, column, place }: TicketProblem): string {
  const position = [source, line, line === undefined ? undefined : column].filter((part) => part !== undefined);
  return place === undefined ? position.join(':') : `${position.join(':')} ${place}`;
}

function optionsOf(input: TicketImport): TicketOptions {
  if (input.timeZone !== null && !isTimeZone(input.timeZone)) {
    throw new UserError(`--time-zone ${input.timeZone} is no time zone`, {
      hint: 'Expected a name such as UTC or Europe/Berlin.',
    });
  }
  const mapping = new Map<TicketField, string[]>();
  for (const pair of input.map) {
    const equals = pair.indexOf('=');
    const field = TICKET_FIELDS.find((name) => name === pair.slice(0, equals).trim());
    if (!field || equals < 1 || equals === pair.length - 1) {
      throw new UserError(`--map ${pair}: expected FIELD=COLUMN`, { hint: `Fields: ${TICKET_FIELDS.join(', ')}` });
    }
    mapping.set(field, [...(mapping.get(field) ?? []), pair.slice(equals + 1)]);
  }
  const authorised = input.authorised.map((word) => word.trim().toLowerCase());
  return {
    mapping,
    timeZone: input.timeZone ?? 'UTC',
    dateOrder: input.dateOrder,
    authorised: authorised.length > 0 ? new Set(authorised) : null,
  };
}

function readCovers(text: string, now: number): TicketList['covers'] {
  const [from = '', to = '', ...more] = text.split('..');
  if (from === '' || more.length > 0)
    throw new UserError(`--covers ${text}: expected FROM..TO, as in 2026-09-01..2026-09-30`);
  // A date alone is its first moment, and as an end it means the whole day.
  const end = to === '' ? now : parseTime(to, now) + (/^\d{4}-\d{2}-\d{2}$/.test(to) ? 86_399_999 : 0);
  const covers = { from: parseTime(from, now), to: Math.min(end, now) };
  if (covers.from > covers.to) throw new UserError(`--covers ${text}: it ends before it begins`);
  return covers;
}

function formatOf({ source, text }: { source: string; text: string }, as: string | null): TicketFormat {
  const head = { name: source === '-' ? '-' : basename(source).replace(/\.gz$/, ''), text: text.slice(0, 65_536) };
  const isJson = /^\uFEFF?\s*[[{]/.test(text);
  const name = as === 'jira' || as === 'servicenow' ? `${as}-${isJson ? 'json' : 'csv'}` : as;
  const format = ticketFormats.find(name === null ? (f) => f.detect(head) : (f) => f.name === name);
  if (format) return format;
  throw new UserError(`${source} is of no format that is known`, {
    hint: `Name it with --as: jira, servicenow, csv, json.`,
  });
}

import { parse } from 'csv-parse/sync';
import { UserError } from '../../model/errors.ts';
import { TICKET_FIELDS, type TicketField, type TicketProblem } from './ticket-format.ts';
import type { WrittenTicket } from './to-ticket.ts';

/** Longest record, characters: descriptions are long, past it the quotes of the file are broken. */
const LONGEST_RECORD = 4_000_000;

/** Titles by field, letters and digits of lower case alone, the first that is there counts. */
export type Titles = Readonly<Partial<Record<TicketField, readonly string[]>>>;

/** Letters and digits of a title: `Issue key` and `issue_key` are one. */
export function plainTitle(title: string): string {
  return title.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Titles of the first line; for detecting. */
export function titlesOf(text: string): readonly string[] {
  const first = /^\uFEFF?([^\r\n]*)/.exec(text)?.[1] ?? '';
  return first.slice(0, 65_536).split(delimiterOf(first)).map(plainTitle);
}

/** Records of a CSV file with a line of titles. Columns may repeat (Jira does so): a field has all of their cells. */
export function readCsvTickets(
  file: { readonly source: string; readonly text: string },
  titles: Titles,
  mapping: ReadonlyMap<TicketField, readonly string[]>,
): { readonly records: readonly WrittenTicket[]; readonly problems: readonly TicketProblem[] } {
  const { source, text } = file;
  const problems: TicketProblem[] = [];
  const rows = parse(text, {
    bom: true,
    delimiter: delimiterOf(/^\uFEFF?[^\n]*/.exec(text)?.[0] ?? ''),
    info: true,
    max_record_size: LONGEST_RECORD,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_error: true,
    on_skip: (error) => {
      const { lines = 1 } = (error ?? {}) as { lines?: number };
      problems.push({
        source,
        line: lines,
        message: `could not be read: ${(error?.message ?? 'no CSV').split(/[:,] (?=at|got|near)/)[0]}`,
      });
      return undefined;
    },
  }) as unknown as readonly { record: string[]; info: { lines: number } }[];
  const [head, ...rest] = rows;
  if (!head) return { records: [], problems: [...problems, { source, message: 'the file has no line of titles' }] };
  const columns = columnsOf(head.record, titles, mapping, source);
  const records: WrittenTicket[] = [];
  let end = head.info.lines;
  for (const { record, info } of rest) {
    // A text may have several lines; a record is named by its first.
    const line = end + 1;
    end = info.lines;
    if (record.length !== head.record.length) {
      problems.push({
        source,
        line,
        message: `has ${record.length} columns where the titles are ${head.record.length}`,
      });
    }
    records.push({
      values: (field) => (columns.get(field) ?? []).flatMap((i) => (record[i]?.trim() ? [record[i] as string] : [])),
      at: `line ${line}`,
      line,
    });
  }
  return { records, problems };
}

function columnsOf(
  head: readonly string[],
  titles: Titles,
  mapping: ReadonlyMap<TicketField, readonly string[]>,
  source: string,
): ReadonlyMap<TicketField, readonly number[]> {
  const shown = head
    .map((title) => title.trim().slice(0, 60))
    .slice(0, 60)
    .join(', ');
  const columns = new Map<TicketField, readonly number[]>();
  for (const field of TICKET_FIELDS) {
    const named = mapping.get(field);
    const found = (named ?? titles[field] ?? []).map((name) => {
      const indexes = head.flatMap((title, i) =>
        (named ? title.trim() === name.trim() : plainTitle(title) === name) ? [i] : [],
      );
      const same =
        indexes.length > 0 || !named
          ? indexes
          : head.flatMap((title, i) => (plainTitle(title) === plainTitle(name) ? [i] : []));
      if (named && same.length === 0)
        throw new UserError(`${source} has no column "${name}"`, { hint: `Its columns: ${shown}` });
      return same;
    });
    // What the person names is taken together; of titles that are only known, the first that is there.
    columns.set(field, named ? found.flat() : (found.find((indexes) => indexes.length > 0) ?? []));
  }
  if ((columns.get('id') ?? []).length === 0) {
    throw new UserError(`${source}: no column is known to hold the id of a ticket`, {
      hint: `Say which does, as in --map id="Change number". Its columns: ${shown}`,
    });
  }
  return columns;
}

/** The sign that parts most columns of a line of titles. */
function delimiterOf(line: string): string {
  const counted = [',', ';', '\t'].map((sign) => ({ sign, times: line.split(sign).length }));
  return counted.reduce((best, next) => (next.times > best.times ? next : best)).sign;
}

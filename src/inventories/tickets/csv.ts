import { readCsvTickets, titlesOf } from './csv-records.ts';
import { TABLE_TITLES } from './table-titles.ts';
import type { TicketFormat } from './ticket-format.ts';
import { collectTickets } from './to-ticket.ts';

/** A table with a line of titles, by the person's mapping or titles that say what they are. */
export const csv: TicketFormat = {
  name: 'csv',
  title: 'CSV with a line of titles (--map FIELD=COLUMN)',
  detect: ({ name, text }) =>
    /\.(?:csv|tsv)$/i.test(name) || titlesOf(text).filter((t) => TABLE_TITLES.id?.includes(t)).length > 0,
  read(file, options) {
    const { records, problems } = readCsvTickets(file, TABLE_TITLES, options.mapping);
    return collectTickets(file.source, records, options, problems);
  },
};

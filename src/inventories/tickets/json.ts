import { plainTitle } from './csv-records.ts';
import { jsonTicket, readJsonRecords } from './json-records.ts';
import { TABLE_TITLES } from './table-titles.ts';
import { TICKET_FIELDS, type TicketField, type TicketFormat } from './ticket-format.ts';
import { collectTickets } from './to-ticket.ts';

/** A list of objects, or one under a name; `--map FIELD=PATH` where its names say something else. */
export const json: TicketFormat = {
  name: 'json',
  title: 'JSON: a list of objects (--map FIELD=PATH)',
  detect: ({ text }) => /^\uFEFF?\s*[[{]/.test(text),
  read(file, options) {
    const lists = ['tickets', 'changes', 'items', 'records', 'result', 'results', 'issues', 'data', 'values'];
    const { records, place, problems } = readJsonRecords(file, lists);
    const mapping = new Map<TicketField, readonly string[]>(options.mapping);
    const found = records.map((record, i) => {
      const keys = Object.keys(typeof record === 'object' && record !== null ? record : {}).slice(0, 1000);
      const own = new Map(mapping);
      for (const field of TICKET_FIELDS) {
        if (own.has(field)) continue;
        const key = (TABLE_TITLES[field] ?? []).flatMap((t) => keys.find((k) => plainTitle(k) === t) ?? [])[0];
        if (key !== undefined) own.set(field, [key]);
      }
      return jsonTicket(record, `${place}/${i}`, {}, own);
    });
    return collectTickets(file.source, found, options, problems);
  },
};

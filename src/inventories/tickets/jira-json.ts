import { mapOf } from '../values.ts';
import { jsonTicket, type Paths, readJsonRecords } from './json-records.ts';
import type { TicketField, TicketFormat } from './ticket-format.ts';
import { collectTickets } from './to-ticket.ts';

const PATHS: Paths = {
  id: ['key'],
  summary: ['fields.summary'],
  description: ['fields.description'],
  status: ['fields.status.name'],
  resolution: ['fields.resolution.name'],
  to: ['fields.resolutiondate'],
  created: ['fields.created'],
  requester: ['fields.reporter.displayName', 'fields.reporter.name'],
};

/** Names of own fields, as `expand=names` gives them, letters and digits alone. */
const NAMED: Readonly<Partial<Record<TicketField, readonly string[]>>> = {
  from: ['changestartdate', 'plannedstart', 'plannedstartdate'],
  to: ['changecompletiondate', 'changeenddate', 'plannedend', 'plannedenddate'],
  approval: ['approval', 'approvalstatus'],
  approver: ['approvers', 'approver'],
  host: ['host', 'hosts', 'server', 'servers'],
  port: ['port', 'ports'],
  transport: ['protocol', 'transport'],
  action: ['action'],
};

/** `GET /rest/api/2/search` or 3 (`issues`), of Jira Cloud or Data Center; with `expand=names` own fields are found. */
export const jiraJson: TicketFormat = {
  name: 'jira-json',
  title: 'Jira (JSON of its REST search)',
  detect: ({ text }) => /"issues"\s*:\s*\[/.test(text) && /"fields"\s*:/.test(text),
  read(file, options) {
    const { records, place, document, problems } = readJsonRecords(file, ['issues', 'values']);
    const paths = { ...PATHS, ...ownPaths(mapOf(document.names)) };
    const tickets = records.map((record, i) => jsonTicket(record, `${place}/${i}`, paths, options.mapping));
    const reading = collectTickets(file.source, tickets, options, problems);
    return typeof document.total === 'number' ? { ...reading, total: document.total } : reading;
  },
};

/** Paths of own fields by the names that people gave them; before the common ones. */
function ownPaths(names: Readonly<Record<string, unknown>>): Paths {
  const found: Partial<Record<TicketField, readonly string[]>> = {};
  for (const [key, name] of Object.entries(names)) {
    if (!/^customfield_\d{1,10}$/.test(key) || typeof name !== 'string') continue;
    const plain = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
    for (const [field, known] of Object.entries(NAMED) as [TicketField, readonly string[]][])
      if (known.includes(plain)) found[field] = [`fields.${key}`, ...(found[field] ?? PATHS[field] ?? [])];
  }
  return found;
}

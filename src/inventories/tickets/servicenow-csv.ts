import { readCsvTickets, type Titles, titlesOf } from './csv-records.ts';
import type { TicketFormat } from './ticket-format.ts';
import { collectTickets } from './to-ticket.ts';

/** Names of the fields of change_request, and their English labels. Times are the exporting user's. */
const TITLES: Titles = {
  id: ['number'],
  summary: ['shortdescription'],
  description: ['description', 'implementationplan'],
  status: ['state'],
  resolution: ['closecode'],
  approval: ['approval'],
  from: ['startdate', 'plannedstartdate', 'workstart', 'actualstart', 'actualstartdate'],
  to: ['enddate', 'plannedenddate', 'workend', 'actualend', 'actualenddate'],
  created: ['syscreatedon', 'created', 'openedat', 'opened'],
  requester: ['requestedby', 'openedby'],
  approver: ['approvedby', 'uapprovedby', 'approver'],
  host: ['cmdbci', 'configurationitem'],
  port: ['uport', 'uports', 'port', 'ports'],
  transport: ['uprotocol', 'protocol', 'transport'],
  action: ['uaction', 'action'],
};

/** A list of change_request, exported as CSV. */
export const servicenowCsv: TicketFormat = {
  name: 'servicenow-csv',
  title: 'ServiceNow change requests (CSV of a list)',
  detect: ({ text }) => {
    const titles = titlesOf(text);
    return titles.includes('number') && titles.includes('shortdescription');
  },
  read(file, options) {
    const { records, problems } = readCsvTickets(file, TITLES, options.mapping);
    return collectTickets(file.source, records, options, problems);
  },
};

import { readCsvTickets, type Titles, titlesOf } from './csv-records.ts';
import type { TicketFormat } from './ticket-format.ts';
import { collectTickets } from './to-ticket.ts';

/** Titles of Jira's CSV export; its own fields as `Custom field (Planned start)`. Times are the exporting user's. */
const TITLES: Titles = {
  id: ['issuekey', 'key'],
  summary: ['summary'],
  description: ['description'],
  status: ['status'],
  resolution: ['resolution'],
  approval: ['customfieldapproval', 'customfieldapprovalstatus'],
  from: [
    'customfieldchangestartdate',
    'customfieldplannedstart',
    'customfieldplannedstartdate',
    'customfieldstartdate',
  ],
  to: [
    'customfieldchangecompletiondate',
    'customfieldchangeenddate',
    'customfieldplannedend',
    'customfieldplannedenddate',
    'customfieldenddate',
    'resolved',
  ],
  created: ['created'],
  requester: ['reporter', 'creator'],
  approver: ['customfieldapprovers', 'customfieldapprover'],
  host: ['customfieldhost', 'customfieldhosts', 'customfieldserver', 'customfieldservers'],
  port: ['customfieldport', 'customfieldports'],
  transport: ['customfieldprotocol', 'customfieldtransport'],
  action: ['customfieldaction'],
};

export const jiraCsv: TicketFormat = {
  name: 'jira-csv',
  title: 'Jira (CSV of an issue search)',
  detect: ({ text }) => {
    const titles = titlesOf(text);
    return titles.includes('issuekey') && titles.includes('summary');
  },
  read(file, options) {
    const { records, problems } = readCsvTickets(file, TITLES, options.mapping);
    return collectTickets(file.source, records, options, problems);
  },
};

import { csv } from './csv.ts';
import { jiraCsv } from './jira-csv.ts';
import { jiraJson } from './jira-json.ts';
import { json } from './json.ts';
import { servicenowCsv } from './servicenow-csv.ts';
import { servicenowJson } from './servicenow-json.ts';
import type { TicketFormat } from './ticket-format.ts';

/** Every format of ticket exports, by hand: the most particular first. */
export const ticketFormats: readonly TicketFormat[] = [jiraJson, servicenowJson, jiraCsv, servicenowCsv, json, csv];

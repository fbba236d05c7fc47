import { mapOf } from '../values.ts';
import { jsonTicket, type Paths, readJsonRecords } from './json-records.ts';
import type { TicketField, TicketFormat } from './ticket-format.ts';
import { collectTickets, type WrittenTicket } from './to-ticket.ts';

const PATHS: Paths = {
  id: ['number'],
  summary: ['short_description'],
  description: ['description', 'implementation_plan'],
  status: ['state'],
  resolution: ['close_code'],
  approval: ['approval'],
  from: ['start_date', 'work_start'],
  to: ['end_date', 'work_end'],
  created: ['sys_created_on', 'opened_at'],
  requester: ['requested_by', 'opened_by'],
  host: ['cmdb_ci'],
  port: ['u_port', 'u_ports'],
  transport: ['u_protocol'],
  action: ['u_action'],
};

/** Values of `state` of change_request as the table holds them. */
const STATES: Readonly<Record<string, string>> = {
  ...{ '-5': 'New', '-4': 'Assess', '-3': 'Authorize', '-2': 'Scheduled', '-1': 'Implement' },
  ...{ '0': 'Review', '3': 'Closed', '4': 'Canceled' },
};
const TIMES: readonly TicketField[] = ['from', 'to', 'created'];

/**
 * `GET /api/now/table/change_request` (`result`), or a list exported as JSON (`records`). With sysparm_display_value=all a
 * field is `{value, display_value}`. The table's own values are in UTC; what is displayed is in the user's time zone.
 */
export const servicenowJson: TicketFormat = {
  name: 'servicenow-json',
  title: 'ServiceNow change requests (JSON of the table API)',
  detect: ({ text }) =>
    /"(?:result|records)"\s*:\s*\[/.test(text) && /"number"\s*:/.test(text) && /"short_description"\s*:/.test(text),
  read(file, options) {
    const { records, place, problems } = readJsonRecords(file, ['result', 'records']);
    const tickets = records.map((record, i) => servicenowTicket(record, `${place}/${i}`, options.mapping));
    return collectTickets(file.source, tickets, options, problems);
  },
};

function servicenowTicket(
  record: unknown,
  at: string,
  mapping: ReadonlyMap<TicketField, readonly string[]>,
): WrittenTicket {
  const plain = jsonTicket(record, at, PATHS, mapping);
  const map = mapOf(record);
  const state = map.state;
  // A number for a state shows that the table's own values were asked for.
  const isRaw = typeof mapOf(state).value === 'string' || /^-?\d$/.test(typeof state === 'string' ? state.trim() : '');
  const raw = (field: TicketField): readonly string[] => {
    for (const path of mapping.get(field) ?? PATHS[field] ?? []) {
      const value = mapOf(map[path]).value;
      if (typeof value === 'string' && value.trim() !== '') return [value];
    }
    return plain.values(field);
  };
  return {
    at,
    ...(isRaw && { timeZone: 'UTC' }),
    values(field) {
      if (TIMES.includes(field)) return raw(field);
      if (field !== 'status') return plain.values(field).map((text) => (/^[0-9a-f]{32}$/.test(text) ? '' : text));
      return plain.values(field).map((text) => STATES[text.trim()] ?? text);
    },
  };
}

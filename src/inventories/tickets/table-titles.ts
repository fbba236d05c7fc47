import type { Titles } from './csv-records.ts';

/** Titles that are understood without a mapping. */
export const TABLE_TITLES: Titles = {
  id: ['id', 'ticket', 'ticketid', 'change', 'changeid', 'changenumber', 'number', 'key'],
  summary: ['summary', 'title', 'subject', 'shortdescription'],
  description: ['description', 'details'],
  status: ['status', 'state'],
  resolution: ['resolution', 'outcome'],
  approval: ['approval', 'approvalstatus'],
  from: ['from', 'start', 'starttime', 'startdate', 'plannedstart', 'windowstart', 'begin'],
  to: ['to', 'end', 'endtime', 'enddate', 'plannedend', 'windowend'],
  created: ['created', 'createdat', 'opened'],
  requester: ['requester', 'requestedby', 'reporter'],
  approver: ['approver', 'approvedby'],
  host: ['host', 'hosts', 'hostname', 'server', 'servers', 'ci', 'address', 'ip'],
  port: ['port', 'ports'],
  transport: ['transport', 'protocol'],
  action: ['action', 'kind', 'changetype'],
};

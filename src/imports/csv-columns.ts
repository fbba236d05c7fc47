import { UserError } from '../model/errors.ts';
import { delimiterOf, splitRow } from './csv-rows.ts';
import type { ImportHead, ImportOptions } from './import-format.ts';

/** What a column of a CSV may be. */
export const CSV_FIELDS = [
  'host',
  'address',
  'port',
  'transport',
  'state',
  'time',
  'name',
  'service',
  'product',
  'version',
  'process',
  'pid',
  'user',
  'exe',
] as const;
export type CsvField = (typeof CSV_FIELDS)[number];

/** Names of columns that tools use, in lower case without what is not a letter or digit; the first that is there counts. */
const KNOWN: Readonly<Record<CsvField, readonly string[]>> = {
  host: [
    'host',
    'hostname',
    'computername',
    'pscomputername',
    'computer',
    'machine',
    'server',
    'node',
    'device',
    'asset',
  ],
  address: [
    'localaddress',
    'localip',
    'bindaddress',
    'listenaddress',
    'bind',
    'ip',
    'ipaddress',
    'ipaddr',
    'ipv4',
    'address',
  ],
  port: ['port', 'localport', 'portid', 'portnumber', 'listenport', 'openport', 'dstport', 'destinationport'],
  transport: ['transport', 'protocol', 'proto', 'l4proto', 'ipprotocol'],
  state: ['state', 'status', 'portstate'],
  time: ['time', 'timestamp', 'observedat', 'seenat', 'scantime', 'lastseen', 'date'],
  name: ['dnsname', 'fqdn', 'rdns', 'ptr', 'domain', 'hostname'],
  service: ['service', 'servicename', 'application'],
  product: ['product', 'software'],
  version: ['version', 'productversion'],
  process: ['process', 'processname', 'program', 'image', 'comm', 'command'],
  pid: ['pid', 'processid', 'owningprocess'],
  user: ['user', 'username', 'account'],
  exe: ['exe', 'executable', 'processpath', 'imagepath', 'path'],
};

/** Columns that only a listing of the host's own sockets has. */
const INSIDE = new Set([...KNOWN.process, ...KNOWN.pid, ...KNOWN.address.slice(0, 5), 'localport', 'listenport']);

/** Where the fields of a row are. A constant stands for every row. */
export type CsvColumns = ReadonlyMap<CsvField, { readonly column: string } | { readonly constant: string }>;

function plain(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** Columns of the first line of a file, where it may be the head of a CSV; else none. */
function headOf({ text }: ImportHead): readonly string[] {
  const line = text.split(/\r?\n/).find((l) => l.trim() !== '' && !l.startsWith('#')) ?? '';
  if (line.length > 8192 || /[{}<>]/.test(line)) return [];
  return (splitRow(line, delimiterOf(line)) ?? []).map(plain);
}

/** What a file looks like by its head: `inside` (the host's own sockets), `outside` (what a scan found), or no CSV of ports. */
export function csvKind(head: ImportHead): 'inside' | 'outside' | null {
  const columns = headOf(head);
  const has = (field: CsvField) => KNOWN[field].some((name) => columns.includes(name));
  if (!has('port') || !(has('host') || has('address') || columns.some((c) => INSIDE.has(c)))) return null;
  return columns.some((column) => INSIDE.has(column)) || !has('address') ? 'inside' : 'outside';
}

/**
 * Finds the columns of the fields: those that the person named, then the usual names. Throws UserError on a field or column
 * that is not there, and where one that is needed is not found.
 */
export function csvColumns(
  head: readonly string[],
  { source, mapping }: ImportOptions,
  needed: readonly CsvField[],
): CsvColumns {
  const columns = new Map<CsvField, { column: string } | { constant: string }>();
  for (const [field, column] of mapping) {
    if (!isField(field))
      throw new UserError(`--map ${field}=${column}: there is no field "${field}"`, {
        hint: `Fields: ${CSV_FIELDS.join(', ')}`,
      });
    if (column.startsWith('=')) columns.set(field, { constant: column.slice(1) });
    else if (head.includes(column)) columns.set(field, { column });
    else throw new UserError(`${source} has no column "${column}"`, { hint: `Columns: ${head.join(', ')}` });
  }
  for (const field of CSV_FIELDS) {
    const name = KNOWN[field].find((known) => head.some((column) => plain(column) === known));
    const column = head.find((c) => plain(c) === name);
    if (!columns.has(field) && name !== undefined && column !== undefined) columns.set(field, { column });
  }
  const missing = needed.find((field) => !columns.has(field));
  if (missing !== undefined)
    throw new UserError(`${source} has no column that is known to hold the ${missing}`, {
      hint: `Name it with --map ${missing}=COLUMN, or give every row the same with --map ${missing}==VALUE. Columns: ${head.join(', ')}`,
    });
  return columns;
}

function isField(name: string): name is CsvField {
  return (CSV_FIELDS as readonly string[]).includes(name);
}

/** The text of a field in a row, without blanks around it; empty where there is none. */
export function csvValue(columns: CsvColumns, row: ReadonlyMap<string, string>, field: CsvField): string {
  const at = columns.get(field);
  if (!at) return '';
  return 'constant' in at ? at.constant : (row.get(at.column) ?? '').trim();
}

/** UTC milliseconds of ISO 8601 (without a zone it is UTC) or of seconds since 1970; null for any other text. */
export function csvTime(text: string): number | null {
  if (/^\d{9,10}$/.test(text)) return Number(text) * 1000;
  if (!/^\d{4}-\d{2}-\d{2}/.test(text)) return null;
  const hasZone = text.length === 10 || /(?:Z|[+-]\d{2}:?\d{2})$/.test(text);
  const time = Date.parse(hasZone ? text : `${text.replace(' ', 'T')}Z`);
  return Number.isNaN(time) ? null : time;
}

/** Port and transport of `443` and a transport, or of `443/tcp`; null where they cannot be read. */
export function csvPort(
  text: string,
  transportText: string,
): { readonly port: number; readonly transport: string } | null {
  const found = /^(\d{1,5})(?:\/([a-z0-9]+))?$/i.exec(text);
  if (!found || Number(found[1]) > 65_535) return null;
  const transport = (transportText || found[2] || '').toLowerCase();
  return { port: Number(found[1]), transport: /^(?:tcp|udp)[46]$/.test(transport) ? transport.slice(0, 3) : transport };
}

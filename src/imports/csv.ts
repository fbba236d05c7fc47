import { UserError } from '../model/errors.ts';
import type { ProcessFacts } from '../model/listener.ts';
import { compareText } from '../util/compare.ts';
import { type CsvColumns, type CsvField, csvColumns, csvKind, csvPort, csvTime, csvValue } from './csv-columns.ts';
import { csvRecords } from './csv-rows.ts';
import type { ImportFormat, ImportOptions, ImportProblem } from './import-format.ts';
import { transportOf } from './port-text.ts';
import { readSocketAddress } from './socket-address.ts';
import { type ListingBuilder, newListing, type SocketRow } from './socket-listing.ts';

/** Sockets of all hosts; more are no inventory that a person keeps in a CSV. */
const MAX_ROWS = 500_000;
/** States of a socket that waits (RFC 9293, netstat, PowerShell); UDP has none. */
const WAITING = new Set(['', 'listen', 'listening', 'open', 'bound', 'unconn']);
const IN_USE = /^(?:established|closewait|timewait|synsent|synreceived|finwait[12]?|lastack|closing|close|closed)$/;

/**
 * A CSV of listening sockets: a row for each. Only what it names is covered, unless the person says that it is complete:
 * then every port of the transports that it names is, on the hosts that it names.
 */
export const csv: ImportFormat = {
  name: 'csv',
  title: 'CSV of listening sockets (host, port, transport; --map)',
  detect: (head) => csvKind(head) === 'inside',
  async *read(input, options) {
    let columns: CsvColumns | undefined;
    const hosts = new Map<string, { at: number | null; readonly rows: CsvRow[] }>();
    let count = 0;
    let isBroken = false;
    const report = (problem: ImportProblem) => {
      isBroken = true;
      options.report(problem);
    };
    for await (const { fields, line } of csvRecords(input, report)) {
      columns ??= csvColumns([...fields.keys()], options, options.host === null ? ['host', 'port'] : ['port']);
      if (++count > MAX_ROWS)
        throw new UserError(`${options.source} has more than ${MAX_ROWS} rows`, { hint: 'Import it in parts.' });
      const row = readRow(columns, fields, options);
      if (typeof row === 'string') report({ line, column: 1, message: row });
      else if (row) {
        const host = hosts.get(row.host) ?? { at: row.at, rows: [] };
        hosts.set(row.host, host);
        if (row.at !== null) host.at = Math.min(host.at ?? row.at, row.at);
        host.rows.push(row.socket);
      }
    }
    const transports = new Set([...hosts.values()].flatMap(({ rows }) => rows.map((row) => row.transport)));
    for (const [name, { at, rows }] of [...hosts].sort(([a], [b]) => compareText(a, b))) {
      const listing: ListingBuilder = newListing(
        { format: 'csv', host: { name, addresses: [], tags: [] }, observedAt: at ?? options.observedAt },
        options.report,
      );
      for (const row of rows) listing.add(row);
      const open = rows.filter((row) => !row.hasAddress).length;
      if (open > 0)
        listing.gap({
          code: 'address-unknown',
          subject: name,
          message: `The CSV gives ${open} of ${rows.length} sockets of ${name} without an address: they count as listening on every one.`,
          remedy: 'Add the column of the local address, or name it with --map address=COLUMN.',
        });
      // A row that could not be read may be of any host: what is missing is not closed then.
      const isComplete = options.isComplete === true && !isBroken;
      if (isComplete) for (const transport of transports) listing.listed(transport);
      yield listing.finish({ partial: !isComplete });
    }
  },
};

interface CsvSocket {
  readonly host: string;
  readonly at: number | null;
  readonly socket: CsvRow;
}

type CsvRow = SocketRow & { readonly hasAddress: boolean };

/** Returns the socket of a row, null where it does not wait, or what is wrong with it. */
function readRow(
  columns: CsvColumns,
  row: ReadonlyMap<string, string>,
  options: ImportOptions,
): CsvSocket | string | null {
  const value = (name: CsvField) => csvValue(columns, row, name);
  const host = value('host') || options.host || '';
  if (!/^[^\p{C}\s]{1,253}$/u.test(host)) return 'the host is missing; --host names it';
  const state = value('state')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '');
  if (IN_USE.test(state)) return null;
  if (!WAITING.has(state)) return `"${value('state').slice(0, 20)}" is no state of a socket that is known here`;
  const read = csvPort(value('port'), value('transport'));
  if (!read || read.port === 0) return `"${value('port').slice(0, 60)}" is no port`;
  const transport = transportOf(read.transport || (columns.has('state') && state.startsWith('listen') ? 'tcp' : ''));
  if (!transport)
    return read.transport === ''
      ? 'the transport is missing; give every row the same with --map transport==tcp'
      : `"${read.transport.slice(0, 20)}" is no transport; expected tcp, udp or sctp`;
  // Without an address the socket may wait on any; a narrower one would be guessed.
  const address =
    readSocketAddress(value('address') || '::', null) ??
    (value('address') === '*' ? readSocketAddress('::', null) : null);
  if (!address) return `"${value('address').slice(0, 60)}" is no address`;
  const at = csvTime(value('time'));
  if (at === null && value('time') !== '') return `"${value('time').slice(0, 40)}" is no time; expected ISO 8601`;
  return {
    host,
    at,
    socket: { transport, port: read.port, ...address, ...ownerOf(value), hasAddress: value('address') !== '' },
  };
}

function ownerOf(value: (name: CsvField) => string): Pick<SocketRow, 'processes' | 'user'> {
  const [pid, name, exe, user] = [value('pid'), value('process'), value('exe'), value('user')];
  const owner = user === '' ? {} : { user };
  if (!/^[1-9]\d{0,9}$/.test(pid)) return { processes: [], ...owner };
  const facts: ProcessFacts = { pid: Number(pid), ...(name && { name }), ...(exe && { exe }), ...owner };
  return { processes: [facts], ...owner };
}

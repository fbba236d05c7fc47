import { field } from '../collectors/network/identify-text.ts';
import { type CsvColumns, csvColumns, csvKind, csvPort, csvTime, csvValue } from './csv-columns.ts';
import { csvRecords } from './csv-rows.ts';
import type { ImportFormat } from './import-format.ts';
import { canonicalAddress } from './outside.ts';
import { transportOf } from './port-text.ts';
import { newScanFold, type SeenPort } from './scan-fold.ts';

const STATES: Readonly<Record<string, SeenPort['state']>> = {
  '': 'open',
  open: 'open',
  closed: 'closed',
  filtered: 'filtered',
  unreachable: 'unreachable',
  'open|filtered': 'open|filtered',
};

/** A CSV of what a scan found: a row for each port of an address. Ports that it does not name are not covered. */
export const csvScan: ImportFormat = {
  name: 'csv-scan',
  title: 'CSV of a scan (address, port, transport; --map)',
  detect: (head) => csvKind(head) === 'outside',
  async *read(input, options) {
    const fold = newScanFold('csv-scan', 'user', () => options.observedAt);
    let columns: CsvColumns | undefined;
    for await (const { fields, line } of csvRecords(input, options.report)) {
      columns ??= csvColumns([...fields.keys()], options, ['address', 'port']);
      const seen = seenPort(columns, fields);
      if (typeof seen === 'string') options.report({ line, column: 1, message: seen });
      else yield* fold.add(seen);
    }
    yield* fold.end();
  },
};

/** Returns what a row says, or what is wrong with it. */
function seenPort(columns: CsvColumns, row: ReadonlyMap<string, string>): SeenPort | string {
  const value = (name: Parameters<typeof csvValue>[2]) => csvValue(columns, row, name);
  const address = canonicalAddress(value('address'));
  if (address === null) return `"${value('address').slice(0, 60)}" is no address`;
  const read = csvPort(value('port'), value('transport'));
  if (!read) return `"${value('port').slice(0, 60)}" is no port`;
  const transport = transportOf(read.transport);
  if (!transport)
    return read.transport === ''
      ? 'the transport is missing; give every row the same with --map transport==tcp'
      : `"${read.transport.slice(0, 20)}" is no transport; expected tcp, udp or sctp`;
  const state = STATES[value('state').toLowerCase()];
  if (!state)
    return `"${value('state').slice(0, 20)}" is no state; expected ${Object.keys(STATES).filter(Boolean).join(', ')}`;
  const at = csvTime(value('time'));
  if (at === null && value('time') !== '') return `"${value('time').slice(0, 40)}" is no time; expected ISO 8601`;
  const answer = {
    ...field('product', value('product')),
    ...field('service', value('service')),
    ...field('version', value('version')),
  };
  const name = value('name') || value('host');
  return {
    address,
    transport,
    port: read.port,
    state,
    at,
    ...(/^[\x21-\x7e]{1,253}$/.test(name) && canonicalAddress(name) === null && { name }),
    ...(Object.keys(answer).length > 0 && { answer: { ...answer, by: 'csv' } }),
  };
}

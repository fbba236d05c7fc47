import { HOST_SCOPE, type Scope } from '../model/endpoint.ts';
import type { HostFacts, UnnamedObservation } from '../model/observation.ts';
import type { ImportFormat, ImportHead, ImportOptions } from './import-format.ts';
import { readJson } from './json.ts';
import { asArray, asObject, secondsToMs, textOf } from './json-fields.ts';
import { newDifferences } from './osquery-differences.ts';
import { type OsqueryRow, readOsqueryRow, rowOf } from './osquery-row.ts';
import { newListing } from './socket-listing.ts';
import { namedHost } from './text-listing.ts';

/**
 * The table `listening_ports` of osquery: lines of its results log (snapshot, differential, batch), or rows as
 * `osqueryi --json` prints them. https://osquery.readthedocs.io/en/stable/deployment/logging/
 */
export const osquery: ImportFormat = {
  name: 'osquery',
  title: 'osquery listening_ports (osqueryi --json, results log)',
  detect,
  read,
};

function detect({ text }: ImportHead): boolean {
  if (!/^\s*[[{]/.test(text) || !/"port"\s*:/.test(text) || !/"protocol"\s*:/.test(text)) return false;
  return /"(?:hostIdentifier|snapshot|diffResults|columns|net_namespace|fd|socket|family)"\s*:/.test(text);
}

async function* read(input: AsyncIterable<Uint8Array>, options: ImportOptions): AsyncGenerator<UnnamedObservation> {
  let isBroken = false;
  const report: ImportOptions['report'] = (problem) => {
    isBroken = true;
    options.report(problem);
  };
  const bare: OsqueryRow[] = [];
  const differences = newDifferences();
  const snapshotQueries = new Map<string, string>();
  for await (const { value, line, column, number, isCut } of readJson(input, { report })) {
    const at = { line, column, place: `record ${number}` };
    const record = asObject(value);
    const rows = record && asArray(record.snapshot);
    if (record && rows) {
      yield* differences.flush();
      const host = hostOf(record, options);
      const query = textOf(record.name) ?? '';
      const [read, isWhole] = readRows(rows, at, report);
      if (read.length === 0) continue; // another query, or nothing that listens: it does not say which
      const first = snapshotQueries.get(host.name) ?? query;
      snapshotQueries.set(host.name, first);
      yield observe(host, timeOf(record, options), read, isWhole && !isCut && first === query, report);
    } else if (record && isDifference(record)) {
      const [added, removed] = differenceOf(record).map((list) => readRows(list, at, report)[0]);
      const query = textOf(record.name) ?? '';
      const entry = {
        host: hostOf(record, options),
        query,
        at: timeOf(record, options),
        isFirst: record.counter === 0,
      };
      if (added?.length || removed?.length)
        yield* differences.add({ ...entry, added: added ?? [], removed: removed ?? [] });
    } else {
      const [one] = readRows([value], at, report)[0];
      if (one) bare.push(one);
    }
  }
  yield* differences.flush();
  if (bare.length > 0) yield observe(namedHost(options, 'osquery'), options.observedAt, bare, !isBroken, report);
}

/** Rows of the table; false: one of them could not be read. Rows of other queries and of other sockets are passed over. */
function readRows(
  rows: readonly unknown[],
  at: { readonly line: number; readonly place: string },
  report: ImportOptions['report'],
): readonly [readonly OsqueryRow[], boolean] {
  const found: OsqueryRow[] = [];
  let isWhole = true;
  for (const [i, row] of rows.entries()) {
    const read = readOsqueryRow(row);
    if (read.kind === 'row') found.push(read.row);
    else if (read.kind === 'problem') {
      isWhole = false;
      report({ ...at, place: rows.length > 1 ? `${at.place}, row ${i + 1}` : at.place, message: read.message });
    }
  }
  return [found, isWhole];
}

function isDifference(record: Readonly<Record<string, unknown>>): boolean {
  return (
    asObject(record.diffResults) !== null || (asObject(record.columns) !== null && typeof record.action === 'string')
  );
}

/** Rows that were added, and rows that were removed. */
function differenceOf(record: Readonly<Record<string, unknown>>): readonly (readonly unknown[])[] {
  const batch = asObject(record.diffResults);
  if (batch) return [asArray(batch.added) ?? [], asArray(batch.removed) ?? []];
  return record.action === 'removed'
    ? [[], [record.columns]]
    : record.action === 'added'
      ? [[record.columns], []]
      : [[], []];
}

/** The host says its name in the decorations, or by hostIdentifier, which may be set to a UUID. */
function hostOf(record: Readonly<Record<string, unknown>>, options: ImportOptions): HostFacts {
  const identifier = textOf(record.hostIdentifier);
  const hostname = textOf(asObject(record.decorations)?.hostname) ?? textOf(record.hostname);
  const isUuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(identifier ?? '');
  const name = hostname ?? (isUuid ? options.host : null) ?? identifier;
  return name === undefined ? namedHost(options, 'osquery') : { name, addresses: [], tags: [] };
}

function timeOf(record: Readonly<Record<string, unknown>>, options: ImportOptions): number {
  return secondsToMs(record.unixTime) ?? options.observedAt;
}

function observe(
  host: HostFacts,
  observedAt: number,
  rows: readonly OsqueryRow[],
  isWhole: boolean,
  report: ImportOptions['report'],
): UnnamedObservation {
  const listing = newListing({ format: 'osquery', host, observedAt }, report);
  const scopeOf = scopesOf(rows);
  if (rows.some((row) => scopeOf(row) !== HOST_SCOPE)) {
    listing.gap({
      code: 'netns-unnamed',
      subject: 'net_namespace',
      message:
        'Sockets of several network namespaces are listed by number; which is the host and which a container is not said.',
      remedy: 'Select the host: WHERE net_namespace = (SELECT net_namespace FROM process_namespaces WHERE pid = 1)',
    });
  }
  for (const row of rows) {
    listing.listed(row.transport);
    listing.add(rowOf(row, scopeOf(row)));
  }
  // The table has every namespace that a process lives in, so one that is gone is closed too.
  const hasNamespaces = rows.some((row) => row.namespace !== undefined);
  return listing.finish({ partial: !isWhole, ...(hasNamespaces && { scopes: ['unknown'] }) });
}

/** One namespace is the host's, and of several the one of process 1; which the others are cannot be told. */
export function scopesOf(rows: readonly OsqueryRow[]): (row: OsqueryRow) => Scope {
  const all = new Set(rows.flatMap((row) => row.namespace ?? []));
  const own = all.size === 1 ? [...all][0] : rows.find((row) => row.process?.pid === 1)?.namespace;
  return (row) => (row.namespace === undefined || row.namespace === own ? HOST_SCOPE : 'unknown');
}

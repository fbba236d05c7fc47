import { parse } from 'csv-parse/sync';
import { UserError } from '../model/errors.ts';
import { cut, isInactive, problemList, toAsset, type WrittenAsset } from './asset-fields.ts';
import {
  ASSET_FIELDS,
  type AssetField,
  type AssetFile,
  type AssetFormat,
  type AssetOptions,
  type AssetReading,
  MAX_ASSETS,
  type ReadAsset,
} from './asset-format.ts';

/** Longest record, characters: past it the quotes of the file are broken. */
const LONGEST_RECORD = 1_000_000;

/** Titles that are understood without a mapping, by letters and digits alone; the first columns come first. */
const TITLES: Readonly<Record<AssetField, readonly string[]>> = {
  id: ['id', 'assetid', 'ciid', 'sysid', 'uuid', 'assettag'],
  name: [
    ...['name', 'hostname', 'host', 'server', 'servername', 'computername', 'devicename', 'device', 'assetname'],
    ...['asset', 'ciname', 'ci', 'vmname', 'vm', 'machine', 'node'],
  ],
  names: ['fqdn', 'dnsname', 'dns', 'aliases', 'alias', 'names'],
  addresses: [
    ...['addresses', 'address', 'ipaddresses', 'ipaddress', 'ip', 'ips', 'ipv4', 'ipv6', 'ipv4address', 'ipv6address'],
    ...['primaryip', 'primaryip4', 'primaryip6', 'managementip', 'mgmtip', 'privateip', 'publicip'],
  ],
  zone: ['zone', 'networkzone', 'securityzone', 'segment', 'site', 'location'],
  environment: ['environment', 'env', 'stage', 'usedfor'],
  criticality: ['criticality', 'businesscriticality', 'critical'],
  owner: ['owner', 'ownedby', 'team', 'technicalowner', 'serviceowner', 'managedby', 'supportgroup'],
  tags: ['tags', 'tag', 'labels', 'role'],
  status: ['status', 'state', 'lifecycle', 'lifecyclestatus', 'installstatus', 'operationalstatus'],
};

/**
 * A table of assets with a line of titles: comma, semicolon or tab between the columns. Rows of one id (or name, without an
 * id) are one asset with several addresses.
 */
export const csv: AssetFormat = {
  name: 'csv',
  title: 'CSV with a line of titles',
  detect: ({ name, text }) => {
    if (/\.(csv|tsv)$/i.test(name)) return true;
    const first = /^\uFEFF?(.*)/.exec(text)?.[1] ?? '';
    const titles = first.split(delimiterOf(first)).map(plain);
    return titles.length > 1 && (['name', 'addresses'] as const).some((f) => titles.some((t) => TITLES[f].includes(t)));
  },
  read(files, options): AssetReading {
    const { problems, report } = problemList();
    const assets = new Map<string, ReadAsset>();
    for (const file of files) {
      const rows = new Map<string, JoinedRow>();
      const problem = (message: string, line: number) => report({ source: file.source, message, line });
      for (const { row, line } of readRows(file, options, problem)) {
        const key = row.id || row.name?.trim().toLowerCase() || row.addresses.find((text) => text?.trim()) || '';
        if (key === '') {
          problem('has neither a name nor an address', line);
          continue;
        }
        const id = files.length > 1 ? `${file.source}#${key}` : key;
        const before = rows.get(id);
        if (rows.size >= MAX_ASSETS && !before) {
          problem(`has more than ${MAX_ASSETS} assets; the rest is not read`, line);
          break;
        }
        rows.set(id, before ? joinRows(before, row) : { ...row, ...copyLists(row), id, at: `line ${line}` });
      }
      for (const [id, row] of rows) {
        const line = Number(row.at?.slice('line '.length));
        const asset = toAsset(row, (message) => problem(message, line));
        if (asset) assets.set(id, asset);
        else problem('has neither a name nor an address that can be read', line);
      }
    }
    const sorted = problems.toSorted((a, b) => (a.source === b.source ? (a.line ?? 0) - (b.line ?? 0) : 0));
    return { assets: [...assets.values()], problems: sorted };
  },
};

/** Rows of one asset, put together. */
interface JoinedRow extends WrittenAsset {
  readonly names: (string | undefined)[];
  readonly addresses: (string | undefined)[];
  readonly tags: (string | undefined)[];
}

function copyLists({
  names = [],
  addresses,
  tags = [],
}: WrittenAsset): Pick<JoinedRow, 'names' | 'addresses' | 'tags'> {
  return { names: [...names], addresses: [...addresses], tags: [...tags] };
}

/** What the first row of an asset does not say, a later one may. Its lists grow in place: there may be many rows of one. */
function joinRows(a: JoinedRow, b: WrittenAsset): JoinedRow {
  a.names.push(...(b.names ?? []), b.name);
  a.addresses.push(...b.addresses);
  a.tags.push(...(b.tags ?? []));
  return {
    ...a,
    zone: a.zone || b.zone,
    environment: a.environment || b.environment,
    criticality: a.criticality || b.criticality,
    owner: a.owner || b.owner,
    inactive: (a.inactive ?? false) && (b.inactive ?? false),
  };
}

function* readRows(
  { source, text }: AssetFile,
  { mapping }: AssetOptions,
  report: (message: string, line: number) => void,
): Iterable<{ row: WrittenAsset; line: number }> {
  let columns: ReadonlyMap<AssetField, readonly number[]> | null = null;
  let width = 0;
  const first = /^\uFEFF?[^\n]*/.exec(text)?.[0] ?? '';
  const records = parse(text, {
    bom: true,
    delimiter: delimiterOf(first),
    info: true,
    max_record_size: LONGEST_RECORD,
    relax_column_count: true,
    skip_empty_lines: true,
    skip_records_with_empty_values: true,
    skip_records_with_error: true,
    on_skip: (error) => {
      const { lines = 1 } = (error ?? {}) as { lines?: number };
      report(`could not be read: ${(error?.message ?? 'no CSV').split(/[:,] (?=at|got|near)/)[0]}`, lines);
      return undefined;
    },
  }) as unknown as readonly { record: string[]; info: { lines: number } }[];
  for (const { record, info } of records) {
    if (columns === null) {
      columns = columnsOf(record, mapping, source);
      width = record.length;
      continue;
    }
    if (record.length !== width) report(`has ${record.length} columns where the titles are ${width}`, info.lines);
    const of = (field: AssetField) => (columns?.get(field) ?? []).map((i) => record[i]);
    const one = (field: AssetField) => of(field).find((cell) => cell?.trim());
    const many = (field: AssetField, between: RegExp) => of(field).flatMap((cell) => cell?.split(between) ?? []);
    const row: WrittenAsset = {
      id: one('id')?.trim() ?? '',
      name: one('name'),
      names: many('names', /[,;|\s]+/),
      addresses: many('addresses', /[,;|\s]+/),
      tags: many('tags', /[,;|]+/),
      zone: one('zone'),
      environment: one('environment'),
      criticality: one('criticality'),
      owner: one('owner'),
      inactive: isInactive(one('status')),
    };
    yield { row, line: info.lines };
  }
}

/** Which columns hold what. Throws UserError where a column of the mapping is missing, or none is a name or address. */
function columnsOf(
  titles: readonly string[],
  mapping: AssetOptions['mapping'],
  source: string,
): ReadonlyMap<AssetField, readonly number[]> {
  const shown = titles.map((title) => cut(title.trim())).join(', ');
  const columns = new Map<AssetField, readonly number[]>();
  const taken = new Set<number>();
  for (const [field, names] of mapping) {
    const found = names.map((name) => {
      const exact = titles.findIndex((title) => title.trim() === name.trim());
      const i = exact >= 0 ? exact : titles.findIndex((title) => plain(title) === plain(name));
      if (i < 0) throw new UserError(`${source} has no column "${name}"`, { hint: `Its columns: ${shown}` });
      taken.add(i);
      return i;
    });
    columns.set(field, found);
  }
  for (const field of ASSET_FIELDS) {
    if (columns.has(field)) continue;
    const found = TITLES[field]
      .map((name) => titles.findIndex((title, i) => plain(title) === name && !taken.has(i)))
      .filter((i) => i >= 0);
    // A name is one column; addresses may stand in several.
    const used = field === 'names' || field === 'addresses' || field === 'tags' ? found : found.slice(0, 1);
    for (const i of used) taken.add(i);
    columns.set(field, used);
  }
  if (!columns.get('name')?.length && !columns.get('addresses')?.length && !columns.get('names')?.length)
    throw new UserError(`${source}: no column is known to be a name or an address`, {
      hint: `Say which is, as in --map name=TITLE --map addresses=TITLE. Its columns: ${shown}`,
    });
  return columns;
}

function plain(title: string): string {
  return title.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}

/** The sign that parts most columns of a line of titles. */
function delimiterOf(line: string): string {
  const counted = [',', ';', '\t'].map((sign) => ({ sign, times: line.split(sign).length }));
  return counted.reduce((best, next) => (next.times > best.times ? next : best)).sign;
}

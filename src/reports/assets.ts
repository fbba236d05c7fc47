import type { AssetStanding } from '../model/asset-match.ts';
import { count, duration } from '../util/words.ts';
import { csvFile } from './csv-text.ts';
import { printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { type Cell, type Column, paint, renderTable } from './text-table.ts';
import { isoTime } from './time.ts';

/** Returns the assets with what was observed of them, as `table`, `json` or `csv`. `now`: UTC milliseconds. */
export function renderAssets(
  standings: readonly AssetStanding[],
  now: number,
  format: string,
  options: RenderOptions,
): string {
  switch (format) {
    case 'table': {
      const sources = new Set(standings.map(({ asset }) => asset.source));
      const seen = standings.filter(({ lastObserved }) => lastObserved !== null).length;
      const head = `${count(standings.length, 'asset')} in ${count(sources.size, 'list')}, ${seen} of them observed`;
      const lines = [paint('bold', head, options.color)];
      const rows = standings.map((standing) => row(standing, now));
      if (rows.length > 0) lines.push('', ...renderTable(COLUMNS, rows, options));
      return `${lines.join('\n')}\n`;
    }
    case 'json': {
      const assets = standings.map((standing) => ({
        ...standing.asset,
        hosts: hostNames(standing),
        lastObserved: standing.lastObserved === null ? null : isoTime(standing.lastObserved),
      }));
      return `${printableJson({ schemaVersion: 1, assets }, 2)}\n`;
    }
    case 'csv':
      return csvFile(
        [
          ...['source', 'id', 'name', 'names', 'addresses', 'zone', 'environment', 'criticality', 'owner', 'tags'],
          ...['inactive', 'hosts', 'last_observed'],
        ],
        standings.map(({ asset: a, ...standing }) => [
          ...[a.source, a.id, a.name, a.names.join(' '), a.addresses.join(' '), a.zone, a.environment, a.criticality],
          ...[a.owner, a.tags.join(' '), a.inactive ? 'true' : 'false', hostNames(standing).join(' ')],
          standing.lastObserved === null ? null : isoTime(standing.lastObserved),
        ]),
      );
    default:
      throw new Error(`assets have no format ${format}`);
  }
}

const COLUMNS: readonly Column[] = [
  { title: 'asset', min: 12 },
  { title: 'addresses', min: 12, optional: true },
  { title: 'owner', optional: true },
  { title: 'environment', optional: true },
  { title: 'observed as', min: 10 },
  { title: 'last observed' },
  { title: 'list', optional: true },
];

function row(standing: AssetStanding, now: number): Cell[] {
  const { asset, lastObserved } = standing;
  const [address = '-', ...more] = asset.addresses;
  return [
    asset.inactive ? `${asset.name} (inactive)` : asset.name,
    more.length > 0 ? `${address} and ${more.length} more` : address,
    asset.owner ?? '-',
    asset.environment ?? '-',
    hostNames(standing).join(', ') || '-',
    lastObserved === null ? (asset.passive ? 'not expected' : 'never') : `${duration(now - lastObserved)} ago`,
    asset.source,
  ];
}

function hostNames({ hosts }: Pick<AssetStanding, 'hosts'>): string[] {
  return [...new Set(hosts.map((state) => state.host.name))].sort();
}

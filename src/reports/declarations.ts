import type { Declaration, DeclarationList } from '../model/declaration.ts';
import { formatPorts } from '../model/port-ranges.ts';
import { count } from '../util/words.ts';
import { csvFile } from './csv-text.ts';
import { printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { type Cell, type Column, paint, renderTable } from './text-table.ts';
import { isoTime } from './time.ts';

/** Returns what deployment files and security plans declare, as `table`, `json` or `csv`. Throws Error on another format. */
export function renderDeclarations(lists: readonly DeclarationList[], format: string, options: RenderOptions): string {
  const all = lists.flatMap((list) => list.items);
  switch (format) {
    case 'table': {
      const head = `${count(all.length, 'declared port')} in ${count(lists.length, 'file')}`;
      const lines = [paint('bold', head, options.color)];
      if (all.length > 0) lines.push('', ...renderTable(COLUMNS, all.map(row), options));
      return `${lines.join('\n')}\n`;
    }
    case 'json': {
      const sources = lists.map(({ source, importedAt, items }) => ({
        source,
        importedAt: isoTime(importedAt),
        declarations: items,
      }));
      return `${printableJson({ schemaVersion: 1, sources }, 2)}\n`;
    }
    case 'csv':
      return csvFile(
        [
          'source',
          'line',
          'format',
          'what',
          'host',
          'ports',
          'transport',
          'address',
          'reach',
          'scope',
          'service',
          'workload',
        ],
        all.map((d) => [
          ...[d.source, d.line, d.format, d.what, d.host, formatPorts(d.ports), d.transport, d.address, d.reach],
          ...[d.scope, d.service, d.workload],
        ]),
      );
    default:
      throw new Error(`declarations have no format ${format}`);
  }
}

const COLUMNS: readonly Column[] = [
  { title: 'declared in', min: 16 },
  { title: 'by', min: 16 },
  { title: 'port', align: 'right' },
  { title: 'reach', min: 8 },
  { title: 'host', optional: true },
  { title: 'service', optional: true },
];

const REACH: Readonly<Record<Declaration['reach'], string>> = {
  host: 'published on the host',
  workload: 'inside the workload',
  unknown: 'not said',
};

function row(d: Declaration): Cell[] {
  return [
    d.line === undefined ? d.source : `${d.source}:${d.line}`,
    d.what,
    `${formatPorts(d.ports)}/${d.transport ?? '?'}`,
    d.address === undefined ? REACH[d.reach] : `${REACH[d.reach]}, ${d.address}`,
    d.host ?? '-',
    d.service ?? '-',
  ];
}

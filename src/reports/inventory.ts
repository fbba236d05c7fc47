import { HOST_SCOPE } from '../model/endpoint.ts';
import { compareListeners, type Listener } from '../model/listener.ts';
import type { Observation } from '../model/observation.ts';
import { count } from '../util/words.ts';
import { csvFile } from './csv-text.ts';
import { listenerJson } from './listener-json.ts';
import { printable, printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { type Cell, type Column, paint, renderTable, wrap } from './text-table.ts';
import { formatTime, isoTime } from './time.ts';
import { processName } from './words.ts';

/**
 * Returns what one observation saw as `table`, `json`, `jsonl` or `csv`. The JSON is relied upon by other tools:
 * `{schemaVersion, observation, listeners, gaps}`, addresses as plain text, absent process facts were not visible.
 * Throws Error on another format.
 */
export function renderInventory(observation: Observation, format: string, options: RenderOptions): string {
  const listeners = observation.listeners.toSorted(compareListeners);
  switch (format) {
    case 'table':
      return renderTableOf(observation, listeners, options);
    case 'json': {
      const document = {
        schemaVersion: 1,
        observation: observationJson(observation),
        listeners: listeners.map(listenerJson),
        gaps: observation.gaps,
      };
      return `${printableJson(document, 2)}\n`;
    }
    case 'jsonl': {
      const lines = [
        { type: 'observation', schemaVersion: 1, ...observationJson(observation) },
        ...listeners.map((l) => ({ type: 'listener', ...listenerJson(l) })),
        ...observation.gaps.map((gap) => ({ type: 'gap', ...gap })),
      ];
      return lines.map((line) => `${printableJson(line)}\n`).join('');
    }
    case 'csv':
      return csvFile(INVENTORY_CSV_HEAD, listeners.map(inventoryCsvRow));
    default:
      throw new Error(`an inventory has no format ${format}`);
  }
}

/** An observation without its listeners and gaps, as JSON. */
export function observationJson(o: Observation) {
  const { id, collector, vantage, durationMs, privilege, host, coverage } = o;
  return { id, collector, vantage, observedAt: isoTime(o.observedAt), durationMs, privilege, host, coverage };
}

export const INVENTORY_CSV_HEAD = [
  ...[
    'host',
    'scope',
    'transport',
    'address',
    'port',
    'bind',
    'families',
    'role',
    'process',
    'pid',
    'exe',
    'exe_state',
  ],
  ...[
    'user',
    'unit',
    'container',
    'package',
    'package_version',
    'sha256',
    'started_at',
    'command_line',
    'shared_with_pids',
  ],
  ...['service', 'product', 'version', 'encryption', 'tls'],
];

/** One listener as a CSV record under INVENTORY_CSV_HEAD. */
export function inventoryCsvRow(l: Listener) {
  const { process: p, answer } = l;
  return [
    ...[l.host, l.scope, l.transport, l.address, l.port, l.bind, l.families.join(' '), l.role],
    ...[p === null ? '' : processName(p), p?.pid, p?.exe, p?.exeState, p?.user ?? l.user, p?.unit, p?.container],
    ...[p?.package?.name, p?.package?.version, p?.sha256, isoTime(p?.startedAt), p?.commandLine],
    l.sharedWith.map((other) => other.pid).join(' '),
    ...[answer?.service, answer?.product, answer?.version, answer?.encryption, answer?.tls?.protocol],
  ];
}

const SCOPE: Column = { title: 'scope', min: 10 };
const COLUMNS: readonly Column[] = [
  { title: 'port', align: 'right' },
  { title: 'address' },
  { title: 'reach', min: 4 },
  { title: 'process', min: 8 },
  { title: 'user', min: 4 },
  { title: 'unit', min: 12, optional: true },
  { title: 'package', min: 12, optional: true },
];

function renderTableOf(o: Observation, listeners: readonly Listener[], options: RenderOptions): string {
  const scoped = listeners.some((l) => l.scope !== HOST_SCOPE);
  const columns = scoped ? [SCOPE, ...COLUMNS] : COLUMNS;
  const rows = listeners.map((l) => [...(scoped ? [l.scope] : []), ...tableRow(l)]);
  const rights = o.privilege === 'root' ? 'as root' : 'not as root';
  const head = `${count(listeners.length, 'listener')} on ${printable(o.host.name)}, ${formatTime(o.observedAt)}, ${rights}, ${count(Math.round(o.durationMs), 'ms', 'ms')}`;
  const gaps = o.gaps.flatMap((gap) =>
    wrap(`${gap.message}${gap.remedy ? ` ${gap.remedy}` : ''}`, options.width - 2).map(
      (line, i) => (i === 0 ? '? ' : '  ') + line,
    ),
  );
  const parts = [
    [paint('bold', head, options.color)],
    rows.length === 0 ? [] : renderTable(columns, rows, options),
    gaps.length === 0 ? [] : [paint('bold', 'NOT SEEN', options.color), ...gaps],
  ];
  return `${parts
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function tableRow(l: Listener): Cell[] {
  const p = l.process;
  const shared = l.sharedWith.length > 0 ? ` +${l.sharedWith.length}` : '';
  const state = p?.exeState === 'replaced' || p?.exeState === 'deleted' ? ` (${p.exeState})` : '';
  const name = p === null ? 'not visible' : processName(p);
  return [
    `${l.port}/${l.transport}`,
    l.address,
    l.role === 'ephemeral' ? [`${l.bind}, ephemeral`, `${l.bind}, eph.`] : l.bind,
    [`${name}${shared}${state}`, `${name}${shared}`],
    p?.user ?? l.user ?? (l.uid === undefined ? '?' : `uid ${l.uid}`),
    p?.unit ?? (p?.container ? `container ${p.container.slice(0, 12)}` : '-'),
    p?.package ? [`${p.package.name} ${p.package.version}`, p.package.name] : '-',
  ];
}

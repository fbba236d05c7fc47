import { compareListeners, type Listener } from '../model/listener.ts';
import type { Gap, Observation } from '../model/observation.ts';
import { count } from '../util/words.ts';
import { csvFile, csvRows } from './csv-text.ts';
import { INVENTORY_CSV_HEAD, inventoryCsvRow, observationJson } from './inventory.ts';
import { listenerJson } from './listener-json.ts';
import { printable, printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { type Cell, type Column, paint, renderTable, wrap } from './text-table.ts';
import { processName } from './words.ts';

/** Listeners and gaps that a table for people shows; all of them are in the other formats. */
const SHOWN_LISTENERS = 500;
const SHOWN_GAPS = 50;

/**
 * Returns what was seen of many hosts as `table`, `json`, `jsonl` or `csv`, piece by piece as it comes, so that an import
 * of a million hosts needs little memory. `problems`: what could not be read, asked for at the end (json, jsonl). Throws
 * Error on another format.
 */
export function renderObservations(
  observations: AsyncIterable<Observation>,
  format: string,
  options: RenderOptions,
  problems: () => readonly object[] = () => [],
): AsyncIterable<string> {
  switch (format) {
    case 'table':
      return tableOf(observations, options);
    case 'json':
      return jsonOf(observations, problems);
    case 'jsonl':
      return jsonLinesOf(observations, problems);
    case 'csv':
      return csvOf(observations);
    default:
      throw new Error(`an inventory has no format ${format}`);
  }
}

function wholeJson(o: Observation) {
  const { outcomes } = o;
  return {
    ...observationJson(o),
    listeners: o.listeners.toSorted(compareListeners).map(listenerJson),
    ...(outcomes && { outcomes }),
    gaps: o.gaps,
  };
}

async function* jsonOf(
  observations: AsyncIterable<Observation>,
  problems: () => readonly object[],
): AsyncIterable<string> {
  yield '{\n  "schemaVersion": 1,\n  "observations": [';
  let isFirst = true;
  for await (const o of observations) {
    yield `${isFirst ? '' : ','}\n${printableJson(wholeJson(o), 2).replace(/^/gm, '    ')}`;
    isFirst = false;
  }
  const told = problems();
  const more = told.length === 0 ? '' : `,\n  "problems": ${printableJson(told, 2).replaceAll('\n', '\n  ')}`;
  yield `${isFirst ? '' : '\n  '}]${more}\n}\n`;
}

async function* jsonLinesOf(
  observations: AsyncIterable<Observation>,
  problems: () => readonly object[],
): AsyncIterable<string> {
  for await (const o of observations)
    yield `${printableJson({ type: 'observation', schemaVersion: 1, ...wholeJson(o) })}\n`;
  for (const problem of problems()) yield `${printableJson({ type: 'problem', schemaVersion: 1, ...problem })}\n`;
}

async function* csvOf(observations: AsyncIterable<Observation>): AsyncIterable<string> {
  yield csvFile(INVENTORY_CSV_HEAD, []);
  for await (const o of observations)
    if (o.listeners.length > 0) yield csvRows(o.listeners.toSorted(compareListeners).map(inventoryCsvRow));
}

/** A column, what it shows, and whether a listener has any of it: a scan knows no process, a host's table no answer. */
interface Shown extends Column {
  readonly cell: (l: Listener) => Cell;
  readonly isKnown: (l: Listener) => boolean;
}

const always = () => true;
const COLUMNS: readonly Shown[] = [
  { title: 'host', min: 10, cell: hostWords, isKnown: always },
  { title: 'port', align: 'right', cell: (l) => `${l.port}/${l.transport}`, isKnown: always },
  { title: 'address', optional: true, cell: (l) => l.address, isKnown: (l) => l.address !== l.host },
  { title: 'answers', min: 20, cell: answerWords, isKnown: (l) => l.answer !== undefined },
  {
    title: 'process',
    min: 8,
    optional: true,
    cell: (l) => (l.process === null ? '-' : processName(l.process)),
    isKnown: (l) => l.process !== null,
  },
  {
    title: 'user',
    min: 4,
    optional: true,
    cell: (l) => l.process?.user ?? l.user ?? '-',
    isKnown: (l) => (l.process?.user ?? l.user) !== undefined,
  },
];

function hostWords(l: Listener): string {
  return l.scope === 'host' || l.scope === 'unknown' ? l.host : `${l.host} ${l.scope}`;
}

async function* tableOf(observations: AsyncIterable<Observation>, options: RenderOptions): AsyncIterable<string> {
  const shown: Listener[] = [];
  const gaps: { host: string; gap: Gap }[] = [];
  const total = { looks: 0, hosts: 0, listeners: 0, gaps: 0 };
  for await (const o of observations) {
    total.looks++;
    if (o.coverage.length > 0 || o.listeners.length > 0) total.hosts++;
    total.listeners += o.listeners.length;
    total.gaps += o.gaps.length;
    for (const listener of o.listeners.toSorted(compareListeners)) {
      if (shown.length >= SHOWN_LISTENERS) break;
      shown.push(listener);
    }
    for (const gap of o.gaps) if (gaps.length < SHOWN_GAPS) gaps.push({ host: o.host.name, gap });
  }
  // Deployment files say what there is to be, which nobody has looked at: of that the messages tell.
  if (total.looks === 0) return;
  // A machine that was not reached is no host without open ports.
  const head =
    total.hosts === 0
      ? 'No host was looked at.'
      : `${count(total.listeners, 'open port')} on ${count(total.hosts, 'host')}`;
  const lines = [paint('bold', head, options.color)];
  const columns = COLUMNS.filter((column) => shown.some(column.isKnown));
  const rows = shown.map((listener) => columns.map((column) => column.cell(listener)));
  if (rows.length > 0) lines.push('', ...renderTable(columns, rows, options));
  if (total.listeners > shown.length)
    lines.push(`… and ${count(total.listeners - shown.length, 'more open port')} (all of them: --format jsonl)`);
  if (gaps.length > 0) lines.push('', paint('bold', 'NOT SEEN', options.color));
  for (const { host, gap } of gaps) {
    const text = `${printable(host)}: ${gap.message}${gap.remedy ? ` ${gap.remedy}` : ''}`;
    lines.push(...wrap(text, options.width - 2).map((line, i) => (i === 0 ? '? ' : '  ') + line));
  }
  if (total.gaps > gaps.length) lines.push(`… and ${count(total.gaps - gaps.length, 'more gap')}`);
  yield `${lines.join('\n')}\n`;
}

/** `postgresql 15.4, TLSv1.3`: what answered, as far as it was recognised. */
function answerWords({ answer }: Listener): Cell {
  if (!answer) return '-';
  const name = [answer.product ?? answer.service, answer.version].filter((part) => part !== undefined).join(' ');
  const how = answer.tls?.protocol ?? (answer.encryption === 'none' ? 'in clear' : answer.encryption);
  const words = [name || answer.banner, how].filter((part) => part !== undefined && part !== '').join(', ');
  return words === '' ? '-' : words;
}

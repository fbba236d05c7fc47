import type { Anomaly } from '../model/anomaly.ts';
import { count } from '../util/words.ts';
import { csvFile } from './csv-text.ts';
import { printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { type Column, renderTable, wrap } from './text-table.ts';

const COLUMNS: readonly Column[] = [
  { title: 'severity' },
  { title: 'since (UTC)' },
  { title: 'kind', min: 12 },
  { title: 'where', min: 16 },
];

/** What there was to judge by. */
export interface JudgedTraffic {
  /** Days of flows before the time that was judged. */
  readonly learnedDays: number;
  /** Ports with accepted connections. */
  readonly ports: number;
}

/** Days from which on a port is known. */
const KNOWN_DAYS = 14;

/**
 * Returns unusual traffic as `table`, `json`, `jsonl` or `csv`, in the order given. Throws Error on another format.
 * `judged`: said with the table where it was too little to call anything usual.
 */
export function renderAnomalies(
  anomalies: readonly Anomaly[],
  format: string,
  options: RenderOptions,
  judged: JudgedTraffic | null = null,
): string {
  switch (format) {
    case 'table':
      return anomaliesText(anomalies, options) + judgedText(judged);
    case 'json':
      return `${printableJson({ schemaVersion: 1, anomalies }, 2)}\n`;
    case 'jsonl':
      return anomalies.map((anomaly) => `${printableJson(anomaly)}\n`).join('');
    case 'csv':
      return csvFile(
        ['id', 'kind', 'severity', 'host', 'transport', 'port', 'source', 'from', 'to', 'surprise', 'message'],
        anomalies.map((a) => [
          ...[a.id, a.kind, a.severity, a.endpoint?.host ?? '', a.endpoint?.transport ?? '', a.endpoint?.port ?? ''],
          ...[a.source ?? '', a.from, a.to, a.surprise, a.message],
        ]),
      );
    default:
      throw new Error(`unusual traffic has no format ${format}`);
  }
}

function anomaliesText(anomalies: readonly Anomaly[], options: RenderOptions): string {
  if (anomalies.length === 0) return 'No unusual traffic.\n';
  const head = renderTable(COLUMNS, anomalies.map(rowOf), options);
  const lines: string[] = [head[0] as string];
  anomalies.forEach((anomaly, i) => {
    lines.push(head[i + 1] as string);
    for (const line of wrap(anomaly.message, options.width - 2)) lines.push(`  ${line}`);
  });
  return `${[...lines, '', count(anomalies.length, 'card')].join('\n')}\n`;
}

function judgedText(judged: JudgedTraffic | null): string {
  if (judged === null || judged.learnedDays >= KNOWN_DAYS) return '';
  if (judged.ports === 0)
    return 'Nobody was let in to any port in the flows of that time: there was nothing to judge.\n';
  return `Only ${count(judged.learnedDays, 'day')} of flows before it: what is usual is still learned, and only what is far out is told.\n`;
}

function rowOf(anomaly: Anomaly): string[] {
  return [anomaly.severity, anomaly.from.replace('T', ' ').replace(':00Z', ''), anomaly.kind, placeOf(anomaly)];
}

function placeOf({ endpoint, source, endpoints }: Anomaly): string {
  if (endpoint) return `${endpoint.host}:${endpoint.port}/${endpoint.transport}`;
  if (source !== undefined) return `from ${source}`;
  return endpoints ? count(endpoints.length, 'port') : 'all flows';
}

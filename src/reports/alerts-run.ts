import { endpointKey } from '../model/endpoint.ts';
import type { IncidentRecord } from '../model/incident-record.ts';
import { count } from '../util/words.ts';
import { printable, printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { paint } from './text-table.ts';

/** What a run of alerting came to, as far as it is shown. */
export interface AlertsRunSummary {
  readonly raised: readonly IncidentRecord[];
  readonly escalated: readonly IncidentRecord[];
  readonly reopened: readonly IncidentRecord[];
  readonly resolved: readonly IncidentRecord[];
  readonly open: number;
  readonly messages: readonly { readonly kind: string; readonly channel: string }[];
  readonly nobody: number;
  readonly delivered: { readonly sent: number; readonly failed: number; readonly dead: number };
  readonly isFirst: boolean;
  readonly channels: number;
}

/** Incidents of one kind of news that a person is shown. */
const SHOWN = 10;

/** Returns what a run came to, as `table` or `json`. */
export function renderAlertsRun(run: AlertsRunSummary, format: string, options: RenderOptions): string {
  const { raised, escalated, reopened, resolved, open, delivered } = run;
  if (format === 'json') {
    const ids = (records: readonly IncidentRecord[]) => records.map((record) => record.id);
    const news = { raised: ids(raised), escalated: ids(escalated), reopened: ids(reopened), resolved: ids(resolved) };
    const { messages, nobody, isFirst } = run;
    const made = messages.map(({ kind, channel }) => ({ kind, channel }));
    return `${printableJson({ schemaVersion: 1, ...news, open, made, ...delivered, nobody, firstRun: isFirst }, 2)}\n`;
  }
  if (format !== 'table') throw new Error(`a run has no format ${format}`);
  const parts = [
    [raised.length, 'raised'],
    [escalated.length, 'escalated'],
    [reopened.length, 'came back'],
    [resolved.length, 'resolved'],
  ] as const;
  const news = parts.flatMap(([n, word]) => (n > 0 ? [`${n} ${word}`] : [])).join(', ') || 'nothing new';
  const lines = [paint('bold', `${count(open, 'open alert')}: ${news}`, options.color)];
  const list = (word: string, records: readonly IncidentRecord[]) => {
    for (const record of records.slice(0, SHOWN)) {
      const at = record.endpoint ? `${endpointKey(record.endpoint)}  ` : '';
      lines.push(printable(`  ${word}  ${record.id}  ${record.severity}  ${at}${record.title}`));
    }
    if (records.length > SHOWN) lines.push(`  and ${records.length - SHOWN} more ${word}`);
  };
  if (!run.isFirst) list('raised', raised);
  list('escalated', escalated);
  list('came back', reopened);
  list('resolved', resolved);
  if (run.channels === 0) lines.push('Nobody is told: quietdoor.yaml names no channel under alerts.channels.');
  else {
    if (run.isFirst) lines.push('The first run: what was there already is told in one summary.');
    const { sent, failed, dead } = delivered;
    const fates = [
      `${sent} sent`,
      ...(failed > 0 ? [`${failed} to be tried again`] : []),
      ...(dead > 0 ? [`${dead} given up`] : []),
    ];
    lines.push(`messages: ${fates.join(', ')}`);
  }
  if (run.nobody > 0) lines.push(`${count(run.nobody, 'alert')} that no channel takes: see alerts.fallback`);
  return `${lines.join('\n')}\n`;
}

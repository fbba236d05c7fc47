import type { Event } from '../model/event.ts';
import { count } from '../util/words.ts';
import { csvFile } from './csv-text.ts';
import { eventWords } from './event-text.ts';
import { printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { type Column, renderTable } from './text-table.ts';
import { formatTime, isoTime } from './time.ts';

const COLUMNS: readonly Column[] = [
  { title: 'seq', align: 'right' },
  { title: 'time (UTC)' },
  { title: 'subject', min: 16 },
  { title: 'what happened', min: 20 },
  { title: 'actor', min: 8 },
];

/** Returns events as `table`, `json`, `jsonl` or `csv`, in the order given. Throws Error on another format. */
export function renderEvents(events: readonly Event[], format: string, options: RenderOptions): string {
  switch (format) {
    case 'table': {
      const rows = events.map((e) => [
        String(e.sequence),
        formatTime(e.observedAt).replace(/ UTC$/, ''),
        e.subject,
        eventWords(e),
        e.actor,
      ]);
      const tail = events.length === 0 ? ['No event matches.'] : ['', count(events.length, 'event')];
      return `${[...(events.length === 0 ? [] : renderTable(COLUMNS, rows, options)), ...tail].join('\n')}\n`;
    }
    case 'json':
      return `${printableJson({ schemaVersion: 1, events: events.map(eventJson) }, 2)}\n`;
    case 'jsonl':
      return events.map((e) => `${printableJson(eventJson(e))}\n`).join('');
    case 'csv':
      return csvFile(
        ['sequence', 'observedAt', 'recordedAt', 'type', 'subject', 'actor', 'message', 'body'],
        events.map((e) => [
          e.sequence,
          isoTime(e.observedAt),
          isoTime(e.recordedAt),
          e.type,
          e.subject,
          e.actor,
          eventWords(e),
          printableJson(e.body),
        ]),
      );
    default:
      throw new Error(`events have no format ${format}`);
  }
}

/** An event as JSON, times as ISO 8601 in UTC; the body is the ledger's own. */
export function eventJson(e: Event) {
  const { sequence, type, subject, actor, body } = e;
  return { sequence, type, observedAt: isoTime(e.observedAt), recordedAt: isoTime(e.recordedAt), subject, actor, body };
}

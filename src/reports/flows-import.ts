import { ACTION, type Feed, type FlowBatch } from '../model/flow.ts';
import { textOfWords } from '../model/flow-address.ts';
import type { FlowCounts, FlowImport } from '../model/flow-import.ts';
import { count, utcTime } from '../util/words.ts';
import { csvRows } from './csv-text.ts';
import { printable } from './printable.ts';

const ACTION_NAMES = Object.keys(ACTION);
const COLUMNS = ['bucket', 'src', 'dst', 'port', 'protocol', 'action', 'directed', 'feed'] as const;
const SUMS = ['connections', 'packets', 'bytes'] as const;

function grouped(n: number): string {
  return n.toLocaleString('en-GB');
}

/** What came of files, for people. */
export function flowImportText(imports: readonly FlowImport[]): string {
  return imports.flatMap(linesOf).join('\n');
}

function linesOf({ file, format, counts, skipped, feeds, isKnown, knownBytes }: FlowImport): string[] {
  const name = printable(file === '-' ? 'standard input' : file);
  if (isKnown) return [`${name}: taken in before, byte for byte; nothing is taken twice`];
  const lines = [`${name}: ${format}, ${count(counts.records, 'record')}${spanOf(counts)}`];
  const add = (title: string, text: string): void => void lines.push(`  ${title.padEnd(12)}${text}`);
  if (knownBytes > 0)
    add('before', `the first ${grouped(knownBytes)} bytes were taken in before; only what follows is new`);
  if (counts.records > 0) {
    add('feeds', feedsOf(feeds));
    add('action', parts([counts.accepted, 'accepted'], [counts.denied, 'denied'], [counts.undecided, 'not said']));
    add(
      'direction',
      parts(
        [counts.directedByRecord, 'shown by the record'],
        [counts.directedByService, 'decided by a listener or the register'],
        [counts.undirected, 'unknown'],
      ),
    );
    if (counts.undirected > counts.records / 2)
      add('', 'scan or import what listens before flows: what is taken in now stays as it is');
    add(
      'sums',
      `${count(counts.connections, 'connection')}, ${count(counts.packets, 'packet')}, ${count(counts.bytes, 'byte')} in ${count(counts.rows, 'row')} of 5 minutes`,
    );
  }
  const kinds = [...skipped].map(([what, n]) => `${grouped(n)} ${printable(what)}`);
  if (kinds.length > 0) add('passed over', kinds.join(', '));
  if (counts.repeated > 0) add('repeated', `${count(counts.repeated, 'record')} delivered twice, counted once`);
  if (counts.ahead > 0) add('clock', `${count(counts.ahead, 'record')} from ahead of this clock, taken as they are`);
  if (counts.backwards > 0) add('clock', `${count(counts.backwards, 'record')} with an end before their start`);
  if (counts.problems > 0) add('problems', grouped(counts.problems));
  return lines;
}

function parts(...all: readonly (readonly [number, string])[]): string {
  return all
    .filter(([n]) => n > 0)
    .map(([n, what]) => `${grouped(n)} ${what}`)
    .join(', ');
}

function spanOf({ records, first, last }: FlowCounts): string {
  return records === 0 ? '' : `, ${utcTime(Math.floor(first) * 1000)} to ${utcTime(Math.floor(last) * 1000)}`;
}

function feedsOf(feeds: readonly Feed[]): string {
  const names = feeds.slice(0, 4).map(({ name }) => printable(name));
  return feeds.length > 4 ? `${names.join(', ')} and ${grouped(feeds.length - 4)} more` : names.join(', ');
}

/** The same for programs. */
export function flowImportJson(imports: readonly FlowImport[]): string {
  const items = imports.map(({ counts, skipped, coverage, ...rest }) => ({
    ...rest,
    counts: { ...counts, first: numberOrNull(counts.first), last: numberOrNull(counts.last) },
    skipped: Object.fromEntries(skipped),
    gaps: coverage.filter(({ kind }) => kind === 'gap').slice(0, 100),
  }));
  return `${JSON.stringify({ schemaVersion: 1, imports: items }, null, 2)}\n`;
}

function numberOrNull(n: number): number | null {
  return Number.isFinite(n) ? n : null;
}

/** Head of the rows as CSV. */
export function flowRowsHead(): string {
  return csvRows([[...COLUMNS, ...SUMS]]);
}

/** Rows of a batch as CSV or JSON lines. */
export function flowRows(batch: FlowBatch, feeds: readonly Feed[], format: 'csv' | 'jsonl'): string {
  let text = '';
  for (let row = 0; row < batch.length; row++) {
    const values = {
      bucket: batch.bucket[row] as number,
      src: textOfWords(batch.src, row),
      dst: textOfWords(batch.dst, row),
      port: batch.port[row] as number,
      protocol: batch.protocol[row] as number,
      action: ACTION_NAMES[batch.action[row] as number] as string,
      directed: batch.directed[row] as number,
      feed: feeds[batch.feed[row] as number]?.name ?? '',
      connections: batch.connections[row] as number,
      packets: batch.packets[row] as number,
      bytes: batch.bytes[row] as number,
    };
    text += format === 'csv' ? csvRows([Object.values(values)]) : `${JSON.stringify(values)}\n`;
  }
  return text;
}

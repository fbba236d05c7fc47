import { BUCKET_SECONDS, transportOf } from '../model/flow.ts';
import type { FeedHealth, FlowFeeds } from '../model/flow-feeds.ts';
import type { FlowTop, TopKey, TopMeasure, TopRow } from '../model/flow-top.ts';
import { count, duration } from '../util/words.ts';
import { csvFile } from './csv-text.ts';
import { printable, printableJson } from './printable.ts';
import type { RenderOptions } from './report-format.ts';
import { type Column, renderTable } from './text-table.ts';
import { formatTime, isoTime } from './time.ts';
import { formatNumber } from './words.ts';

const KEY_TITLES: Readonly<Record<TopKey, readonly string[]>> = {
  source: ['source'],
  destination: ['destination'],
  port: ['port'],
  endpoint: ['endpoint'],
  pair: ['source', 'endpoint'],
  feed: ['feed'],
};
const SUMS = ['connections', 'denied', 'bytes', 'packets', 'sources'] as const;

/** The largest flows as `table`, `json`, `jsonl` or `csv`. */
export function renderTop(top: FlowTop | null, format: string, options: RenderOptions): string {
  const rows = top?.rows ?? [];
  if (format === 'jsonl') return rows.map((row) => `${printableJson(topJson(row))}\n`).join('');
  if (format === 'csv') return topCsv(rows);
  if (format === 'json')
    return `${printableJson(
      {
        schemaVersion: 1,
        from: top && isoTime(top.from * 1000),
        until: top && isoTime(top.until * 1000),
        by: top?.by ?? null,
        sortedBy: top?.measure ?? null,
        count: top?.count ?? 0,
        rows: rows.map(topJson),
      },
      2,
    )}\n`;
  if (!top) return 'No flows are kept yet. Take some in with: quietdoor flows import FILE\n';
  const span = `${formatTime(top.from * 1000)} to ${formatTime(top.until * 1000)}`;
  if (rows.length === 0) return `No flow matches, from ${span}.\n`;
  const columns: Column[] = [
    // A port that is cut off is the one that was asked for: rather a column less.
    ...KEY_TITLES[top.by].map((title) => (title === 'feed' ? { title, min: 12 } : { title })),
    ...SUMS.map((title) => ({
      title,
      align: 'right' as const,
      ...(isSpare(title, top.measure) && { optional: true as const }),
    })),
    { title: 'last seen (UTC)' },
  ];
  const cells = rows.map((row) => [
    ...keyCells(top.by, row),
    ...SUMS.map((name) => formatNumber(row[name])),
    formatTime(row.last * 1000).slice(0, 'YYYY-MM-DD HH:MM'.length),
  ]);
  const notes = [`${formatNumber(rows.length)} of ${formatNumber(top.count)}, by ${top.measure}, from ${span}.`];
  if (rows.some(({ directed }) => directed === false))
    notes.push("?: which side opened these is not known, so that the port may be a client's.");
  return `${[...renderTable(columns, cells, options), '', ...notes].join('\n')}\n`;
}

function isSpare(sum: (typeof SUMS)[number], measure: TopMeasure): boolean {
  return sum !== measure && sum !== 'connections' && sum !== 'denied';
}

function keyCells(by: TopKey, row: TopRow): string[] {
  const portText = `${row.port}/${row.protocol === undefined ? '' : protocolName(row.protocol)}${row.directed === false ? ' ?' : ''}`;
  const host = row.destination?.includes(':') ? `[${row.destination}]` : row.destination;
  if (by === 'port') return [portText];
  if (by === 'endpoint') return [`${host}:${portText}`];
  if (by === 'pair') return [row.source ?? '', `${host}:${portText}`];
  return [by === 'feed' ? printable(row.feed ?? '') : ((by === 'source' ? row.source : row.destination) ?? '')];
}

function protocolName(protocol: number): string {
  return transportOf(protocol) ?? `protocol ${protocol}`;
}

function topJson({ protocol, first, last, ...row }: TopRow) {
  return {
    ...row,
    ...(protocol !== undefined && { protocol, transport: transportOf(protocol) }),
    firstSeen: isoTime(first * 1000),
    lastSeen: isoTime(last * 1000),
  };
}

function topCsv(rows: readonly TopRow[]): string {
  return csvFile(
    ['source', 'destination', 'port', 'protocol', 'feed', 'directed', ...SUMS, 'firstSeen', 'lastSeen'],
    rows.map((row) => [
      row.source ?? '',
      row.destination ?? '',
      row.port ?? '',
      row.protocol ?? '',
      row.feed ?? '',
      row.directed === undefined ? '' : row.directed ? 'yes' : 'no',
      ...SUMS.map((name) => row[name]),
      isoTime(row.first * 1000),
      isoTime(row.last * 1000),
    ]),
  );
}

/** Feeds as `table`, `json`, `jsonl` or `csv`. `now`: UTC milliseconds. */
export function renderFeeds(
  { from, until, feeds }: FlowFeeds,
  format: string,
  now: number,
  options: RenderOptions,
): string {
  if (format === 'jsonl') return feeds.map((feed) => `${printableJson(feedJson(feed))}\n`).join('');
  if (format === 'json')
    return `${printableJson({ schemaVersion: 1, from: isoTime(from * 1000), until: isoTime(until * 1000), feeds: feeds.map(feedJson) }, 2)}\n`;
  if (format === 'csv')
    return csvFile(
      ['feed', 'format', 'lastDelivered', 'covered', 'gaps', 'gapSeconds', 'lost', 'addresses'],
      feeds.map((feed) => [
        feed.name,
        feed.format,
        feed.lastDelivered === null ? '' : isoTime(feed.lastDelivered * 1000),
        feed.covered ?? '',
        feed.gaps.length,
        gapSeconds(feed),
        feed.lost ?? 'unknown',
        feed.addresses,
      ]),
    );
  if (feeds.length === 0) return 'No feed has delivered flows yet. Take some in with: quietdoor flows import FILE\n';
  const columns: Column[] = [
    { title: 'feed', min: 16 },
    { title: 'format' },
    { title: 'last delivered' },
    { title: 'covered', align: 'right' },
    { title: 'gaps' },
    { title: 'lost records', align: 'right' },
    { title: 'addresses', align: 'right' },
  ];
  const cells = feeds.map((feed) => [
    printable(feed.name),
    printable(feed.format),
    feed.lastDelivered === null ? 'no flow is kept' : agoWords(now - feed.lastDelivered * 1000),
    feed.covered === null ? '-' : `${(feed.covered * 100).toFixed(feed.covered > 0.999 && feed.covered < 1 ? 2 : 1)} %`,
    feed.covered === null && feed.gaps.length === 0
      ? '-'
      : feed.gaps.length === 0
        ? 'none'
        : `${count(feed.gaps.length, 'gap')}, ${duration(gapSeconds(feed) * 1000)}`,
    feed.lost === null ? 'unknown' : formatNumber(feed.lost),
    formatNumber(feed.addresses),
  ]);
  const notes = [`From ${formatTime(from * 1000)} to ${formatTime(until * 1000)}.`];
  if (feeds.some(({ covered }) => covered === null))
    notes.push('-: covers no time: what is not in it may have been all the same.');
  return `${[...renderTable(columns, cells, options), '', ...notes].join('\n')}\n`;
}

function agoWords(ms: number): string {
  // What came last is known to its bucket of five minutes, which may not be over.
  if (ms < 0 && ms >= -BUCKET_SECONDS * 1000) return 'now';
  return ms < 0 ? `ahead of this clock by ${duration(-ms)}` : `${duration(ms)} ago`;
}

function gapSeconds({ gaps }: FeedHealth): number {
  return gaps.reduce((sum, gap) => sum + gap.until - gap.from, 0);
}

function feedJson({ lastDelivered, gaps, ...feed }: FeedHealth) {
  return {
    ...feed,
    lastDelivered: lastDelivered === null ? null : isoTime(lastDelivered * 1000),
    gaps: gaps.map((gap) => ({ from: isoTime(gap.from * 1000), until: isoTime(gap.until * 1000), said: gap.isKnown })),
  };
}

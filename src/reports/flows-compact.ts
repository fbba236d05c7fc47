import type { FlowRetention } from '../model/flow-retention.ts';
import { count } from '../util/words.ts';
import { printableJson } from './printable.ts';
import { formatTime, isoTime } from './time.ts';

/** What a compaction did. */
export interface CompactReport {
  readonly merged: number;
  readonly into: number;
  /** UTC seconds. */
  readonly expired: { readonly rows: number; readonly from: number; readonly until: number } | null;
  readonly retention: FlowRetention;
  readonly damaged: readonly string[];
  readonly foreign: readonly string[];
}

export function compactText({ merged, into, expired, retention }: CompactReport): string {
  const { fiveMinuteDays, hourDays, dayDays } = retention;
  return [
    merged === 0 ? 'Nothing to merge.' : `${count(merged, 'part')} became ${into}.`,
    expired
      ? `${count(expired.rows, 'row')} from ${formatTime(expired.from * 1000)} to ${formatTime(expired.until * 1000)} ${expired.rows === 1 ? 'is' : 'are'} past their time and were removed.`
      : 'Nothing is past its time.',
    `Kept: ${fiveMinuteDays} days by five minutes, up to ${hourDays} days by the hour, up to ${dayDays} days by the day.`,
  ].join('\n');
}

export function compactJson({ expired, ...result }: CompactReport): string {
  return printableJson(
    {
      schemaVersion: 1,
      ...result,
      expired: expired && { ...expired, from: isoTime(expired.from * 1000), until: isoTime(expired.until * 1000) },
    },
    2,
  );
}

import type { VerdictWord } from '../../model/facts.ts';
import type { Severity } from '../../model/finding.ts';
import { sha256 } from '../../util/sha256.ts';
import { duration } from '../../util/words.ts';
import { formatDate, formatTime, isoTime } from '../time.ts';
import { type Child, html, type Markup } from './escape.ts';

/** `2026-11-21 22:14 UTC`; the full time on hover. */
export function time(ms: number): Markup {
  return html`<time title="${isoTime(ms)}">${utc(ms)}</time>`;
}

/** The day alone, `2026-11-21`, with the full time on hover. */
export function day(ms: number): Markup {
  return html`<time title="${isoTime(ms)}">${formatDate(ms)}</time>`;
}

/** `2026-11-21 22:14 UTC` as plain text. */
export function utc(ms: number): string {
  return formatTime(ms).replace(/:\d\d UTC$/, ' UTC');
}

/** How far a time lies from another, in words: `41 days ago`, `in 3 hours`, `just now`. */
export function distance(ms: number, now: number): string {
  const gap = Math.abs(now - ms);
  if (gap < 60_000) return ms <= now ? 'just now' : 'in under a minute';
  return ms <= now ? `${duration(gap)} ago` : `in ${duration(gap)}`;
}

const SEVERITY_MARK: Record<Severity, string> = { critical: '✗', high: '✗', medium: '▲', low: '△', info: '○' };

/** The severity as mark and word. Colour repeats what they say. */
export function severity(value: Severity): Markup {
  return html`<span class="sev ${value}">${SEVERITY_MARK[value]} ${value}</span>`;
}

const VERDICT_MARK: Record<VerdictWord, string> = { CONFORMS: '✓', DEVIATES: '✗', UNDETERMINED: '?' };

export function verdictWord(word: VerdictWord): Markup {
  return html`<span class="v ${word}">${VERDICT_MARK[word]} ${word}</span>`;
}

/** Machine text (addresses, ids, paths): monospace, copied with one click where scripts run. */
export function code(value: string): Markup {
  return html`<code>${value}</code>`;
}

/** `id` of an element for a name from outside. For `id=` and behind `#`. */
export function anchor(kind: 'e' | 'f' | 'r' | 'c' | 'x' | 'h' | 'rule', name: string): string {
  return `${kind}-${plain(name)}`;
}

/** The name itself where it can stand in an id, an address and a list of words; else a hash of it. */
function plain(name: string): string {
  return /^[\w.:/@()*,-]{1,120}$/.test(name) ? name : `.${sha256(name).slice(0, 16)}`;
}

/** What a row is filtered by: `verdict:DEVIATES`. */
export function tag(key: string, value: string): string {
  return `${key}:${plain(value)}`;
}

/** Link to the rows of a table that a filter leaves: `rowsAddress('findings', { severity: ['high'] })`. */
export function rowsAddress(table: string, filter: Readonly<Record<string, readonly string[]>>): string {
  const pairs = Object.entries(filter).flatMap(([key, values]) =>
    values.map((v) => `${key}=${encodeURIComponent(plain(v))}`),
  );
  return `#${table}?${pairs.join('&')}`;
}

/** The grey hatched word for what nobody looked at. */
export function unknown(words: string): Markup {
  return html`<span class="unknown">${words}</span>`;
}

/** A cell with nothing to say; style.ts shows it as a dash, which saves bytes in 10,000 rows. */
export const DASH: Markup = { markup: '' };

export function entryLink(id: string): Markup {
  return html`<a href="#${anchor('r', id)}">${id}</a>`;
}

export function listed(items: readonly Child[]): Markup {
  return html`${items.map((item, i) => (i === 0 ? item : html`, ${item}`))}`;
}

/** One label and its value in a `<dl>`; end tags are optional in HTML and cost bytes in 10,000 rows. */
export function pair(label: Child, value: Child): Markup {
  return html`<dt>${label}<dd>${value}`;
}

/** Begins with a capital and ends with a full stop: reasons are written as parts of sentences. */
export function sentence(words: string): string {
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}${/[.?]$/.test(words) ? '' : '.'}`;
}

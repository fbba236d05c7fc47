import { styleText } from 'node:util';
import { printable } from './printable.ts';

/** Columns of two cells: East Asian Wide and Fullwidth (Unicode UAX 11) and characters that show as emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{1f300}-\u{1faff}\u{20000}-\u{3fffd}\p{Emoji_Presentation}]/u;
const COMBINING = /[\p{Mn}\p{Me}]/u;
const PLAIN = /^[\x20-\x7e]*$/;

export type Style = Parameters<typeof styleText>[0];

/** Paints a text where colour is wanted. The stream is not asked: the caller has decided. */
export function paint(style: Style, text: string, color: boolean): string {
  return color && text !== '' ? styleText(style, text, { validateStream: false }) : text;
}

/** Columns that a printable text takes on a terminal, as wcwidth(3) counts them. */
export function textWidth(text: string): number {
  if (PLAIN.test(text)) return text.length;
  let width = 0;
  for (const character of text) width += COMBINING.test(character) ? 0 : WIDE.test(character) ? 2 : 1;
  return width;
}

/** Cuts a text to a width, never inside a character; `…` says that something is missing. */
export function truncate(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let cut = '';
  let used = 1;
  for (const character of text) {
    used += textWidth(character);
    if (used > width) break;
    cut += character;
  }
  return width < 1 ? '' : `${cut}…`;
}

/** Fills a text with blanks to a width. */
export function pad(text: string, width: number, align: 'left' | 'right' = 'left'): string {
  const blanks = ' '.repeat(Math.max(0, width - textWidth(text)));
  return align === 'left' ? text + blanks : blanks + text;
}

/** What GitHub Actions would take for a command when a line of a log begins with it (also behind blanks). */
const LOG_COMMAND = /^(::[a-z-]+[^:]*::|##\[)/i;

/**
 * Breaks a text at blanks. A word that is longer than the width (an address, a path) keeps its own line whole. A line
 * that a CI log would obey gets a backslash in front.
 */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  let used = 0;
  for (const word of printable(text).split(' ')) {
    const wordWidth = textWidth(word);
    if (line !== '' && used + 1 + wordWidth > width) {
      lines.push(line);
      line = '';
      used = 0;
    }
    used += (line === '' ? 0 : 1) + wordWidth;
    line = line === '' ? word : `${line} ${word}`;
  }
  lines.push(line);
  return lines.map((text) => (LOG_COMMAND.test(text) ? `\\${text}` : text));
}

/** A paragraph, or short facts that are shown on one line where they fit. */
export type Line = string | readonly string[];

/** Joins short facts with `·`, breaking between them where they fit a line at all, and inside only where they do not. */
export function wrapItems(items: readonly string[], width: number): string[] {
  const glued = items
    .map(printable)
    .map((item) => (textWidth(item) + 2 <= width ? item.replaceAll(' ', '\u00a0') : item));
  return wrap(glued.join('\u00a0· '), width).map((line) => line.replaceAll('\u00a0', ' '));
}

export interface Column {
  readonly title: string;
  readonly align?: 'right';
  /** Least width it may be shrunk to; absent: it keeps its natural width. */
  readonly min?: number;
  /** May be left out, the last one first, where even the least widths do not fit. */
  readonly optional?: true;
  readonly style?: (text: string) => Style | undefined;
}

/** What a cell says, longest wording first: the longest one that fits is shown. */
export type Cell = string | readonly string[];

/** Returns the lines of a table with a heading, at most `width` wide where the columns' least widths allow. */
export function renderTable(
  columns: readonly Column[],
  rows: ReadonlyArray<readonly Cell[]>,
  options: { readonly width: number; readonly color: boolean; readonly indent?: string },
): string[] {
  const indent = options.indent ?? '';
  const cells = rows.map((row) => row.map(wordingsOf));
  const widths = columns.map((column, i) => usedWidth(column, cells, i, Number.POSITIVE_INFINITY));
  let excess = sum(widths) + 2 * (columns.length - 1) + indent.length - options.width;
  while (excess > 0) {
    const chosen = mostSlack(columns, widths);
    if (chosen === -1) break;
    const before = widths[chosen] as number;
    widths[chosen] = usedWidth(columns[chosen] as Column, cells, chosen, before - 1);
    excess -= before - (widths[chosen] as number);
  }
  const spare = columns.findLastIndex((column) => column.optional);
  if (excess > 0 && spare !== -1)
    return renderTable(
      columns.toSpliced(spare, 1),
      rows.map((row) => row.toSpliced(spare, 1)),
      options,
    );
  const line = (texts: readonly string[], styleOf: (text: string, column: Column) => Style | undefined) => {
    const padded = texts.map((text, i) => {
      const column = columns[i] as Column;
      const filled = pad(text, widths[i] ?? 0, column.align);
      const style = styleOf(text, column);
      return style === undefined ? filled : paint(style, filled, options.color);
    });
    return (indent + padded.join('  ')).trimEnd();
  };
  return [
    line(
      columns.map((c, i) => truncate(c.title, widths[i] ?? 0)),
      () => 'dim',
    ),
    ...cells.map((row) =>
      line(
        row.map((cell, i) => fit(cell, widths[i] ?? 0).text),
        (text, column) => column.style?.(text),
      ),
    ),
  ];
}

interface Wording {
  readonly text: string;
  readonly width: number;
}

function wordingsOf(cell: Cell): readonly Wording[] {
  return (typeof cell === 'string' ? [cell] : cell).map((words) => {
    const text = printable(words);
    return { text, width: textWidth(text) };
  });
}

function fit(wordings: readonly Wording[], width: number): Wording {
  const whole = wordings.find((w) => w.width <= width);
  if (whole) return whole;
  const text = truncate(wordings.at(-1)?.text ?? '', width);
  return { text, width: textWidth(text) };
}

/** Width that a column takes when its cells are cut to a width. */
function usedWidth(
  column: Column,
  cells: ReadonlyArray<ReadonlyArray<readonly Wording[]>>,
  index: number,
  width: number,
): number {
  let used = Math.min(textWidth(column.title), width);
  for (const row of cells) {
    const wordings = row[index] ?? [];
    if (wordings.length === 0) continue;
    used = Math.max(used, (wordings.find((w) => w.width <= width) ?? { width }).width);
    if (used === width) break;
  }
  return used;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

/** The column that has most to give above its least width; -1 where none has. */
function mostSlack(columns: readonly Column[], widths: readonly number[]): number {
  const slack = columns.map((column, i) =>
    column.min === undefined ? 0 : (widths[i] as number) - Math.max(column.min, 1),
  );
  const most = Math.max(...slack);
  return most > 0 ? slack.indexOf(most) : -1;
}

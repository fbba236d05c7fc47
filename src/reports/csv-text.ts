import { printable } from './printable.ts';

/**
 * Spreadsheets run a cell as a formula when it begins with one of these, also behind blanks, also in full width
 * (OWASP, CSV Injection).
 */
const FORMULA = /^[\t\r\n]|^\s*[=+\-@\uff1d\uff0b\uff0d\uff20]/;

export type CsvValue = string | number | null | undefined;

/** Text of one cell before quoting: invisible characters spelled out, a formula made text by a leading apostrophe. */
export function csvText(value: CsvValue): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'number') return String(value);
  const text = printable(value);
  return FORMULA.test(value) || FORMULA.test(text) ? `'${text}` : text;
}

/** A CSV file as RFC 4180 defines it (CR LF between records, quotes doubled), in UTF-8. */
export function csvFile(head: readonly string[], rows: ReadonlyArray<readonly CsvValue[]>): string {
  return csvRows([head, ...rows]);
}

/** Further records of a CSV file. */
export function csvRows(rows: ReadonlyArray<readonly CsvValue[]>): string {
  return rows.map((row) => `${row.map(csvField).join(',')}\r\n`).join('');
}

function csvField(value: CsvValue): string {
  const text = csvText(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

import type { ImportProblem } from './import-format.ts';
import { readLines } from './lines.ts';

/** A row of a CSV (RFC 4180) by the names of its head. */
export interface CsvRecord {
  /** By the name of the column as the head writes it; empty fields are there as empty texts. */
  readonly fields: ReadonlyMap<string, string>;
  /** 1-based, where the row begins. */
  readonly line: number;
}

/** Lines that one quoted field may go over. Where it does not end by then, a quote was forgotten. */
const MAX_ROW_LINES = 200;
const MAX_ROW = 1024 * 1024;
const DELIMITERS = [',', ';', '\t', '|'];

/** The delimiter of a line: the one that occurs most outside of quotes; a comma where none does. */
export function delimiterOf(line: string): string {
  const plain = line.replaceAll(/"(?:[^"]|"")*"/g, '');
  const counts = DELIMITERS.map((delimiter) => plain.split(delimiter).length - 1);
  return DELIMITERS[counts.indexOf(Math.max(...counts))] ?? ',';
}

/** Splits the text of a row at its delimiters; null where a quote is not closed. A quote inside a field is a quote. */
export function splitRow(text: string, delimiter: string): string[] | null {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    if (text[at] === '"') {
      let end = text.indexOf('"', at + 1);
      while (end >= 0 && text[end + 1] === '"') end = text.indexOf('"', end + 2);
      if (end < 0) return null;
      const next = text.indexOf(delimiter, end);
      const rest = text.slice(end + 1, next < 0 ? undefined : next);
      fields.push(text.slice(at + 1, end).replaceAll('""', '"') + rest);
      if (next < 0) return fields;
      at = next + 1;
    } else {
      const next = text.indexOf(delimiter, at);
      fields.push(text.slice(at, next < 0 ? undefined : next));
      if (next < 0) return fields;
      at = next + 1;
    }
  }
}

/**
 * Yields the rows of a CSV of any size; its first row (behind the `#TYPE` line of PowerShell) names the columns. Rows that
 * are too long, or have a quote that does not end, are reported, and reading goes on with the next line.
 */
export async function* csvRecords(
  input: AsyncIterable<Uint8Array>,
  report: (problem: ImportProblem) => void,
): AsyncGenerator<CsvRecord, void, undefined> {
  let delimiter: string | undefined;
  let head: string[] | undefined;
  for await (const { text, line, hasEnd } of rowTexts(input, report, () => delimiter)) {
    if (text.trim() === '' || (!head && text.startsWith('#'))) continue;
    delimiter ??= delimiterOf(text);
    const fields = splitRow(text, delimiter) ?? [];
    if (!head) head = fields.map((name) => name.trim());
    else if (fields.length > head.length)
      report({ line, column: 1, message: `this row has ${fields.length} fields where the head has ${head.length}` });
    else if (fields.length < head.length && !hasEnd)
      report({ line, column: text.length + 1, message: 'the file ends inside this row: it was cut off' });
    else yield { fields: new Map(head.map((name, i) => [name, fields[i] ?? ''])), line };
  }
}

interface RowText {
  readonly text: string;
  readonly line: number;
  /** A line feed follows. */
  readonly hasEnd: boolean;
}

/** Yields rows as text: lines, joined where a quoted field goes over several. */
async function* rowTexts(
  input: AsyncIterable<Uint8Array>,
  report: (problem: ImportProblem) => void,
  delimiter: () => string | undefined,
): AsyncGenerator<RowText, void, undefined> {
  let open: string[] = [];
  let openLine = 0;
  let openLength = 0;

  /** Gives an open row up: its first line is reported, the others are read as rows of their own. */
  function* giveUp(): Generator<RowText, void, undefined> {
    const lines = open.slice(1);
    report({ line: openLine, column: 1, message: 'this row has a quote that does not end' });
    open = [];
    openLength = 0;
    for (const [i, text] of lines.entries()) {
      if (splitRow(text, delimiter() ?? ',') !== null) yield { text, line: openLine + 1 + i, hasEnd: true };
      else report({ line: openLine + 1 + i, column: 1, message: 'this row has a quote that does not end' });
    }
  }

  for await (const line of readLines(input)) {
    if (line.isTooLong) {
      report({ line: line.number, column: 1, message: 'this line is too long for a row' });
      continue;
    }
    if (open.length === 0 && splitRow(line.text, delimiter() ?? ',') !== null) {
      yield { text: line.text, line: line.number, hasEnd: line.hasEnd };
      continue;
    }
    if (open.length === 0) openLine = line.number;
    open.push(line.text);
    openLength += line.text.length;
    if (open.length > MAX_ROW_LINES || openLength > MAX_ROW) yield* giveUp();
    // Only a line with a quote can end it: the others need not be looked at.
    else if (open.length > 1 && line.text.includes('"')) {
      const text = open.join('\n');
      if (splitRow(text, delimiter() ?? ',') === null) continue;
      yield { text, line: openLine, hasEnd: line.hasEnd };
      open = [];
      openLength = 0;
    }
  }
  if (open.length > 0) yield* giveUp();
}

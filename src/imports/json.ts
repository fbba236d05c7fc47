import type { ImportProblem } from './import-format.ts';
import { type RawRecord, splitJson } from './json-split.ts';
import { decodeText, linesOf } from './lines.ts';

/** A value of a JSON file: an element of its outermost array, or one of the values that follow each other in it. */
export interface JsonRecord {
  readonly value: unknown;
  /** 1-based, where it begins. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  /** 1-based, among the records of the file, broken ones counted. */
  readonly number: number;
  /** The file broke off inside: `value` holds the complete elements of it. Reported already. */
  readonly isCut: boolean;
}

export interface JsonOptions {
  readonly report: (problem: ImportProblem) => void;
  /** UTF-16 units of one record at most. */
  readonly maxLength?: number;
  /** Says whether a record that is no JSON is left out without a word (`{finished: 1}` of masscan). */
  readonly ignores?: (text: string) => boolean;
}

/** A whole inventory may be one record. */
const MAX_LENGTH = 64 * 1024 * 1024;
/** No tool nests deeper, and whoever reads the value may recurse. */
const MAX_DEPTH = 64;
/** How far to look for the end of the first line, to tell JSON lines from a document. */
const FIRST_LINE = 1024 * 1024;

/**
 * Yields the records of a JSON file of any size, one in memory at a time: the elements of an outermost array, the values
 * of a sequence (JSON lines, or documents behind each other), or the one value that there is. A trailing comma is let
 * pass. What is no JSON, too deep or too long is reported with its position, and reading goes on behind it as far as the
 * next record can be told. Of a record that the end of the file cuts, the complete elements of its outermost array come.
 */
export async function* readJson(
  input: AsyncIterable<Uint8Array>,
  options: JsonOptions,
): AsyncGenerator<JsonRecord, void, undefined> {
  const pieces = decodeText(input);
  let head = '';
  for (let next = await pieces.next(); !next.done; next = await pieces.next()) {
    head += next.value;
    if (head.length > FIRST_LINE || head.trimStart().includes('\n')) break;
  }
  const limits = { maxLength: options.maxLength ?? MAX_LENGTH, maxDepth: MAX_DEPTH };
  const text = joined(head, pieces);
  const raw = isJsonLines(head) ? splitLines(text, limits.maxLength) : splitJson(text, limits);
  for await (const record of raw) {
    const parsed = parseRecord(record, options);
    if (parsed) yield parsed;
  }
}

async function* joined(head: string, rest: AsyncIterable<string>): AsyncGenerator<string, void, undefined> {
  yield head;
  yield* rest;
}

/** Says whether the first line is a whole object, so that one broken line costs no other. */
function isJsonLines(head: string): boolean {
  const [first = ''] = head.trimStart().split('\n', 1);
  return /^\{.*\}\s*$/.test(first);
}

async function* splitLines(
  pieces: AsyncIterable<string>,
  maxLength: number,
): AsyncGenerator<RawRecord, void, undefined> {
  let number = 0;
  for await (const line of linesOf(pieces, maxLength)) {
    const text = line.text.trim();
    if (text === '') continue;
    const column = line.text.length - line.text.trimStart().length + 1;
    const record = { text, line: line.number, column, number: ++number };
    const isDeep = !line.isTooLong && isDeeper(text, MAX_DEPTH);
    if (line.isTooLong) yield { ...record, problem: `is longer than ${maxLength} characters` };
    else yield isDeep ? { ...record, problem: `is nested deeper than ${MAX_DEPTH} levels` } : record;
  }
}

/** Says whether brackets outside of texts nest deeper than `most`. */
function isDeeper(text: string, most: number): boolean {
  let depth = 0;
  for (let i = 0, inText = false; i < text.length; i++) {
    const c = text[i];
    if (inText && c === '\\') i++;
    else if (c === '"') inText = !inText;
    else if (inText) continue;
    else if (c === '{' || c === '[') {
      if (++depth > most) return true;
    } else if (c === '}' || c === ']') depth--;
  }
  return false;
}

/** Returns the value of a record; null, and a report, where there is none. */
function parseRecord(record: RawRecord, { report, ignores }: JsonOptions): JsonRecord | null {
  const { text, line, column, number, problem, salvage } = record;
  if (ignores?.(text)) return null;
  const at = { line, column, place: `record ${number}` };
  if (problem !== undefined) {
    report({ ...at, message: `this record ${problem}` });
    if (salvage === undefined) return null;
  }
  try {
    return { value: JSON.parse(salvage ?? text), line, column, number, isCut: problem !== undefined };
  } catch (error) {
    if (problem === undefined) report({ ...at, ...positionIn(record, error), message: 'this record is no valid JSON' });
    return null;
  }
}

/** Where in the file an error of JSON.parse points to; nothing if it does not say. */
function positionIn({ text, line, column }: RawRecord, error: unknown): { line?: number; column?: number } {
  const found = error instanceof Error ? / at position (\d{1,10})/.exec(error.message) : null;
  if (!found) return {};
  const before = text.slice(0, Number(found[1]));
  const lineFeed = before.lastIndexOf('\n');
  if (lineFeed < 0) return { line, column: column + before.length };
  return { line: line + before.split('\n').length - 1, column: before.length - lineFeed };
}

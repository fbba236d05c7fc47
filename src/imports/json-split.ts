/** The text of a record before it is parsed. */
export interface RawRecord {
  readonly text: string;
  /** 1-based, where it begins. */
  readonly line: number;
  /** 1-based. */
  readonly column: number;
  /** 1-based, among the records of the file. */
  readonly number: number;
  /** Why it is no record: `is nested deeper than 64 levels`. */
  readonly problem?: string;
  /** Of a record that the file cuts: the complete elements of its outermost array, as JSON. */
  readonly salvage?: string;
}

export interface JsonLimits {
  /** UTF-16 units of one record. */
  readonly maxLength: number;
  readonly maxDepth: number;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LINE_FEED = 0x0a;
const COMMA = 0x2c;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
const OPEN_BRACKET = 0x5b;
const CLOSE_BRACKET = 0x5d;

interface State {
  readonly limits: JsonLimits;
  /** What is still needed of the file. */
  text: string;
  /** Next character. */
  at: number;
  /** Line of `at`, 1-based, and where it begins in `text` (may be negative). */
  line: number;
  lineStart: number;
  /** `lost`: behind a record that cannot be told from what follows. */
  mode: 'between' | 'record' | 'lost';
  inArray: boolean;
  number: number;
  /** Where the record begins. */
  start: number;
  startLine: number;
  startColumn: number;
  /** Closing brackets that are due inside the record. */
  readonly due: number[];
  inString: boolean;
  isEscaped: boolean;
  /** Behind the last complete element of the record's outermost array; -1: none. */
  safe: number;
  /** What closes the record there. */
  closers: string;
}

/**
 * Splits a JSON document into its records by brackets and quotes alone: the elements of an outermost array, or the values
 * that follow each other. What is no JSON inside a record is for the parser to find.
 */
export async function* splitJson(
  pieces: AsyncIterable<string>,
  limits: JsonLimits,
): AsyncGenerator<RawRecord, void, undefined> {
  const state: State = {
    limits,
    text: '',
    at: 0,
    line: 1,
    lineStart: 0,
    mode: 'between',
    inArray: false,
    number: 0,
    start: 0,
    startLine: 1,
    startColumn: 1,
    due: [],
    inString: false,
    isEscaped: false,
    safe: -1,
    closers: '',
  };
  let waiting = '';
  for await (const piece of pieces) {
    waiting += piece;
    // a long record is looked at again when it has grown by a quarter: each look copies all of it
    if (state.mode === 'record' && waiting.length < (state.text.length - state.start) / 4) continue;
    forget(state, waiting);
    waiting = '';
    yield* take(state);
  }
  forget(state, waiting);
  yield* take(state);
  yield* finish(state);
}

/** Drops what was read of the text and appends the next piece. */
function forget(s: State, piece: string): void {
  const used = s.mode === 'record' ? s.start : s.at;
  s.text = s.text.slice(used) + piece;
  s.at -= used;
  s.start -= used;
  s.lineStart -= used;
  s.safe = s.safe < 0 ? -1 : s.safe - used;
}

function* take(s: State): Generator<RawRecord, void, undefined> {
  while (s.at < s.text.length) {
    if (s.mode === 'between') begin(s);
    else if (s.mode === 'lost') seek(s);
    else {
      const record = scan(s);
      if (record) yield record;
    }
  }
}

/** Skips to the beginning of a record. */
function begin(s: State): void {
  for (; s.at < s.text.length; s.at++) {
    const c = s.text.charCodeAt(s.at);
    if (c === LINE_FEED) newLine(s);
    else if (c === OPEN_BRACKET && !s.inArray) s.inArray = true;
    else if (c === CLOSE_BRACKET && s.inArray) s.inArray = false;
    else if (c !== COMMA && c !== 0x20 && c !== 0x09 && c !== 0x0d) break;
  }
  if (s.at < s.text.length) startRecord(s);
}

function startRecord(s: State): void {
  s.mode = 'record';
  s.number++;
  s.start = s.at;
  s.startLine = s.line;
  s.startColumn = s.at - s.lineStart + 1;
  s.due.length = 0;
  s.inString = false;
  s.isEscaped = false;
  s.safe = -1;
}

/** Skips to an object that begins a line in the same column as the record that was lost. */
function seek(s: State): void {
  for (; s.at < s.text.length; s.at++) {
    const c = s.text.charCodeAt(s.at);
    if (c === LINE_FEED) {
      newLine(s);
      s.isEscaped = false; // from here on: something stands before it on its line
    } else if (c === OPEN_BRACE && !s.isEscaped && s.at - s.lineStart + 1 === s.startColumn) {
      startRecord(s);
      return;
    } else if (c !== 0x20 && c !== 0x09) s.isEscaped = true;
  }
}

/** Goes on inside a record; returns it where it ends. */
function scan(s: State): RawRecord | null {
  const { text, due } = s;
  for (; s.at < text.length; s.at++) {
    const c = text.charCodeAt(s.at);
    if (s.inString) {
      if (s.isEscaped) s.isEscaped = false;
      else if (c === QUOTE) s.inString = false;
      else if (c === BACKSLASH) s.isEscaped = true;
      else if (c === LINE_FEED) return lose(s, 'has a text without an end');
      continue;
    }
    switch (c) {
      case QUOTE:
        s.inString = true;
        break;
      case LINE_FEED:
        if (due.length === 0) return complete(s, s.at);
        newLine(s);
        break;
      case COMMA:
        if (due.length === 0) return complete(s, s.at);
        break;
      case OPEN_BRACE:
      case OPEN_BRACKET:
        if (due.length >= s.limits.maxDepth) return lose(s, `is nested deeper than ${s.limits.maxDepth} levels`);
        due.push(c + 2); // } is two behind {, ] two behind [
        break;
      case CLOSE_BRACE:
      case CLOSE_BRACKET:
        if (due.length === 0) return c === CLOSE_BRACKET && s.inArray ? complete(s, s.at) : lose(s, unexpected(c));
        if (due.pop() !== c) return lose(s, unexpected(c));
        if (due.length === 0) return complete(s, s.at + 1);
        noteElement(s);
    }
  }
  return s.at - s.start > s.limits.maxLength ? lose(s, `is longer than ${s.limits.maxLength} characters`) : null;
}

function unexpected(c: number): string {
  return `has a "${String.fromCharCode(c)}" that closes nothing`;
}

/** An object or array ended inside the record: kept in mind if it is an element of the record's outermost array. */
function noteElement(s: State): void {
  const depth = s.due.length;
  if (s.due[depth - 1] !== CLOSE_BRACKET || s.due.indexOf(CLOSE_BRACKET) !== depth - 1) return;
  s.safe = s.at + 1;
  s.closers = String.fromCharCode(...s.due.toReversed());
}

function newLine(s: State): void {
  s.line++;
  s.lineStart = s.at + 1;
}

function complete(s: State, end: number): RawRecord {
  s.mode = 'between';
  s.at = end;
  return rawRecord(s, end);
}

function lose(s: State, problem: string): RawRecord {
  const end = s.at;
  s.mode = 'lost';
  s.isEscaped = true;
  s.at = Math.max(end, s.start + 1);
  if (s.text.charCodeAt(end) === LINE_FEED) s.at = end;
  return { ...rawRecord(s, end), problem };
}

function rawRecord(s: State, end: number): RawRecord {
  return {
    text: s.text.slice(s.start, end).trimEnd(),
    line: s.startLine,
    column: s.startColumn,
    number: s.number,
  };
}

/** What is left at the end of the file. */
function* finish(s: State): Generator<RawRecord, void, undefined> {
  const end = s.text.length;
  if (s.mode === 'record' && (s.due.length > 0 || s.inString)) {
    const salvage = s.safe < 0 ? {} : { salvage: s.text.slice(s.start, s.safe) + s.closers };
    yield { ...rawRecord(s, end), problem: 'is not complete: the file was cut off', ...salvage };
  } else if (s.mode === 'record') yield rawRecord(s, end);
  else if (s.inArray && s.mode === 'between') {
    const position = { line: s.line, column: s.at - s.lineStart + 1 };
    yield { text: '', number: s.number, ...position, problem: 'is the last: the file ends inside its array' };
  }
}

import { mapOf, type Values } from './untrusted.ts';

/** One object of the list that `nft -j` prints: `{"rule": {...}}` has the kind `rule`. */
export interface NftObject {
  readonly kind: string;
  readonly body: Values;
  /** Line that it begins in, from 1; null in a text of one line. */
  readonly line: number | null;
}

export interface NftDocument {
  readonly objects: readonly NftObject[];
  /** Lines before and after the document (warnings of nft), and parts of it that are no object. */
  readonly stray: ReadonlyArray<{ readonly text: string; readonly line: number | null }>;
  /** Where and why the text ends too early or could not be read; null: it is whole. */
  readonly incomplete: string | null;
}

/** Deeper objects than nft prints are not looked into: whoever reads them does so by recursion. */
const MAX_DEPTH = 64;

/** How the document begins. Warnings of nft may stand before it. */
const BEGINNING = /(^|\n)[ \t]*\{\s*"nftables"\s*:/;

/** Says where the document begins in a text; -1: it is none. Looks at the first lines only. */
export function documentStart(text: string): number {
  const match = BEGINNING.exec(text.slice(0, 8192));
  return match === null ? -1 : text.indexOf('{', match.index);
}

/** Reads what `nft -j list ruleset` printed. What stands before a break is kept, and the break is told. */
export function readNftDocument(text: string): NftDocument {
  const start = documentStart(text);
  if (start < 0) return { objects: [], stray: [], incomplete: 'it does not begin as the output of nft -j does' };
  const bracket = firstBracket(text, start);
  if (bracket < 0) return { objects: [], stray: [], incomplete: `the list of objects is missing ${placeOf(text)}` };
  const parts = splitList(text, bracket + 1);
  const lines = new LineCounter(text);
  const objects: NftObject[] = [];
  const stray: Array<{ text: string; line: number | null }> = [];
  addStray(text.slice(0, start), 1);
  for (const part of parts.items) {
    const line = lines.at(part.from);
    const object = part.depth > MAX_DEPTH ? null : objectOf(text.slice(part.from, part.to), line);
    if (object === null) stray.push({ text: text.slice(part.from, Math.min(part.to, part.from + 400)), line });
    else objects.push(object);
  }
  let incomplete: string | null = null;
  if (parts.end < 0) {
    const last = parts.brokenAt < 0 ? 'between two objects' : `in object ${objects.length + stray.length + 1}`;
    incomplete = `the text ends ${last} ${placeOf(text)}: what followed is not known`;
  } else {
    const close = /^\s*\}/.exec(text.slice(parts.end));
    if (close === null) incomplete = `the text ends before the document is closed ${placeOf(text)}`;
    else {
      const rest = text.slice(parts.end + close[0].length);
      addStray(rest, lines.at(parts.end));
      if (rest.includes('{')) incomplete = `more follows behind the document: only the first one of a file is read`;
    }
  }
  if (incomplete === null && parts.items.length > objects.length)
    incomplete = 'a part of the list could not be read as an object';
  return { objects, stray, incomplete };

  function addStray(rest: string, line: number | null): void {
    for (const piece of rest.split('\n', 1000)) if (piece.trim() !== '') stray.push({ text: piece.trim(), line });
  }
}

function objectOf(text: string, line: number | null): NftObject | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const map = mapOf(value);
  const [kind, ...more] = Object.keys(map);
  if (kind === undefined || more.length > 0) return null;
  return { kind, body: mapOf(map[kind]), line };
}

/** Where a text ends, for messages. */
function placeOf(text: string): string {
  let line = 1;
  let from = 0;
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', from)) {
    line++;
    from = at + 1;
  }
  return `at line ${line}, column ${text.length - from + 1}`;
}

/** Line numbers of ascending places in a text; null everywhere in a text of one line. */
class LineCounter {
  readonly #text: string;
  readonly #single: boolean;
  #line = 1;
  #next: number;

  constructor(text: string) {
    this.#text = text;
    this.#next = text.indexOf('\n');
    this.#single = this.#next < 0 || text.slice(this.#next).trim() === '';
  }

  at(place: number): number | null {
    while (this.#next >= 0 && this.#next < place) {
      this.#line++;
      this.#next = this.#text.indexOf('\n', this.#next + 1);
    }
    return this.#single ? null : this.#line;
  }
}

/** Place of the list's bracket: the value of the key `nftables`. */
function firstBracket(text: string, start: number): number {
  const colon = text.indexOf(':', start);
  const bracket = text.indexOf('[', colon);
  return colon < 0 || bracket < 0 || text.slice(colon + 1, bracket).trim() !== '' ? -1 : bracket;
}

interface ListParts {
  readonly items: ReadonlyArray<{ readonly from: number; readonly to: number; readonly depth: number }>;
  /** After the closing bracket; -1: it never came. */
  readonly end: number;
  /** Where an item begins that never ends; -1: none. */
  readonly brokenAt: number;
}

const QUOTE = 34;
const BACKSLASH = 92;
const OPEN_LIST = 91;
const CLOSE_LIST = 93;
const OPEN_MAP = 123;
const CLOSE_MAP = 125;
const COMMA = 44;

/** Finds the items of a JSON list without reading them, so that those before a break can be kept. */
function splitList(text: string, start: number): ListParts {
  const items: Array<{ from: number; to: number; depth: number }> = [];
  let from = -1;
  let depth = 0;
  let deepest = 0;
  for (let i = start; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c <= 32) continue;
    if (c === COMMA && depth === 0) {
      if (from >= 0) items.push({ from, to: i, depth: deepest });
      from = -1;
      deepest = 0;
      continue;
    }
    if (c === CLOSE_LIST && depth === 0) {
      if (from >= 0) items.push({ from, to: i, depth: deepest });
      return { items, end: i + 1, brokenAt: -1 };
    }
    if (from < 0) from = i;
    if (c === QUOTE) {
      i = endOfString(text, i);
      if (i < 0) break;
    } else if (c === OPEN_LIST || c === OPEN_MAP) deepest = Math.max(deepest, ++depth);
    else if (c === CLOSE_LIST || c === CLOSE_MAP) depth--;
  }
  return { items, end: -1, brokenAt: from };
}

/** Place of the quote that ends a string; -1: the text ends first. */
function endOfString(text: string, quote: number): number {
  for (let at = text.indexOf('"', quote + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return at;
  }
  return -1;
}

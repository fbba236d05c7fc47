import { decimalAt } from './scan.ts';
import { createWordTable, type WordTable } from './word-table.ts';

/** What a value of a JSON record is. */
export const JSON_KIND = { missing: 0, text: 1, number: 2, true: 3, false: 4, null: 5, object: 6, array: 7 } as const;

/** A value that is wanted of a record: its key, or the key of an object and the key in there. */
export type JsonPath = string | readonly [string, string];

/** Reads some values of JSON objects, one a line, without making objects of them. */
export interface JsonReader {
  /**
   * Reads the object that bytes[from, to) are. The whole text is checked, also where nothing of it is wanted. Of a key that
   * comes twice the later one counts, as with JSON.parse. False: it is no such text; `problem` and `problemAt` say why.
   */
  read(bytes: Uint8Array, from: number, to: number): boolean;
  /** By the place of a path in the list: JSON_KIND. */
  readonly kind: Uint8Array;
  /** Where the values are in `source`: texts without quotes and escapes. Objects and arrays: where they begin and end. */
  readonly from: Int32Array;
  readonly to: Int32Array;
  /** Where a value stands in the bytes that were read. */
  readonly place: Int32Array;
  readonly source: Uint8Array;
  /** A number value; NaN: it is missing, or no number. */
  number(n: number): number;
  /** What was expected, at which place of the bytes. */
  readonly problem: string;
  readonly problemAt: number;
}

const QUOTE = 34;
const BACKSLASH = 92;
const COMMA = 44;
const COLON = 58;
const OPEN = 123;
const CLOSE = 125;
const OPEN_LIST = 91;
const CLOSE_LIST = 93;
const MINUS = 45;
const PLUS = 43;
const DOT = 46;
const DEEPEST = 64;
const { text: TEXT, number: NUMBER, object: OBJECT, array: ARRAY, missing: MISSING } = JSON_KIND;

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 48 && byte <= 57;
}

function hexValue(bytes: Uint8Array, at: number): number {
  let value = 0;
  for (let i = at; i < at + 4; i++) {
    const byte = bytes[i] as number;
    const letter = byte | 32;
    if (isDigit(byte)) value = value * 16 + byte - 48;
    else if (letter >= 97 && letter <= 102) value = value * 16 + letter - 87;
    else return -1;
  }
  return value;
}

/** Letters behind a backslash, and what they stand for. */
const ESCAPES = new Map([
  [34, 34],
  [92, 92],
  [47, 47],
  [98, 8],
  [102, 12],
  [110, 10],
  [114, 13],
  [116, 9],
]);

/** Writes a JSON string without its quotes as UTF-8; returns where it ends in `target`, which has room for it. */
function unescapeInto(bytes: Uint8Array, from: number, to: number, target: Uint8Array, at: number): number {
  let out = at;
  for (let i = from; i < to; i++) {
    const byte = bytes[i] as number;
    if (byte !== BACKSLASH) {
      target[out++] = byte;
      continue;
    }
    i++;
    const plain = ESCAPES.get(bytes[i] as number);
    if (plain !== undefined) {
      target[out++] = plain;
      continue;
    }
    let code = hexValue(bytes, i + 1);
    i += 4;
    const low =
      code >>> 10 === 0x36 && bytes[i + 1] === BACKSLASH && bytes[i + 2] === 117 ? hexValue(bytes, i + 3) : -1;
    if (low >>> 10 === 0x37) {
      code = 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff);
      i += 6;
    } else if (code >>> 11 === 0x1b) code = 0xfffd; // half of a pair: no character
    if (code < 0x80) target[out++] = code;
    else if (code < 0x800) {
      target[out++] = 0xc0 | (code >>> 6);
      target[out++] = 0x80 | (code & 63);
    } else {
      if (code < 0x10000) target[out++] = 0xe0 | (code >>> 12);
      else {
        target[out++] = 0xf0 | (code >>> 18);
        target[out++] = 0x80 | ((code >>> 12) & 63);
      }
      target[out++] = 0x80 | ((code >>> 6) & 63);
      target[out++] = 0x80 | (code & 63);
    }
  }
  return out;
}

const NOTHING = new Uint8Array(0);

/** Makes a reader of these values. Objects are looked into one deep; deeper ones are checked and passed over. */
export function createJsonReader(paths: readonly JsonPath[]): JsonReader {
  /** Keys of the record itself: numbers of values, or -1 - number of an object that is looked into. */
  const topKeys: string[] = [];
  const topMeaning: number[] = [];
  const objects: { keys: string[]; values: number[]; table: WordTable }[] = [];
  paths.forEach((path, n) => {
    if (typeof path === 'string') {
      topKeys.push(path);
      topMeaning.push(n);
      return;
    }
    const [outer, inner] = path;
    const known = topKeys.indexOf(outer);
    const number = known < 0 ? objects.length : -1 - (topMeaning[known] as number);
    if (known < 0) {
      topKeys.push(outer);
      topMeaning.push(-1 - number);
      objects.push({ keys: [], values: [], table: createWordTable([]) });
    }
    objects[number]?.keys.push(inner);
    objects[number]?.values.push(n);
  });
  const topTable = createWordTable(topKeys);
  for (const object of objects) object.table = createWordTable(object.keys);

  const kind = new Uint8Array(paths.length);
  const starts = new Int32Array(paths.length);
  const ends = new Int32Array(paths.length);
  const place = new Int32Array(paths.length);
  const isEscaped = new Uint8Array(paths.length);
  const stack = new Uint8Array(DEEPEST);
  let source: Uint8Array = NOTHING;
  let scratch: Uint8Array = NOTHING;
  let bytes: Uint8Array = NOTHING;
  let to = 0;
  let at = 0;
  let hasEscape = false;
  let anyEscape = false;
  let problem = '';
  let problemAt = 0;

  function fail(expected: string, where: number): boolean {
    problem = expected;
    problemAt = Math.min(where, to);
    return false;
  }

  function blanks(): void {
    while (at < to) {
      const byte = bytes[at];
      if (byte !== 32 && byte !== 9 && byte !== 13 && byte !== 10) return;
      at++;
    }
  }

  /** From behind the first quote to behind the last one. Sets hasEscape. */
  function string(): boolean {
    hasEscape = false;
    let i = at;
    for (; i < to; i++) {
      const byte = bytes[i] as number;
      if (byte === QUOTE) {
        at = i + 1;
        return true;
      }
      if (byte === BACKSLASH) {
        hasEscape = true;
        i++;
        if (i >= to) break;
        const letter = bytes[i] as number;
        if (letter === 117) {
          if (i + 4 >= to || hexValue(bytes, i + 1) < 0) return fail('four hexadecimal digits', i + 1);
          i += 4;
        } else if (!ESCAPES.has(letter)) return fail('an escape of JSON', i);
      } else if (byte < 32) return fail('no control character in a text', i);
    }
    return fail('the closing quote', i);
  }

  function number(): boolean {
    if (bytes[at] === MINUS) at++;
    const first = at;
    if (!(at < to && isDigit(bytes[at]))) return fail('a digit', at);
    while (at < to && isDigit(bytes[at])) at++;
    if (bytes[first] === 48 && at > first + 1) return fail('no digit behind a leading zero', first + 1);
    if (at < to && bytes[at] === DOT) {
      at++;
      if (!(at < to && isDigit(bytes[at]))) return fail('a digit', at);
      while (at < to && isDigit(bytes[at])) at++;
    }
    if (at < to && ((bytes[at] as number) | 32) === 101) {
      at++;
      if (at < to && (bytes[at] === PLUS || bytes[at] === MINUS)) at++;
      if (!(at < to && isDigit(bytes[at]))) return fail('a digit', at);
      while (at < to && isDigit(bytes[at])) at++;
    }
    return true;
  }

  function word(text: string): boolean {
    for (let i = 0; i < text.length; i++)
      if (at + i >= to || bytes[at + i] !== text.charCodeAt(i)) return fail('a value', at);
    at += text.length;
    return true;
  }

  /** Passes over a value; returns its kind, or -1. */
  function value(): number {
    if (at >= to) {
      fail('a value', at);
      return -1;
    }
    const byte = bytes[at] as number;
    if (byte === QUOTE) {
      at++;
      return string() ? TEXT : -1;
    }
    if (isDigit(byte) || byte === MINUS) return number() ? NUMBER : -1;
    if (byte === OPEN || byte === OPEN_LIST) {
      if (!nested()) return -1;
      hasEscape = false;
      return byte === OPEN ? OBJECT : ARRAY;
    }
    if (byte === 116) return word('true') ? JSON_KIND.true : -1;
    if (byte === 102) return word('false') ? JSON_KIND.false : -1;
    if (byte === 110) return word('null') ? JSON_KIND.null : -1;
    fail('a value', at);
    return -1;
  }

  /** Passes over an object or a list, whatever is in there. No recursion: how deep it is, others decide. */
  function nested(): boolean {
    let depth = 0;
    let isFirst = true;
    stack[0] = bytes[at++] as number;
    for (;;) {
      blanks();
      const isObject = stack[depth] === OPEN;
      if (at < to && bytes[at] === (isObject ? CLOSE : CLOSE_LIST)) {
        at++;
        if (depth === 0) return true;
        depth--;
        isFirst = false;
        continue;
      }
      if (!isFirst) {
        if (at >= to || bytes[at] !== COMMA)
          return fail(isObject ? 'a comma or a closing brace' : 'a comma or a closing bracket', at);
        at++;
        blanks();
      }
      isFirst = false;
      if (isObject) {
        if (at >= to || bytes[at] !== QUOTE) return fail('a key in quotes', at);
        at++;
        if (!string()) return false;
        blanks();
        if (at >= to || bytes[at] !== COLON) return fail('a colon', at);
        at++;
        blanks();
      }
      if (at < to && (bytes[at] === OPEN || bytes[at] === OPEN_LIST)) {
        if (++depth >= DEEPEST) return fail(`nothing deeper than ${DEEPEST} levels`, at);
        stack[depth] = bytes[at++] as number;
        isFirst = true;
      } else if (value() < 0) return false;
    }
  }

  /** The place in a table of the key that begins behind `at`, and passes over it and its colon; -2: it is broken. */
  function key(table: WordTable): number {
    if (at >= to || bytes[at] !== QUOTE) {
      fail('a key in quotes', at);
      return -2;
    }
    const begin = ++at;
    if (!string()) return -2;
    const end = at - 1;
    blanks();
    if (at >= to || bytes[at] !== COLON) {
      fail('a colon', at);
      return -2;
    }
    at++;
    blanks();
    if (!hasEscape) return table.indexOf(bytes, begin, end);
    if (end - begin > 1024) return -1; // longer than six times any key that is wanted
    const plain = new Uint8Array(end - begin);
    return table.indexOf(plain, 0, unescapeInto(bytes, begin, end, plain, 0));
  }

  function take(n: number): boolean {
    const begin = at;
    const found = value();
    if (found < 0) return false;
    kind[n] = found;
    const inner = found === TEXT ? 1 : 0;
    starts[n] = begin + inner;
    ends[n] = at - inner;
    place[n] = begin + inner;
    isEscaped[n] = found === TEXT && hasEscape ? 1 : 0;
    if (isEscaped[n] === 1) anyEscape = true;
    return true;
  }

  function object(number: number): boolean {
    const { table, values } = objects[number] as (typeof objects)[number];
    for (const n of values) kind[n] = MISSING;
    if (at >= to || bytes[at] !== OPEN) return value() >= 0;
    at++;
    blanks();
    if (at < to && bytes[at] === CLOSE) {
      at++;
      return true;
    }
    for (;;) {
      const n = key(table);
      if (n === -2) return false;
      if (n < 0 ? value() < 0 : !take(values[n] as number)) return false;
      blanks();
      const byte = at < to ? bytes[at] : 0;
      if (byte !== COMMA && byte !== CLOSE) return fail('a comma or a closing brace', at);
      at++;
      if (byte === CLOSE) return true;
      blanks();
    }
  }

  function record(): boolean {
    blanks();
    if (at >= to || bytes[at] !== OPEN) return fail('a JSON object', at);
    at++;
    blanks();
    if (at < to && bytes[at] === CLOSE) {
      at++;
      return true;
    }
    for (;;) {
      const n = key(topTable);
      if (n === -2) return false;
      const meaning = n < 0 ? 0 : (topMeaning[n] as number);
      if (n < 0 ? value() < 0 : meaning < 0 ? !object(-1 - meaning) : !take(meaning)) return false;
      blanks();
      const byte = at < to ? bytes[at] : 0;
      if (byte !== COMMA && byte !== CLOSE) return fail('a comma or a closing brace', at);
      at++;
      if (byte === CLOSE) return true;
      blanks();
    }
  }

  /** Copies the wanted values, texts without their escapes, so that they can be read like any other. */
  function decode(): void {
    let room = 0;
    for (let n = 0; n < paths.length; n++) if (kind[n] !== MISSING) room += (ends[n] as number) - (starts[n] as number);
    if (scratch.length < room) scratch = new Uint8Array(room * 2);
    let used = 0;
    for (let n = 0; n < paths.length; n++) {
      if (kind[n] === MISSING) continue;
      const from = starts[n] as number;
      const end = ends[n] as number;
      starts[n] = used;
      if (isEscaped[n] === 1) used = unescapeInto(bytes, from, end, scratch, used);
      else {
        scratch.set(bytes.subarray(from, end), used);
        used += end - from;
      }
      ends[n] = used;
    }
    source = scratch;
  }

  return {
    kind,
    from: starts,
    to: ends,
    place,
    get source() {
      return source;
    },
    get problem() {
      return problem;
    },
    get problemAt() {
      return problemAt;
    },
    read(input, begin, end) {
      bytes = input;
      source = input;
      at = begin;
      to = end;
      anyEscape = false;
      kind.fill(MISSING);
      if (!record()) return false;
      blanks();
      if (at < to) return fail('nothing behind the closing brace', at);
      if (anyEscape) decode();
      return true;
    },
    number(n) {
      if (kind[n] !== NUMBER) return Number.NaN;
      const from = starts[n] as number;
      const end = ends[n] as number;
      const plain = decimalAt(source, from, end);
      // An exponent, a sign, or more digits than are read without garbage.
      return plain >= 0 ? plain : Number(String.fromCharCode(...source.subarray(from, Math.min(end, from + 400))));
    },
  };
}

import { JSON_KIND } from './json-kind.ts';
import { createJsonShapes } from './json-shapes.ts';
import { ascii, decimalAt, sameText } from './scan.ts';

export { JSON_KIND } from './json-kind.ts';

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
const { text: TEXT, number: NUMBER, missing: MISSING } = JSON_KIND;

/** The kind of a value by its first byte; 0: none begins so. */
const KIND_OF = new Uint8Array(256);
for (const byte of '-0123456789') KIND_OF[byte.charCodeAt(0)] = NUMBER;
KIND_OF[QUOTE] = TEXT;
KIND_OF[OPEN] = JSON_KIND.object;
KIND_OF[OPEN_LIST] = JSON_KIND.array;
KIND_OF[116] = JSON_KIND.true;
KIND_OF[102] = JSON_KIND.false;
KIND_OF[110] = JSON_KIND.null;

/** 1: a text does not simply go on at such a byte. */
const STOPS = new Uint8Array(256).fill(1, 0, 32);
STOPS[QUOTE] = 1;
STOPS[BACKSLASH] = 1;

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
const TRUE = ascii('true');
const FALSE = ascii('false');
const NULL = ascii('null');

/** Keys that are looked for in an object, and what each is: the number of a value, or -2 less that of an object. */
interface Keys {
  readonly texts: Uint8Array[];
  readonly meanings: number[];
  /** By hash: place in the lists, -1 for none. Twice as long as a power of two that holds them: few collide. */
  index: Int16Array;
  mask: number;
}

const UNKNOWN = -1;

function hashOf(bytes: Uint8Array, from: number, to: number): number {
  let hash = 0;
  for (let i = from; i < to; i++) hash = (Math.imul(hash, 31) + (bytes[i] as number)) | 0;
  return hash;
}

function slotOf(hash: number, mask: number): number {
  return (hash ^ (hash >>> 9)) & mask;
}

function addKey(keys: Keys, key: string, meaning: number): void {
  keys.texts.push(ascii(key));
  keys.meanings.push(meaning);
  let slots = 32;
  while (slots < keys.texts.length * 4) slots *= 2;
  keys.mask = slots - 1;
  keys.index = new Int16Array(slots).fill(-1);
  keys.texts.forEach((text, n) => {
    let slot = slotOf(hashOf(text, 0, text.length), keys.mask);
    while (keys.index[slot] !== -1) slot = (slot + 1) & keys.mask;
    keys.index[slot] = n;
  });
}

function meaningOf(keys: Keys, hash: number, bytes: Uint8Array, from: number, to: number): number {
  const { index, mask } = keys;
  let slot = slotOf(hash, mask);
  for (let n = index[slot] as number; n !== -1; n = index[slot] as number) {
    if (sameText(bytes, from, to, keys.texts[n] as Uint8Array)) return keys.meanings[n] as number;
    slot = (slot + 1) & mask;
  }
  return UNKNOWN;
}

/** Makes a reader of these values. Objects are looked into one deep; deeper ones are checked and passed over. */
export function createJsonReader(paths: readonly JsonPath[]): JsonReader {
  const noKeys = (): Keys => ({ texts: [], meanings: [], index: new Int16Array(32).fill(-1), mask: 31 });
  const topKeys = noKeys();
  const objects: Keys[] = [];
  const numbers = new Map<string, number>();
  paths.forEach((path, n) => {
    if (typeof path === 'string') {
      addKey(topKeys, path, n);
      return;
    }
    const [outer, inner] = path;
    let number = numbers.get(outer);
    if (number === undefined) {
      number = objects.length;
      numbers.set(outer, number);
      objects.push(noKeys());
      addKey(topKeys, outer, -2 - number);
    }
    addKey(objects[number] as Keys, inner, n);
  });

  const kind = new Uint8Array(paths.length);
  const starts = new Int32Array(paths.length);
  const ends = new Int32Array(paths.length);
  const place = new Int32Array(paths.length);
  const isEscaped = new Uint8Array(paths.length);
  const stack = new Uint8Array(DEEPEST);
  const shapes = createJsonShapes({ kind, from: starts, to: ends, place });
  const isSeen = new Uint8Array(numbers.size);
  let source: Uint8Array = NOTHING;
  let scratch: Uint8Array = NOTHING;
  let hasEscape = false;
  let anyEscape = false;
  /** A wanted value came twice, or is an object or a list: the next line of this shape is read as this one. */
  let isPlain = true;
  let keyMeaning = UNKNOWN;
  let problem = '';
  let problemAt = 0;

  // Positions are arguments and results, not variables of the closure: the loops then run in registers. -1: broken.

  function fail(expected: string, at: number, to: number): number {
    problem = expected;
    problemAt = Math.min(at, to);
    return -1;
  }

  function blanks(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    while (at < to) {
      const byte = bytes[at];
      if (byte !== 32 && byte !== 9 && byte !== 13 && byte !== 10) break;
      at++;
    }
    return at;
  }

  /** From a backslash to the last byte of what it begins. */
  function escapeEnd(bytes: Uint8Array, at: number, to: number): number {
    hasEscape = true;
    if (at + 1 >= to) return fail('the closing quote', to, to);
    const letter = bytes[at + 1] as number;
    if (letter !== 117) return ESCAPES.has(letter) ? at + 1 : fail('an escape of JSON', at + 1, to);
    if (at + 5 >= to || hexValue(bytes, at + 2) < 0) return fail('four hexadecimal digits', at + 2, to);
    return at + 5;
  }

  /** From behind the first quote to behind the last one. */
  function string(bytes: Uint8Array, from: number, to: number): number {
    for (let at = from; at < to; at++) {
      const byte = bytes[at] as number;
      if (STOPS[byte] === 0) continue;
      if (byte === QUOTE) return at + 1;
      if (byte !== BACKSLASH) return fail('no control character in a text', at, to);
      at = escapeEnd(bytes, at, to);
      if (at < 0) return -1;
    }
    return fail('the closing quote', to, to);
  }

  function digits(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    while (at < to && isDigit(bytes[at])) at++;
    return at === from ? fail('a digit', at, to) : at;
  }

  function number(bytes: Uint8Array, from: number, to: number): number {
    const first = bytes[from] === MINUS ? from + 1 : from;
    let at = digits(bytes, first, to);
    if (at < 0) return -1;
    if (bytes[first] === 48 && at > first + 1) return fail('no digit behind a leading zero', first + 1, to);
    if (at < to && bytes[at] === DOT) {
      at = digits(bytes, at + 1, to);
      if (at < 0) return -1;
    }
    if (at < to && ((bytes[at] as number) | 32) === 101) {
      at++;
      if (at < to && (bytes[at] === PLUS || bytes[at] === MINUS)) at++;
      at = digits(bytes, at, to);
    }
    return at;
  }

  function word(bytes: Uint8Array, at: number, to: number, text: Uint8Array): number {
    const end = at + text.length;
    return end <= to && sameText(bytes, at, end, text) ? end : fail('a value', at, to);
  }

  /** Passes over a value. */
  function value(bytes: Uint8Array, at: number, to: number): number {
    const found = at < to ? KIND_OF[bytes[at] as number] : MISSING;
    if (found === TEXT) return string(bytes, at + 1, to);
    if (found === NUMBER) return number(bytes, at, to);
    if (found === JSON_KIND.true) return word(bytes, at, to, TRUE);
    if (found === JSON_KIND.false) return word(bytes, at, to, FALSE);
    if (found === JSON_KIND.null) return word(bytes, at, to, NULL);
    return found === MISSING ? fail('a value', at, to) : nested(bytes, at, to);
  }

  /** Passes over an object or a list, whatever is in there. No recursion: how deep it is, others decide. */
  function nested(bytes: Uint8Array, from: number, to: number): number {
    let depth = 0;
    let isFirst = true;
    let at = from;
    stack[0] = bytes[at++] as number;
    for (;;) {
      at = blanks(bytes, at, to);
      const isObject = stack[depth] === OPEN;
      if (at < to && bytes[at] === (isObject ? CLOSE : CLOSE_LIST)) {
        at++;
        if (depth === 0) return at;
        depth--;
        isFirst = false;
        continue;
      }
      if (!isFirst) {
        if (at >= to || bytes[at] !== COMMA)
          return fail(isObject ? 'a comma or a closing brace' : 'a comma or a closing bracket', at, to);
        at = blanks(bytes, at + 1, to);
      }
      isFirst = false;
      if (isObject) {
        if (at >= to || bytes[at] !== QUOTE) return fail('a key in quotes', at, to);
        at = string(bytes, at + 1, to);
        if (at < 0) return -1;
        at = blanks(bytes, at, to);
        if (at >= to || bytes[at] !== COLON) return fail('a colon', at, to);
        at = blanks(bytes, at + 1, to);
      }
      if (at < to && (bytes[at] === OPEN || bytes[at] === OPEN_LIST)) {
        if (++depth >= DEEPEST) return fail(`nothing deeper than ${DEEPEST} levels`, at, to);
        stack[depth] = bytes[at++] as number;
        isFirst = true;
      } else {
        at = value(bytes, at, to);
        if (at < 0) return -1;
      }
    }
  }

  /** Passes over a key and its colon; keyMeaning says what it is. */
  function key(bytes: Uint8Array, from: number, to: number, keys: Keys): number {
    if (from >= to || bytes[from] !== QUOTE) return fail('a key in quotes', from, to);
    const begin = from + 1;
    let at = begin;
    let hash = 0;
    for (; at < to; at++) {
      const byte = bytes[at] as number;
      if (STOPS[byte] !== 0) break;
      hash = (Math.imul(hash, 31) + byte) | 0;
    }
    if (at < to && bytes[at] === QUOTE) {
      keyMeaning = meaningOf(keys, hash, bytes, begin, at);
      at++;
    } else {
      at = string(bytes, begin, to);
      if (at < 0) return -1;
      keyMeaning = UNKNOWN;
      // Longer than six times any key that is wanted, it is none of them.
      if (at - begin <= 1024) {
        const plain = new Uint8Array(at - begin);
        const end = unescapeInto(bytes, begin, at - 1, plain, 0);
        keyMeaning = meaningOf(keys, hashOf(plain, 0, end), plain, 0, end);
      }
    }
    if (at < to && bytes[at] === COLON) at++;
    else {
      at = blanks(bytes, at, to);
      if (at >= to || bytes[at] !== COLON) return fail('a colon', at, to);
      at++;
    }
    return at < to && (bytes[at] as number) <= 32 ? blanks(bytes, at, to) : at;
  }

  function take(bytes: Uint8Array, at: number, to: number, n: number): number {
    hasEscape = false;
    const end = value(bytes, at, to);
    if (end < 0) return -1;
    const found = KIND_OF[bytes[at] as number] as number;
    const inner = found === TEXT ? 1 : 0;
    if (kind[n] !== MISSING || found >= JSON_KIND.object) isPlain = false;
    kind[n] = found;
    starts[n] = at + inner;
    ends[n] = end - inner;
    place[n] = at + inner;
    isEscaped[n] = 0;
    if (hasEscape && found === TEXT) {
      isEscaped[n] = 1;
      anyEscape = true;
    }
    return end;
  }

  /** The members of the object that begins at `from`. */
  function members(bytes: Uint8Array, from: number, to: number, keys: Keys): number {
    let at = blanks(bytes, from + 1, to);
    if (at < to && bytes[at] === CLOSE) return at + 1;
    for (;;) {
      at = key(bytes, at, to, keys);
      if (at < 0) return -1;
      const meaning = keyMeaning;
      if (meaning >= 0) at = take(bytes, at, to, meaning);
      else if (meaning === UNKNOWN) at = value(bytes, at, to);
      else {
        // Of an object that comes twice the later one counts, and so it does where that is no object.
        const inner = objects[-2 - meaning] as Keys;
        if (isSeen[-2 - meaning] === 1) isPlain = false;
        isSeen[-2 - meaning] = 1;
        for (const n of inner.meanings) kind[n] = MISSING;
        at = at < to && bytes[at] === OPEN ? members(bytes, at, to, inner) : value(bytes, at, to);
      }
      if (at < 0) return -1;
      let byte = at < to ? bytes[at] : 0;
      if (byte !== COMMA && byte !== CLOSE) {
        at = blanks(bytes, at, to);
        byte = at < to ? bytes[at] : 0;
        if (byte !== COMMA && byte !== CLOSE) return fail('a comma or a closing brace', at, to);
      }
      at++;
      if (byte === CLOSE) return at;
      if (at < to && (bytes[at] as number) <= 32) at = blanks(bytes, at, to);
    }
  }

  /** Copies the wanted values, texts without their escapes, so that they can be read like any other. */
  function decode(bytes: Uint8Array): void {
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
    read(bytes, from, to) {
      source = bytes;
      if (shapes.read(bytes, from, to)) return true;
      anyEscape = false;
      isPlain = true;
      isSeen.fill(0);
      kind.fill(MISSING);
      let at = blanks(bytes, from, to);
      if (at >= to || bytes[at] !== OPEN) return fail('a JSON object', at, to) >= 0;
      at = members(bytes, at, to, topKeys);
      if (at < 0) return false;
      at = blanks(bytes, at, to);
      if (at < to) return fail('nothing behind the closing brace', at, to) >= 0;
      if (isPlain) shapes.learn(bytes, from, to);
      if (anyEscape) decode(bytes);
      return true;
    },
    number(n) {
      if (kind[n] !== NUMBER) return Number.NaN;
      const from = starts[n] as number;
      const end = ends[n] as number;
      if (end - from <= 9) {
        let value = 0;
        let at = from;
        for (; at < end; at++) {
          const digit = (source[at] as number) - 48;
          if (digit < 0 || digit > 9) break;
          value = value * 10 + digit;
        }
        if (at === end) return value;
      }
      const plain = decimalAt(source, from, end);
      // An exponent, a sign, or more digits than are read without garbage.
      return plain >= 0 ? plain : Number(String.fromCharCode(...source.subarray(from, Math.min(end, from + 400))));
    },
  };
}

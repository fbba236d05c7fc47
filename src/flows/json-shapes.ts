import { JSON_KIND } from './json-kind.ts';

/** Where a reader keeps what it finds, by the place of a path in its list. */
export interface JsonFound {
  readonly kind: Uint8Array;
  readonly from: Int32Array;
  readonly to: Int32Array;
  readonly place: Int32Array;
}

/**
 * The lines of a log are alike: the same keys in the same order, other values. A shape is what lies between the values of
 * such a line: `{"src_ip":`, `,"src_port":`. Shapes make a tree, in which each line is a way from the root to an end: what
 * was read once is known again by comparing four bytes at a time, and only the values are looked at.
 */
export interface JsonShapes {
  /**
   * Reads a line of a known shape into what was found. False: it is none, or no JSON; what was found is then of no use. It
   * never takes what is no JSON: keys and punctuation are those of a line that was checked, and values are checked here.
   */
  read(bytes: Uint8Array, from: number, to: number): boolean;
  /** Remembers the shape of a line that was checked, and where in it the values are that were found. */
  learn(bytes: Uint8Array, from: number, to: number): void;
}

/** Pieces between values that are remembered, of all shapes; a file whose lines are all different has no more. */
const MOST_PIECES = 4_000;
/** Bytes of all pieces. */
const MOST_BYTES = 64 * 1024;
/** Pieces that may follow the same beginning of a line. */
const MOST_BRANCHES = 12;

const QUOTE = 34;
const BACKSLASH = 92;
const COLON = 58;
const MINUS = 45;
const DOT = 46;
const ZERO = 48;
const { text: TEXT, number: NUMBER, missing: MISSING } = JSON_KIND;
/** Slots of pieces: the value behind it is not wanted; nothing is behind it. */
const UNWANTED = -1;
const END = -2;
const NONE = -1;
/** Where what stands in a piece: its text, the value behind it, the first piece behind that, the next one in its own stead. */
const [BEGIN, LENGTH, SLOT, CHILD, SIBLING, PIECE] = [0, 1, 2, 3, 4, 5] as const;

/** 1: a text does not simply go on at such a byte. */
const STOPS = new Uint8Array(256).fill(1, 0, 32);
STOPS[QUOTE] = 1;
STOPS[BACKSLASH] = 1;
const IS_DIGIT = new Uint8Array(256).fill(1, ZERO, ZERO + 10);

const TRUE = 0x65757274; // the letters as a little-endian word
const FALS = 0x736c6166;
const NULL = 0x6c6c756e;

export function createJsonShapes(found: JsonFound): JsonShapes {
  const { kind, from: starts, to: ends, place } = found;
  /** Of each piece five numbers, side by side. A piece is the place of the first of them. */
  const tree = new Int32Array(MOST_PIECES * PIECE).fill(NONE);
  const text = new Uint8Array(MOST_BYTES);
  const words = new DataView(text.buffer);
  let pieces = PIECE; // the first is the root
  let used = 0;
  let known: Uint8Array | null = null;
  let view: DataView = words;

  /** Says whether size bytes of pieces, from `of` on, stand at a place of the view; at least four. */
  function isThere(of: number, size: number, at: number): boolean {
    const last = size - 4;
    if (view.getInt32(at + last, true) !== words.getInt32(of + last, true)) return false;
    for (let i = 0; i < last; i += 4) if (view.getInt32(at + i, true) !== words.getInt32(of + i, true)) return false;
    return true;
  }

  function isShortThere(bytes: Uint8Array, of: number, size: number, at: number): boolean {
    for (let i = 0; i < size; i++) if (bytes[at + i] !== text[of + i]) return false;
    return true;
  }

  /** Where a text ends that begins behind its quote; -1: at no quote, or it has an escape. */
  function textEnd(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    for (const last = to - 4; at <= last; at += 4) {
      const word = view.getInt32(at, true);
      const quote = word ^ 0x22222222;
      const backslash = word ^ 0x5c5c5c5c;
      // The top bit of a byte is set where it is zero, or below 32; or, rarely, behind such a one.
      const stops =
        ((quote - 0x01010101) & ~quote) | ((backslash - 0x01010101) & ~backslash) | ((word - 0x20202020) & ~word);
      if ((stops & 0x80808080) !== 0) break;
    }
    while (at < to && STOPS[bytes[at] as number] === 0) at++;
    return at < to && bytes[at] === QUOTE ? at : -1;
  }

  /** Behind a number without sign and exponent; -1: it is none. */
  function numberEnd(bytes: Uint8Array, from: number, to: number): number {
    let at = from;
    while (at < to && IS_DIGIT[bytes[at] as number] === 1) at++;
    if (at === from || (bytes[from] === ZERO && at > from + 1)) return -1;
    if (at < to && bytes[at] === DOT) {
      const dot = ++at;
      while (at < to && IS_DIGIT[bytes[at] as number] === 1) at++;
      if (at === dot) return -1;
    }
    return at;
  }

  function take(n: number, what: number, from: number, to: number): void {
    kind[n] = what;
    starts[n] = from;
    ends[n] = to;
    place[n] = from;
  }

  function read(bytes: Uint8Array, from: number, to: number): boolean {
    if (pieces === PIECE) return false;
    if (known !== bytes) {
      known = bytes;
      view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    kind.fill(MISSING);
    let at = from;
    let piece = tree[CHILD] as number;
    while (piece !== NONE) {
      const size = tree[piece + LENGTH] as number;
      const of = tree[piece + BEGIN] as number;
      const value = at + size;
      if (value > to || !(size < 4 ? isShortThere(bytes, of, size, at) : isThere(of, size, at))) {
        piece = tree[piece + SIBLING] as number;
        continue;
      }
      const n = tree[piece + SLOT] as number;
      if (n === END) {
        if (value === to) return true;
        piece = tree[piece + SIBLING] as number;
        continue;
      }
      if (value >= to) return false;
      const first = bytes[value] as number;
      let end: number;
      if (first === QUOTE) {
        end = textEnd(bytes, value + 1, to);
        if (end < 0) return false;
        if (n >= 0) take(n, TEXT, value + 1, end);
        end++;
      } else if (IS_DIGIT[first] === 1) {
        end = numberEnd(bytes, value, to);
        if (end < 0) return false;
        if (n >= 0) take(n, NUMBER, value, end);
      } else {
        const word = value + 4 <= to ? view.getInt32(value, true) : 0;
        const isFalse = word === FALS && bytes[value + 4] === 101;
        end = value + (isFalse ? 5 : 4);
        if (end > to || (word !== TRUE && word !== NULL && !isFalse)) {
          // An object or a list: another piece goes on into it.
          piece = tree[piece + SIBLING] as number;
          continue;
        }
        if (n >= 0) take(n, isFalse ? JSON_KIND.false : word === TRUE ? JSON_KIND.true : JSON_KIND.null, value, end);
      }
      at = end;
      piece = tree[piece + CHILD] as number;
    }
    return false;
  }

  /** The piece that follows another; made where there is none. NONE: there is no room for it. */
  function follow(parent: number, bytes: Uint8Array, from: number, to: number, n: number): number {
    let last = NONE;
    let branches = 0;
    for (let piece = tree[parent + CHILD] as number; piece !== NONE; piece = tree[piece + SIBLING] as number) {
      const of = tree[piece + BEGIN] as number;
      const size = tree[piece + LENGTH] as number;
      if (size === to - from && text.subarray(of, of + size).every((byte, i) => byte === bytes[from + i])) {
        if (tree[piece + SLOT] === n) return piece;
        if (tree[piece + SLOT] === END || n === END) continue;
        return NONE;
      }
      last = piece;
      branches++;
    }
    const size = to - from;
    if (branches >= MOST_BRANCHES || pieces >= tree.length || used + size > MOST_BYTES) return NONE;
    const piece = pieces;
    pieces += PIECE;
    text.set(bytes.subarray(from, to), used);
    tree[piece + BEGIN] = used;
    tree[piece + LENGTH] = size;
    tree[piece + SLOT] = n;
    used += size;
    if (last === NONE) tree[parent + CHILD] = piece;
    else tree[last + SIBLING] = piece;
    return piece;
  }

  function learn(bytes: Uint8Array, from: number, to: number): void {
    let piece = 0;
    let rest = from;
    for (let at = from; at < to; ) {
      const byte = bytes[at] as number;
      let end = at;
      let isValue = false;
      if (byte === QUOTE) {
        for (end++; bytes[end] !== QUOTE; end++) if (bytes[end] === BACKSLASH) end++;
        end++;
        let next = end;
        while (next < to && (bytes[next] as number) <= 32) next++;
        isValue = bytes[next] !== COLON;
      } else if (byte === MINUS || IS_DIGIT[byte] === 1 || (byte >= 97 && byte <= 122)) {
        isValue = true;
        while (end < to && !isBehindValue(bytes[end] as number)) end++;
      } else end++;
      if (isValue) {
        const content = byte === QUOTE ? at + 1 : at;
        const n = place.findIndex((where, i) => where === content && kind[i] !== MISSING);
        if (n < 0 && byte >= 97 && byte <= 122) {
          // One of three words, and nobody wants it: a part of the piece.
          at = end;
          continue;
        }
        piece = follow(piece, bytes, rest, at, n < 0 ? UNWANTED : n);
        if (piece === NONE) return;
        rest = end;
      }
      at = end;
    }
    follow(piece, bytes, rest, to, END);
  }

  return { read, learn };
}

function isBehindValue(byte: number): boolean {
  return byte <= 32 || byte === 44 || byte === 93 || byte === 125;
}

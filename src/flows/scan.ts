import type { AddressIds } from './flow-format.ts';

/**
 * Readers of values in the bytes of a log, all of the same kind: they look at bytes[from, to) alone, take the whole of it
 * or nothing, and make no garbage. A log of a hundred million lines is read by these; strings and regular expressions
 * are for messages.
 */

const LF = 10;
const CR = 13;
const SPACE = 32;
const TAB = 9;
const DOT = 46;
const DASH = 45;
const PLUS = 43;
const COLON = 58;
const ZERO = 48;
const NINE = 57;

/** Where the field that begins at `from` ends: at the next `byte`, or at `to`. */
export function fieldEnd(bytes: Uint8Array, from: number, to: number, byte: number): number {
  let i = from;
  while (i < to && bytes[i] !== byte) i++;
  return i;
}

/** Where the line that begins at `from` ends: at its line feed, or at `to`. */
export function lineEnd(bytes: Uint8Array, from: number, to: number): number {
  return fieldEnd(bytes, from, to, LF);
}

/** The same for long lines: a call of the engine's search costs more than a short line, and less than a long one. */
export function longLineEnd(bytes: Uint8Array, from: number, to: number): number {
  const end = bytes.indexOf(LF, from);
  return end < 0 || end > to ? to : end;
}

/** Calls `one` for each line of bytes[from, to), which may be long; `number` is that of the first. Returns how many there were. */
export function eachLongLine(
  bytes: Uint8Array,
  from: number,
  to: number,
  number: number,
  one: (bytes: Uint8Array, from: number, to: number, line: number) => void,
): number {
  let read = 0;
  for (let at = from; at < to; read++) {
    const end = longLineEnd(bytes, at, to);
    one(bytes, at, withoutReturn(bytes, at, end), number + read);
    at = end + 1;
  }
  return read;
}

/** The end of the text of a line that ends at `end`: a carriage return before the line feed does not belong to it. */
export function withoutReturn(bytes: Uint8Array, from: number, end: number): number {
  return end > from && bytes[end - 1] === CR ? end - 1 : end;
}

/** The first place from `from` on that is neither a space nor a tab; `to` where there is none. */
export function skipBlanks(bytes: Uint8Array, from: number, to: number): number {
  let i = from;
  while (i < to && (bytes[i] === SPACE || bytes[i] === TAB)) i++;
  return i;
}

/** Says whether bytes[from, to) are exactly these. */
export function sameText(bytes: Uint8Array, from: number, to: number, expected: Uint8Array): boolean {
  const length = expected.length;
  if (to - from !== length) return false;
  for (let i = 0; i < length; i++) if (bytes[from + i] !== expected[i]) return false;
  return true;
}

/** Says whether bytes[from, to) begin with these. */
export function startsWith(bytes: Uint8Array, from: number, to: number, expected: Uint8Array): boolean {
  return to - from >= expected.length && sameText(bytes, from, from + expected.length, expected);
}

/** Says whether bytes[from, to) are these but for the case of ASCII letters. `lower`: in lower case. */
export function sameWord(bytes: Uint8Array, from: number, to: number, lower: Uint8Array): boolean {
  const length = lower.length;
  if (to - from !== length) return false;
  for (let i = 0; i < length; i++) {
    const byte = bytes[from + i] as number;
    if ((byte >= 65 && byte <= 90 ? byte | 32 : byte) !== lower[i]) return false;
  }
  return true;
}

/** Bytes of an ASCII text, to compare with. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (letter) => letter.charCodeAt(0));
}

/** A piece of a log for a message: at most 60 bytes of it, what is not printable ASCII as a dot. */
export function quoteAt(bytes: Uint8Array, from: number, to: number): string {
  let text = '';
  for (let i = from; i < to && i < from + 60; i++) {
    const byte = bytes[i] as number;
    text += byte < 32 || byte > 126 ? '.' : String.fromCharCode(byte);
  }
  return to - from > 60 ? `${text}…` : text;
}

/** A whole decimal number, 0 to 2^53 - 1, digits only; -1: it is none. */
export function uintAt(bytes: Uint8Array, from: number, to: number): number {
  const length = to - from;
  if (length < 1 || length > 16) return -1;
  const middle = length > 9 ? from + 9 : to;
  let low = 0; // nine digits fit a small integer
  for (let i = from; i < middle; i++) {
    const digit = (bytes[i] as number) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    low = low * 10 + digit;
  }
  if (length <= 9) return low;
  let value = low;
  for (let i = middle; i < to; i++) {
    const digit = (bytes[i] as number) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : -1;
}

/** A whole number from 0 to `most`; -1: it is none. `most` is below 2^30. */
export function uintUpTo(bytes: Uint8Array, from: number, to: number, most: number): number {
  const length = to - from;
  if (length < 1 || length > 9) return -1;
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = (bytes[i] as number) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    value = value * 10 + digit;
  }
  return value <= most ? value : -1;
}

const TENTHS = [1, 1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9];

/**
 * A number with a decimal fraction, such as a time in seconds: digits, and after a full stop more of them (those behind
 * the ninth count as nothing). No sign, no exponent. -1: it is none.
 */
export function decimalAt(bytes: Uint8Array, from: number, to: number): number {
  const dot = fieldEnd(bytes, from, to, DOT);
  const whole = uintAt(bytes, from, dot);
  if (whole < 0 || dot === to) return whole;
  if (dot + 1 === to) return -1;
  let fraction = 0;
  for (let i = dot + 1; i < to; i++) {
    const digit = (bytes[i] as number) - ZERO;
    if (digit < 0 || digit > 9) return -1;
    if (i <= dot + 9) fraction = fraction * 10 + digit;
  }
  return whole + fraction * (TENTHS[Math.min(9, to - dot - 1)] as number);
}

function hexDigit(byte: number): number {
  if (byte >= ZERO && byte <= NINE) return byte - ZERO;
  const letter = byte | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}

/** A whole number in hexadecimal digits, with or without `0x`, up to 12 digits; -1: it is none. */
export function hexAt(bytes: Uint8Array, from: number, to: number): number {
  const start = to - from > 2 && bytes[from] === ZERO && ((bytes[from + 1] as number) | 32) === 120 ? from + 2 : from;
  if (to - start < 1 || to - start > 12) return -1;
  let value = 0;
  for (let i = start; i < to; i++) {
    const digit = hexDigit(bytes[i] as number);
    if (digit < 0) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/** Least value of a decimal number of so many digits that has no leading zero. */
const LEAST = Int32Array.of(256, 0, 10, 100);

/** An IPv4 address as its value: four decimal numbers, no leading zeros; -1: it is none. */
export function ipv4At(bytes: Uint8Array, from: number, to: number): number {
  if (to - from > 15) return -1;
  let value = 0; // of the first three parts: a small integer
  let part = 0;
  let parts = 0;
  let begin = from;
  for (let i = from; i < to; i++) {
    const digit = (bytes[i] as number) ^ ZERO;
    if (digit <= 9) part = part * 10 + digit;
    else {
      const digits = i - begin;
      if (digit !== (DOT ^ ZERO) || digits > 3 || part > 255 || part < (LEAST[digits] as number)) return -1;
      value = (value << 8) | part;
      part = 0;
      begin = i + 1;
      parts++;
    }
  }
  const digits = to - begin;
  if (parts !== 3 || digits > 3 || part > 255 || part < (LEAST[digits] as number)) return -1;
  return ((value << 8) | part) >>> 0;
}

/** The address that was read last, in network order. */
const scratch = new Uint8Array(16);
const groups = new Uint16Array(8);

/** Reads an IPv6 address (RFC 4291, 2.2, all three forms, no zone) into target[at, at + 16). False: it is none. */
export function ipv6Into(bytes: Uint8Array, from: number, to: number, target: Uint8Array, at: number): boolean {
  let count = 0;
  let gap = -1;
  let i = from;
  if (to - from < 2) return false;
  if (bytes[i] === COLON) {
    if (bytes[i + 1] !== COLON) return false;
    gap = 0;
    i += 2;
  }
  while (i < to) {
    const start = i;
    let group = 0;
    for (; i < to && i - start < 4; i++) {
      const digit = hexDigit(bytes[i] as number);
      if (digit < 0) break;
      group = group * 16 + digit;
    }
    if (i === start) return false;
    if (i < to && bytes[i] === DOT) {
      const ipv4 = ipv4At(bytes, start, to);
      if (ipv4 < 0 || count > 6) return false;
      groups[count++] = ipv4 >>> 16;
      groups[count++] = ipv4 & 0xffff;
      break;
    }
    if (count === 8) return false;
    groups[count++] = group;
    if (i === to) break;
    if (bytes[i++] !== COLON || i === to) return false;
    if (bytes[i] === COLON) {
      if (gap >= 0) return false;
      gap = count;
      i++;
    }
  }
  if (gap < 0 ? count !== 8 : count > 7) return false;
  const head = gap < 0 ? 8 : gap;
  for (let g = 0; g < 8; g++) {
    const source = g < head ? g : g - (8 - count);
    const group = g < head || source >= head ? (groups[source] as number) : 0;
    target[at + g * 2] = group >>> 8;
    target[at + g * 2 + 1] = group & 255;
  }
  return true;
}

/** An IPv4 or IPv6 address as a number of a FlowRecord; -1: it is none. */
export function addressAt(bytes: Uint8Array, from: number, to: number, ids: AddressIds): number {
  const ipv4 = ipv4At(bytes, from, to);
  if (ipv4 >= 0) return ipv4;
  return to - from <= 45 && ipv6Into(bytes, from, to, scratch, 0) ? ids.ipv6(scratch, 0) : -1;
}

/** Two digits at `from`; -1: they are none. */
export function twoDigitsAt(bytes: Uint8Array, from: number): number {
  const tens = (bytes[from] as number) - ZERO;
  const ones = (bytes[from + 1] as number) - ZERO;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

const DAYS_OF_MONTH = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/**
 * UTC seconds of a date and a time of day; NaN where there is no such time. `month`: 1 to 12. A leap second counts as the
 * second before it, as POSIX time does not have it.
 */
export function utcSeconds(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number {
  if (!(year >= 1970 && year <= 9999 && month >= 1 && month <= 12 && day >= 1)) return Number.NaN;
  const isLeap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  if (day > (DAYS_OF_MONTH[month - 1] as number) || (month === 2 && day === 29 && !isLeap)) return Number.NaN;
  if (!(hour >= 0 && hour <= 23 && minute >= 0 && minute <= 59 && second >= 0 && second <= 60)) return Number.NaN;
  // Days since 1970 of a proleptic Gregorian date whose year begins in March.
  const years = month > 2 ? year : year - 1;
  const months = month > 2 ? month - 3 : month + 9;
  const days =
    years * 365 +
    Math.floor(years / 4) -
    Math.floor(years / 100) +
    Math.floor(years / 400) +
    Math.floor((153 * months + 2) / 5) +
    day -
    1 -
    719_468;
  return days * 86_400 + hour * 3_600 + minute * 60 + Math.min(second, 59);
}

/**
 * A time as RFC 3339 writes it, in UTC seconds; NaN: it is none. `T` may be a space; the fraction may be led by a comma; the
 * zone may be `Z`, `+02:00`, `+0200`, or be missing, which is UTC less `offsetMinutes` east of it.
 */
export function rfc3339At(bytes: Uint8Array, from: number, to: number, offsetMinutes = 0): number {
  if (to - from < 19) return Number.NaN;
  const high = twoDigitsAt(bytes, from);
  const low = twoDigitsAt(bytes, from + 2);
  const year = high < 0 || low < 0 ? -1 : high * 100 + low;
  const separator = bytes[from + 10] as number;
  if (bytes[from + 4] !== DASH || bytes[from + 7] !== DASH) return Number.NaN;
  if (separator !== SPACE && (separator | 32) !== 116) return Number.NaN;
  if (bytes[from + 13] !== COLON || bytes[from + 16] !== COLON) return Number.NaN;
  const whole = utcSeconds(
    year,
    twoDigitsAt(bytes, from + 5),
    twoDigitsAt(bytes, from + 8),
    twoDigitsAt(bytes, from + 11),
    twoDigitsAt(bytes, from + 14),
    twoDigitsAt(bytes, from + 17),
  );
  let i = from + 19;
  let fraction = 0;
  if (i < to && (bytes[i] === DOT || bytes[i] === 44)) {
    const start = ++i;
    for (; i < to; i++) {
      const digit = (bytes[i] as number) - ZERO;
      if (digit < 0 || digit > 9) break;
      if (i - start < 9) fraction = fraction * 10 + digit;
    }
    if (i === start) return Number.NaN;
    fraction *= TENTHS[Math.min(9, i - start)] as number;
  }
  if (i === to) return whole - offsetMinutes * 60 + fraction;
  const zone = bytes[i] as number;
  if ((zone | 32) === 122) return i + 1 === to ? whole + fraction : Number.NaN;
  if (zone !== PLUS && zone !== DASH) return Number.NaN;
  const hours = i + 3 <= to ? twoDigitsAt(bytes, i + 1) : -1;
  const second = i + 3 < to && bytes[i + 3] === COLON ? i + 4 : i + 3;
  const minutes = second + 2 === to ? twoDigitsAt(bytes, second) : second === to && second === i + 3 ? 0 : -1;
  if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59) return Number.NaN;
  const seconds = (hours * 60 + minutes) * 60;
  return whole + fraction + (zone === PLUS ? -seconds : seconds);
}

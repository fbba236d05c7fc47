import { rfc3339At, twoDigitsAt } from './scan.ts';

const DASH = 45;
const COLON = 58;
const DOT = 46;
const LETTER_T = 84;
const LETTER_Z = 90;
const PLUS = 43;
const ZERO = 48;
const DAY_BYTES = 10;
const MICRO_BYTES = 26;

/**
 * Makes a function that reads times as `rfc3339At` does, with the same results, and remembers the day of the last one: a log
 * goes through its days one by one. Suricata's own form, `2026-03-02T10:00:00.123456+0000` or with `Z`, is read in one go.
 */
export function createTimeReader(offsetMinutes: number): (bytes: Uint8Array, from: number, to: number) => number {
  const day = new Uint8Array(DAY_BYTES);
  let midnight = Number.NaN;

  function isSameDay(bytes: Uint8Array, from: number): boolean {
    // The last digits first: they change first.
    for (let i = DAY_BYTES - 1; i >= 0; i--) if (bytes[from + i] !== day[i]) return false;
    return true;
  }

  return (bytes, from, to) => {
    const length = to - from;
    const isUtc =
      length === MICRO_BYTES + 1
        ? bytes[to - 1] === LETTER_Z
        : length === MICRO_BYTES + 5 &&
          bytes[to - 5] === PLUS &&
          bytes[to - 4] === ZERO &&
          bytes[to - 3] === ZERO &&
          bytes[to - 2] === ZERO &&
          bytes[to - 1] === ZERO;
    if (
      !isUtc ||
      bytes[from + 10] !== LETTER_T ||
      bytes[from + 13] !== COLON ||
      bytes[from + 16] !== COLON ||
      bytes[from + 19] !== DOT
    )
      return rfc3339At(bytes, from, to, offsetMinutes);
    if (!isSameDay(bytes, from) || Number.isNaN(midnight)) {
      const whole = rfc3339At(bytes, from, to, offsetMinutes);
      if (Number.isNaN(whole) || bytes[from + 4] !== DASH) return whole;
      midnight = Math.floor(whole / 86_400) * 86_400;
      day.set(bytes.subarray(from, from + DAY_BYTES));
      return whole;
    }
    const hour = twoDigitsAt(bytes, from + 11);
    const minute = twoDigitsAt(bytes, from + 14);
    const second = twoDigitsAt(bytes, from + 17);
    const a = twoDigitsAt(bytes, from + 20);
    const b = twoDigitsAt(bytes, from + 22);
    const c = twoDigitsAt(bytes, from + 24);
    if ((hour | minute | second | a | b | c) < 0 || hour > 23 || minute > 59 || second > 59)
      return rfc3339At(bytes, from, to, offsetMinutes);
    return midnight + hour * 3_600 + minute * 60 + second + (a * 10_000 + b * 100 + c) * 1e-6;
  };
}

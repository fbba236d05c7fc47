import type { FlowFormatOptions } from './flow-format.ts';
import {
  ascii,
  fieldEnd,
  rfc3339At,
  sameText,
  skipBlanks,
  startsWith,
  twoDigitsAt,
  uintAt,
  uintUpTo,
  utcSeconds,
} from './scan.ts';
import { createWordTable } from './word-table.ts';

/** What is before the message of a log line. One object per run, filled again for each line. */
export interface LogHead {
  /** UTC seconds; NaN: it cannot be known. */
  time: number;
  /** Why not: what was expected, and where. */
  expected: string;
  expectedAt: number;
  /** Name of the host; empty where there is none. */
  hostFrom: number;
  hostTo: number;
  /** Whose message it is: the kernel's, another program's, or nobody is named. */
  author: number;
  /** Where the message begins, behind the kernel's own time. */
  messageAt: number;
}

export const AUTHOR = { kernel: 0, program: 1, unnamed: 2 } as const;

export function emptyLogHead(): LogHead {
  return { time: 0, expected: '', expectedAt: 0, hostFrom: 0, hostTo: 0, author: 0, messageAt: 0 };
}

const SPACE = 32;
const OPEN = 91;
const CLOSE = 93;
const LESS = 60;
const GREATER = 62;
const COLON = 58;
const COMMA = 44;
const DOT = 46;
const DASH = 45;
const QUOTE = 34;
const BACKSLASH = 92;
const DAY = 86_400;

const months = createWordTable(['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']);
const weekdays = createWordTable(['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']);
const utcWords = createWordTable(['UTC', 'GMT', 'Z']);
const kernel = ascii('kernel');
const kernelTag = ascii('kernel:');
const facility = ascii('kern.');
const nil = ascii('-');

function isDigit(byte: number | undefined): boolean {
  return byte !== undefined && byte >= 48 && byte <= 57;
}

/** Reader of the heads of log lines, with where a date without year or zone belongs. */
export interface LogHeads {
  /**
   * Reads the head of the line bytes[from, to): RFC 3164 (with a year or a zone or none), RFC 5424, times of ISO 8601, seconds
   * since 1970, `dmesg -T` and `--time-format iso`, OpenWrt's.
   */
  read(bytes: Uint8Array, from: number, to: number, out: LogHead): void;
}

/**
 * A date without a year is the newest that is not more than a day after the reference, which is asked for each time: a clock
 * may be ahead, and a time without a zone may be local time.
 */
export function createLogHeads(options: Pick<FlowFormatOptions, 'reference' | 'utcOffsetMinutes'>): LogHeads {
  const { utcOffsetMinutes } = options;
  /** Where the time ends, after one was read. */
  let end = 0;
  /** Whether the time has a fraction of a second, and a zone. */
  let hasFraction = false;
  let hasZone = false;

  /** Seconds east of UTC of a zone that bytes[from, to) name; NaN: they name none. */
  function zoneAt(bytes: Uint8Array, from: number, to: number): number {
    if (utcWords.indexOf(bytes, from, to) >= 0) return 0;
    const sign = bytes[from] === 43 ? 1 : bytes[from] === DASH ? -1 : 0;
    const minutesAt = bytes[from + 3] === COLON ? from + 4 : from + 3;
    if (sign === 0 || to !== minutesAt + 2) return Number.NaN;
    const hours = twoDigitsAt(bytes, from + 1);
    const minutes = twoDigitsAt(bytes, minutesAt);
    return hours < 0 || hours > 23 || minutes < 0 || minutes > 59 ? Number.NaN : sign * (hours * 60 + minutes) * 60;
  }

  /** `Nov 22 09:43:03`, with a year before or behind the time or none, a fraction, a zone. Sets `end`. */
  function monthDayTime(bytes: Uint8Array, from: number, to: number): number {
    const month = months.indexOf(bytes, from, from + 3) + 1;
    if (month === 0 || from + 3 >= to || bytes[from + 3] !== SPACE) return Number.NaN;
    let at = skipBlanks(bytes, from + 3, to);
    let stop = fieldEnd(bytes, at, to, SPACE);
    const day = uintUpTo(bytes, at, stop, 31);
    at = skipBlanks(bytes, stop, to);
    stop = fieldEnd(bytes, at, to, SPACE);
    let year = stop - at === 4 ? uintUpTo(bytes, at, stop, 9999) : -1;
    if (year >= 0) {
      at = skipBlanks(bytes, stop, to);
      stop = fieldEnd(bytes, at, to, SPACE);
    }
    // A colon may end it, as Cisco and some relays write it.
    if (stop > at && bytes[stop - 1] === COLON) stop--;
    if (day < 1 || stop - at < 8 || bytes[at + 2] !== COLON || bytes[at + 5] !== COLON) return Number.NaN;
    const hour = twoDigitsAt(bytes, at);
    const minute = twoDigitsAt(bytes, at + 3);
    const second = twoDigitsAt(bytes, at + 6);
    let fraction = 0;
    hasFraction = stop > at + 8;
    if (hasFraction) {
      const digits = uintUpTo(bytes, at + 9, Math.min(stop, at + 18), 999_999_999);
      if (bytes[at + 8] !== DOT || digits < 0) return Number.NaN;
      fraction = digits / 10 ** Math.min(stop - at - 9, 9);
    }
    end = stop < to && bytes[stop] === COLON ? stop + 1 : stop;
    let offset = utcOffsetMinutes * 60;
    let next = skipBlanks(bytes, end, to);
    let nextEnd = fieldEnd(bytes, next, to, SPACE);
    const yearBehind = year < 0 && nextEnd - next === 4 ? uintUpTo(bytes, next, nextEnd, 9999) : -1;
    if (yearBehind >= 1970) {
      year = yearBehind;
      end = nextEnd;
      next = skipBlanks(bytes, end, to);
      nextEnd = fieldEnd(bytes, next, to, SPACE);
    }
    const zone = zoneAt(bytes, next, nextEnd);
    if (!Number.isNaN(zone)) {
      offset = zone;
      end = nextEnd;
      hasZone = true;
    }
    if (year >= 0) return utcSeconds(year, month, day, hour, minute, second) - offset + fraction;
    const latest = options.reference / 1000 + DAY;
    const latestYear = new Date(latest * 1000).getUTCFullYear();
    // 29 February is at most eight years back.
    for (let y = latestYear + 1; y > latestYear - 9; y--) {
      const time = utcSeconds(y, month, day, hour, minute, second) - offset + fraction;
      if (time <= latest) return time;
    }
    return Number.NaN;
  }

  /** A time of ISO 8601, its date and time apart by `T` or a space. Sets `end`. */
  function isoTime(bytes: Uint8Array, from: number, to: number): number {
    const dateEnd = from + 10;
    if (dateEnd >= to || bytes[from + 4] !== DASH) return Number.NaN;
    let stop = fieldEnd(bytes, bytes[dateEnd] === SPACE ? dateEnd + 1 : from, to, SPACE);
    const time = rfc3339At(bytes, from, stop, utcOffsetMinutes);
    hasFraction = stop > from + 19 && (bytes[from + 19] === DOT || bytes[from + 19] === COMMA);
    end = stop;
    if (Number.isNaN(time)) return time;
    const next = skipBlanks(bytes, stop, to);
    stop = fieldEnd(bytes, next, to, SPACE);
    const zone = zoneAt(bytes, next, stop);
    if (Number.isNaN(zone)) return time;
    end = stop;
    hasZone = true;
    return time + utcOffsetMinutes * 60 - zone;
  }

  function noTime(out: LogHead, expected: string, at: number): void {
    out.time = Number.NaN;
    out.expected = expected;
    out.expectedAt = at;
  }

  /** The fraction of the kernel's own time `[12345.678901]`, and where the message is behind it. */
  function kernelTime(bytes: Uint8Array, from: number, to: number, out: LogHead): void {
    let at = skipBlanks(bytes, from, to);
    if (bytes[at] === LESS && bytes[at + 2] === GREATER && isDigit(bytes[at + 1])) at += 3;
    out.messageAt = at;
    if (at >= to || bytes[at] !== OPEN) return;
    const close = fieldEnd(bytes, at, Math.min(to, at + 24), CLOSE);
    const dot = fieldEnd(bytes, at, close, DOT);
    const secondsAt = skipBlanks(bytes, at + 1, dot);
    if (close - dot < 2 || uintAt(bytes, secondsAt, dot) < 0) return;
    const micros = uintUpTo(bytes, dot + 1, close, 999_999);
    if (micros < 0) return;
    out.messageAt = skipBlanks(bytes, close + 1, to);
    // Within the second: so that two packets of one second do not look like one that was delivered twice.
    if (!hasFraction) out.time += micros / 10 ** (close - dot - 1);
  }

  /** `host kernel: message`, from where the time ends. */
  function hostAndTag(bytes: Uint8Array, from: number, to: number, out: LogHead): void {
    let at = skipBlanks(bytes, from, to);
    let stop = fieldEnd(bytes, at, to, SPACE);
    if (!startsWith(bytes, at, to, kernelTag)) {
      // OpenWrt and busybox name the facility in the place of the host.
      if (!startsWith(bytes, at, stop, facility)) {
        out.hostFrom = at;
        out.hostTo = stop;
      }
      at = skipBlanks(bytes, stop, to);
      stop = fieldEnd(bytes, at, to, SPACE);
      if (bytes[at] === COLON && stop === at + 1) {
        at = skipBlanks(bytes, stop, to);
        stop = fieldEnd(bytes, at, to, SPACE);
      }
    }
    if (startsWith(bytes, at, to, kernelTag)) {
      out.author = AUTHOR.kernel;
      kernelTime(bytes, at + kernelTag.length, to, out);
      return;
    }
    out.messageAt = at;
    const isTag = stop > at && bytes[stop - 1] === COLON;
    const behind = skipBlanks(bytes, stop, to);
    // ulogd's LOGEMU names no program: "host DROP: IN=eth0". A program with something to say of its own is another one.
    const isPrefix = bytes[stop - 2] !== CLOSE && bytes[behind] === 73 && bytes[behind + 1] === 78;
    out.author = isTag && !isPrefix ? AUTHOR.program : AUTHOR.unnamed;
  }

  /** Behind `1 ` of RFC 5424: time, host, program, process, kind, structured data, message. */
  function rfc5424(bytes: Uint8Array, from: number, to: number, out: LogHead): void {
    let at = from;
    for (let field = 0; field < 5; field++) {
      const stop = fieldEnd(bytes, at, to, SPACE);
      if (field === 0) {
        out.time = rfc3339At(bytes, at, stop, utcOffsetMinutes);
        hasFraction = stop > at + 19 && bytes[at + 19] === DOT;
        if (Number.isNaN(out.time)) noTime(out, 'a time as in RFC 5424', at);
      } else if (field === 1 && !sameText(bytes, at, stop, nil)) {
        out.hostFrom = at;
        out.hostTo = stop;
      } else if (field === 2) {
        if (sameText(bytes, at, stop, kernel)) out.author = AUTHOR.kernel;
        else out.author = sameText(bytes, at, stop, nil) ? AUTHOR.unnamed : AUTHOR.program;
      }
      at = Math.min(stop + 1, to);
    }
    if (bytes[at] === DASH) at++;
    else
      while (at < to && bytes[at] === OPEN) {
        let isQuoted = false;
        for (; at < to && (isQuoted || bytes[at] !== CLOSE); at++) {
          if (bytes[at] === BACKSLASH) at++;
          else if (bytes[at] === QUOTE) isQuoted = !isQuoted;
        }
        at++;
      }
    at = Math.min(skipBlanks(bytes, at, to), to);
    if (bytes[at] === 0xef && bytes[at + 1] === 0xbb && bytes[at + 2] === 0xbf) at += 3;
    kernelTime(bytes, at, to, out);
  }

  return {
    read(bytes, from, to, out) {
      out.author = AUTHOR.unnamed;
      out.hostFrom = from;
      out.hostTo = from;
      out.messageAt = from;
      out.time = Number.NaN;
      out.expected = '';
      hasFraction = false;
      hasZone = false;
      let at = skipBlanks(bytes, from, to);
      if (bytes[at] === LESS) {
        const close = fieldEnd(bytes, at, Math.min(to, at + 5), GREATER);
        if (uintUpTo(bytes, at + 1, close, 191) >= 0) at = skipBlanks(bytes, close + 1, to);
        if (bytes[at] === 49 && bytes[at + 1] === SPACE) {
          rfc5424(bytes, at + 2, to, out);
          return;
        }
      }
      const first = bytes[at] as number;
      if (at >= to) noTime(out, 'a time', at);
      else if (first === OPEN) {
        // dmesg -T: the kernel's ring, so nobody else writes there.
        out.author = AUTHOR.kernel;
        const close = fieldEnd(bytes, at, Math.min(to, at + 48), CLOSE);
        if (weekdays.indexOf(bytes, at + 1, at + 4) >= 0) out.time = monthDayTime(bytes, at + 5, close);
        if (Number.isNaN(out.time))
          noTime(out, 'a date and a time (dmesg -T, or --time-format iso): seconds since the boot are no time', at);
        out.messageAt = skipBlanks(bytes, Math.min(close + 1, to), to);
      } else if (isDigit(first)) {
        const stop = fieldEnd(bytes, at, to, SPACE);
        const dot = fieldEnd(bytes, at, stop, DOT);
        const seconds = dot - at >= 9 && dot - at <= 11 ? uintAt(bytes, at, dot) : -1;
        const micros = seconds < 0 ? -1 : dot === stop ? 0 : uintUpTo(bytes, dot + 1, stop, 999_999_999);
        if (micros >= 0) {
          out.time = seconds + micros / 10 ** (stop - dot - 1);
          hasFraction = dot < stop;
          hostAndTag(bytes, stop, to, out);
          return;
        }
        out.time = isoTime(bytes, at, to);
        if (Number.isNaN(out.time)) noTime(out, 'a time', at);
        else if (bytes[at + 19] === COMMA) {
          // dmesg --time-format iso: no host, no program.
          out.author = AUTHOR.kernel;
          out.messageAt = skipBlanks(bytes, end, to);
        } else hostAndTag(bytes, end, to, out);
      } else {
        const isWeekday = at + 4 < to && weekdays.indexOf(bytes, at, at + 3) >= 0 && bytes[at + 3] === SPACE;
        const start = isWeekday ? skipBlanks(bytes, at + 4, to) : at;
        out.time = isDigit(bytes[start]) ? isoTime(bytes, start, to) : monthDayTime(bytes, start, to);
        if (!Number.isNaN(out.time) && isWeekday && isDigit(bytes[start])) {
          // journalctl -o short-full: the zone is a name of letters, of which only UTC is one time.
          const next = skipBlanks(bytes, end, to);
          const stop = fieldEnd(bytes, next, to, SPACE);
          if (!hasZone && stop - next <= 5 && /^[A-Z]+$/.test(String.fromCharCode(...bytes.subarray(next, stop))))
            noTime(out, 'a zone that is one time (journalctl --utc, or -o short-iso)', next);
        }
        if (Number.isNaN(out.time)) {
          if (out.expected === '') noTime(out, 'a time', at);
        } else hostAndTag(bytes, end, to, out);
      }
    },
  };
}

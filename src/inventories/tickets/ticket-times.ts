import type { DateOrder } from './ticket-format.ts';

/** A time that was read; `reason`: why it was not. */
export type ReadTime = { readonly ms: number; readonly hasZone: boolean } | { readonly reason: string };

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const CLOCK = String.raw`(?:[T ,]+(\d{1,2}):(\d{2})(?::(\d{2})(?:[.,]\d{1,9})?)?\s*([AaPp]\.?[Mm]\.?)?)?\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})?`;
const YEAR_FIRST = new RegExp(`^(\\d{4})[-/.](\\d{1,2})[-/.](\\d{1,2})${CLOCK}$`);
const MONTH_NAMED = new RegExp(`^(\\d{1,2})[-/. ]([A-Za-z]{3})[a-z]*[-/. ](\\d{4}|\\d{2})${CLOCK}$`);
const YEAR_LAST = new RegExp(`^(\\d{1,2})[-/.](\\d{1,2})[-/.](\\d{4})${CLOCK}$`);

/**
 * Reads a time as Jira and ServiceNow write them: `2026-09-30T14:02:00.000+0000`, `2026-09-30 14:02:00`,
 * `30/Sep/26 2:02 PM`, `30.09.2026 14:02`. Without a zone it is of `timeZone`. A date whose day and month cannot be told
 * apart is not read unless `order` says which comes first.
 */
export function readTime(text: string, timeZone: string, order: DateOrder): ReadTime {
  const clean = text.trim().slice(0, 60);
  const yearFirst = YEAR_FIRST.exec(clean);
  if (yearFirst) return build(yearFirst, [yearFirst[1], yearFirst[2], yearFirst[3]], timeZone, clean);
  const named = MONTH_NAMED.exec(clean);
  if (named) {
    const month = MONTHS.indexOf((named[2] as string).toLowerCase()) + 1;
    const year = named[3]?.length === 2 ? `20${named[3]}` : named[3];
    return build(named, [year, String(month), named[1]], timeZone, clean);
  }
  const yearLast = YEAR_LAST.exec(clean);
  if (!yearLast) return { reason: `"${clean}" is no time; ISO 8601 such as 2026-09-30T14:02:00Z is understood` };
  const [a, b] = [Number(yearLast[1]), Number(yearLast[2])];
  // Dots are written where the day comes first.
  const dayFirst = a > 12 || order === 'dmy' || a === b || (order === null && /^\d+\./.test(clean));
  if (!dayFirst && b <= 12 && order === null) {
    return { reason: `"${clean}" may be day/month or month/day; say which with --date-order` };
  }
  return build(
    yearLast,
    [yearLast[3], dayFirst && b <= 12 ? yearLast[2] : yearLast[1], dayFirst && b <= 12 ? yearLast[1] : yearLast[2]],
    timeZone,
    clean,
  );
}

/** Puts a time together from its groups: hour, minute, second, AM or PM and zone are always groups 4 to 8. */
function build(
  found: RegExpExecArray,
  date: readonly (string | undefined)[],
  timeZone: string,
  text: string,
): ReadTime {
  const [year = 0, month = 0, day = 0] = date.map(Number);
  const [minute = 0, second = 0] = [found[5], found[6]].map((part) => Number(part ?? 0));
  let hour = Number(found[4] ?? 0);
  const half = found[7]?.toLowerCase()[0];
  if (half !== undefined && (hour < 1 || hour > 12)) return { reason: `"${text}" is no time` };
  if (half !== undefined) hour = (hour % 12) + (half === 'p' ? 12 : 0);
  const wall = Date.UTC(year, month - 1, day, hour, minute, second);
  const back = new Date(wall);
  const exists =
    back.getUTCMonth() === month - 1 && back.getUTCDate() === day && hour < 24 && minute < 60 && second < 61;
  if (!exists || year < 1990 || year > 2200) return { reason: `"${text}" is no time that exists` };
  const zone = found[8];
  if (zone === undefined) return { ms: fromWallTime(wall, timeZone), hasZone: false };
  if (!/\d/.test(zone)) return { ms: wall, hasZone: true };
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(-2));
  return { ms: wall - (zone.startsWith('-') ? -minutes : minutes) * 60_000, hasZone: true };
}

/** Says whether the platform knows a time zone of the name. */
export function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

/**
 * UTC milliseconds of what a clock on the wall of the zone shows (`wall`: the same figures as if they were UTC). Of a time
 * that clocks show twice, the first; one that they skip counts by the offset before.
 */
function fromWallTime(wall: number, timeZone: string): number {
  if (timeZone === 'UTC') return wall;
  const before = wall - offsetAt(wall - 86_400_000, timeZone);
  const after = wall - offsetAt(wall + 86_400_000, timeZone);
  return before + offsetAt(before, timeZone) === wall
    ? before
    : after + offsetAt(after, timeZone) === wall
      ? after
      : before;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** Offset of a zone from UTC at a time, in milliseconds. */
function offsetAt(ms: number, timeZone: string): number {
  let format = formats.get(timeZone);
  if (!format) {
    const parts = {
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    } as const;
    format = new Intl.DateTimeFormat('en-US', { timeZone, hourCycle: 'h23', ...parts });
    formats.set(timeZone, format);
  }
  const of = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, Number(value)]));
  const wall = Date.UTC(of.year ?? 0, (of.month ?? 1) - 1, of.day ?? 1, of.hour ?? 0, of.minute ?? 0, of.second ?? 0);
  return wall - Math.floor(ms / 1000) * 1000;
}

import { DAY_MS } from '../model/register.ts';

/** A value that was read, or why it could not be. */
export type Read<T> =
  | { readonly value: T }
  | { readonly code: string; readonly message: string; readonly hint?: string };

const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const DATETIME = /^(\d{4})-(\d\d)-(\d\d)[Tt ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,3})\d{0,6})?)?(Z|z|[+-]\d\d:\d\d)?$/;

/** Reads an RFC 3339 date and time with its zone; returns UTC milliseconds. */
export function readDatetime(text: string): Read<number> {
  const date = DATE.exec(text);
  if (date) {
    if (!isDay(Number(date[1]), Number(date[2]), Number(date[3]))) return notADay(text);
    return noZone(text, `write ${text}T00:00:00Z for the start of that day in UTC`);
  }
  const m = DATETIME.exec(text);
  if (!m)
    return {
      code: 'bad-time',
      message: `expected a date and time with zone, such as 2027-09-30T00:00:00Z, not "${cut(text)}"`,
    };
  const [year, month, day, hour, minute] = [m[1], m[2], m[3], m[4], m[5]].map(Number) as [
    number,
    number,
    number,
    number,
    number,
  ];
  const second = Number(m[6] ?? 0);
  if (!isDay(year, month, day)) return notADay(text);
  if (hour > 23 || minute > 59 || second > 59)
    return { code: 'bad-time', message: `"${cut(text)}" is not a time of day` };
  const zone = m[8];
  if (zone === undefined) return noZone(text, `write ${text.replace(' ', 'T')}Z for UTC, or an offset such as +02:00`);
  const offset =
    zone.length === 1 ? 0 : (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4, 6))) * (zone[0] === '-' ? -1 : 1);
  if (Math.abs(offset) > 14 * 60) return { code: 'bad-time', message: `"${zone}" is not a UTC offset` };
  const ms = Number((m[7] ?? '').padEnd(3, '0'));
  return { value: Date.UTC(year, month - 1, day, hour, minute - offset, second, ms) };
}

/** Reads `2026-09-30` (the start of that day in UTC) or a date and time with its zone; returns UTC milliseconds. */
export function readDay(text: string): Read<number> {
  const m = DATE.exec(text);
  if (!m) return readDatetime(text);
  const [year, month, day] = [m[1], m[2], m[3]].map(Number) as [number, number, number];
  return isDay(year, month, day) ? { value: Date.UTC(year, month - 1, day) } : notADay(text);
}

/** Writes UTC milliseconds as RFC 3339, without the milliseconds where they are zero. */
export function writeDatetime(ms: number): string {
  return new Date(ms).toISOString().replace('.000Z', 'Z');
}

const DURATION = /^(\d{1,5}) ?(h|hours?|d|days?|w|weeks?|y|years?)$/;
const HOURS: Readonly<Record<string, number>> = { h: 1, d: 24, w: 168, y: 8760 };

/** Reads `36h`, `90d`, `12 weeks`, `1y` (365 days); returns hours, at least 1. */
export function readHours(text: string): Read<number> {
  const m = DURATION.exec(text.trim().toLowerCase());
  const hours = Number(m?.[1] ?? 0) * (HOURS[m?.[2]?.[0] ?? ''] ?? 0);
  if (hours > 0) return { value: hours };
  return { code: 'bad-duration', message: `expected a duration such as 24h, 90d, 12w or 1y, not "${cut(text)}"` };
}

const MINUTES = /^(\d{1,5}) ?(?:m|min|minutes?)$/;

/** Reads `30min` and what readHours reads; returns minutes, at least 1. */
export function readMinutes(text: string): Read<number> {
  const minutes = Number(MINUTES.exec(text.trim().toLowerCase())?.[1] ?? 0);
  if (minutes > 0) return { value: minutes };
  const read = readHours(text);
  if ('value' in read) return { value: read.value * 60 };
  return { code: 'bad-duration', message: `expected a duration such as 30min, 6h or 2d, not "${cut(text)}"` };
}

/** Reads a duration of whole days; returns days, at least 1. */
export function readDays(text: string): Read<number> {
  const read = readHours(text);
  if (!('value' in read)) return read;
  if (read.value % 24 === 0) return { value: read.value / 24 };
  return { code: 'bad-duration', message: `expected whole days such as 90d or 12w, not "${cut(text)}"` };
}

/** Writes days as `90d`. */
export function writeDays(days: number): string {
  return `${days}d`;
}

/** A text of a person's file as it may stand in a message: one line, bounded. */
export function cut(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ');
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
}

/** Whole days between two times, rounded up. */
export function daysBetween(from: number, to: number): number {
  return Math.ceil((to - from) / DAY_MS);
}

function isDay(year: number, month: number, day: number): boolean {
  if (year < 1970 || month < 1 || month > 12 || day < 1) return false;
  return day <= new Date(Date.UTC(year, month, 0)).getUTCDate();
}

function notADay(text: string): Read<number> {
  return { code: 'bad-time', message: `"${cut(text)}" is not a day of the calendar (from 1970 on)` };
}

function noZone(text: string, hint: string): Read<number> {
  return { code: 'no-timezone', message: `"${cut(text)}" has no time zone, so the moment is not certain`, hint };
}

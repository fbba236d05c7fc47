import type { AlertPolicy, TimeOfDay } from './alert-policy.ts';
import { parseCron } from './cron.ts';
import { isAtLeast, type Severity } from './finding.ts';

/** When the day began in which a time lies, in a time zone; UTC milliseconds. */
export function startOfDay(now: number, timeZone: string): number {
  return lastAt(0, timeZone, now) ?? now;
}

/** The newest time of the digest that is not after now; null: there is no digest. */
export function lastDigestTime(
  { digest, timeZone }: Pick<AlertPolicy, 'digest' | 'timeZone'>,
  now: number,
): number | null {
  return digest === null ? null : lastAt(digest, timeZone, now);
}

function lastAt(time: TimeOfDay, timeZone: string, now: number): number | null {
  const times = parseCron(`${time % 60} ${Math.floor(time / 60)} * * *`, timeZone);
  return 'problem' in times ? null : times.last(now);
}

/** Says whether something of a severity must wait for the end of the quiet hours. */
export function isQuiet({ quietHours, timeZone }: AlertPolicy, severity: Severity, now: number): boolean {
  if (quietHours === null || isAtLeast(severity, quietHours.except)) return false;
  const { from, until } = quietHours;
  const time = timeOfDay(now, timeZone);
  return from <= until ? from <= time && time < until : time >= from || time < until;
}

const formats = new Map<string, Intl.DateTimeFormat>();

function timeOfDay(now: number, timeZone: string): TimeOfDay {
  let format = formats.get(timeZone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-GB', { timeZone, hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
    formats.set(timeZone, format);
  }
  const [hour = 0, minute = 0] = format.format(now).split(':').map(Number);
  return hour * 60 + minute;
}

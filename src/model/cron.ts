import { Cron } from 'croner';

/** Times at which something is due: a pattern of crontab(5) in a time zone. */
export interface CronTimes {
  /** The first time after `after`, UTC milliseconds; null: never again. */
  next(after: number): number | null;
  /** The newest time not after `at`, UTC milliseconds; null: none before. */
  last(at: number): number | null;
}

/** `@reboot` is no time, and a pattern longer than this none that a person wrote. */
const LONGEST = 200;
const NICKNAMES = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

/**
 * Reads five fields of crontab(5), or a nickname, in an IANA time zone. Where the clock is put forward over a time, it
 * is due right after the gap; where it is put back, once. Returns a sentence where the pattern or the zone is none.
 */
export function parseCron(pattern: string, timeZone: string): CronTimes | { readonly problem: string } {
  const written = pattern.trim().replaceAll(/\s+/g, ' ');
  const shown = `"${written.slice(0, 60)}"`;
  const isPattern = NICKNAMES.includes(written.toLowerCase()) || written.split(' ').length === 5;
  if (!isPattern || written.length > LONGEST)
    return { problem: `expected five fields such as "0 3 * * 1-5", or one of ${NICKNAMES.join(', ')}, not ${shown}` };
  if (!isTimeZone(timeZone))
    return {
      problem: `"${timeZone.slice(0, 60)}" is no time zone: expected an IANA name such as Europe/Berlin or UTC`,
    };
  try {
    const cron = new Cron(written, { paused: true, timezone: timeZone, mode: '5-part' });
    return {
      next: (after) => cron.nextRun(new Date(after))?.getTime() ?? null,
      // The library leaves out the time it is asked about.
      last: (at) => cron.previousRuns(1, new Date(Math.floor(at / 1000) * 1000 + 1))[0]?.getTime() ?? null,
    };
  } catch (error) {
    const reason = (error as Error).message.replace(/^\w+: /, '');
    return { problem: `${shown} is no cron pattern: ${reason.slice(0, 200)}` };
  }
}

/** The shortest time between two of the first times after a fixed date, milliseconds; null: fewer than two. */
export function shortestInterval(times: CronTimes): number | null {
  let shortest: number | null = null;
  let before: number | null = null;
  let at = times.next(Date.UTC(2024, 0, 1) - 1);
  for (let i = 0; i < 10 && at !== null; i++) {
    if (before !== null) shortest = Math.min(shortest ?? Number.POSITIVE_INFINITY, at - before);
    before = at;
    at = times.next(at);
  }
  return shortest;
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

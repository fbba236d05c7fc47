/** `1 port`, `3 ports`, `1,200 ports`; `plural` where an s does not do. */
export function count(n: number, noun: string, plural = `${noun}s`): string {
  return `${groupDigits(n)} ${n === 1 ? noun : plural}`;
}

/** `a`, `a and b`, `a, b and c`; past `max` items the rest is counted: `a, b and 7 more`. */
export function listWords(items: readonly string[], max = 5): string {
  if (items.length > max) return `${items.slice(0, max).join(', ')} and ${groupDigits(items.length - max)} more`;
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`;
}

/** Day of a time in UTC, `2026-09-30`. */
export function utcDay(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}

/** Time in UTC to the second, `2026-09-30 14:02:00 UTC`. */
export function utcTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** A length of time in its largest fitting unit, rounded down: `40 minutes`, `5 hours`, `52 days`. */
export function duration(ms: number): string {
  if (ms >= 2 * DAY_MS) return count(Math.floor(ms / DAY_MS), 'day');
  if (ms >= 2 * HOUR_MS) return count(Math.floor(ms / HOUR_MS), 'hour');
  return count(Math.floor(ms / MINUTE_MS), 'minute');
}

/** 1200 as `1,200`. Written out, as the machine's locale must not matter. */
export function groupDigits(n: number): string {
  return String(n).replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

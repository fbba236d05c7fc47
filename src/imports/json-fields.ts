/** A JSON object; null for anything else. */
export function asObject(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null;
}

/** Elements of a JSON array; null for anything else. */
export function asArray(value: unknown): readonly unknown[] | null {
  return Array.isArray(value) ? value : null;
}

/** A text that says something, at most 4,096 characters of it; a number as text. Undefined for anything else. */
export function textOf(value: unknown): string | undefined {
  if (typeof value === 'number' && Number.isFinite(value)) return String(value);
  return typeof value === 'string' && value.trim() !== '' ? value.trim().slice(0, 4096) : undefined;
}

/** A whole number from 0 up, also in decimal text. Undefined for anything else. */
export function wholeOf(value: unknown): number | undefined {
  if (typeof value === 'string' && /^\d{1,15}$/.test(value.trim())) return Number(value);
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined;
}

/** A port that a socket can wait on, 1 to 65535. */
export function portOf(value: unknown): number | undefined {
  const port = wholeOf(value);
  return port !== undefined && port >= 1 && port <= 65535 ? port : undefined;
}

/** Seconds since 1970 as UTC milliseconds, where they lie between 1990 and 2200. */
export function secondsToMs(value: unknown): number | undefined {
  const seconds = wholeOf(value);
  return seconds !== undefined && seconds > 631_152_000 && seconds < 7_258_118_400 ? seconds * 1000 : undefined;
}

/**
 * A cap on how often something happens, as the generic cell rate algorithm keeps it (ITU-T I.371, Annex A): one number,
 * the time at which the next one is due if all went evenly. Times are milliseconds of one clock.
 */
export interface RateLimit {
  /** Events per second; Infinity: no cap. */
  readonly perSecond: number;
  due: number;
}

/** How far events may run ahead of an even spacing, to make up for a late timer, in ms. At least one event may. */
const BURST_MS = 50;

export function createRateLimit(perSecond: number): RateLimit {
  return { perSecond, due: Number.NEGATIVE_INFINITY };
}

/** How long to wait until an event is allowed, in ms; 0: now. */
export function waitFor(limit: RateLimit, now: number): number {
  if (limit.perSecond === Number.POSITIVE_INFINITY) return 0;
  return Math.max(0, limit.due - now - BURST_MS);
}

/** Counts an event that was allowed. */
export function spend(limit: RateLimit, now: number): void {
  if (limit.perSecond === Number.POSITIVE_INFINITY) return;
  limit.due = Math.max(limit.due, now) + 1000 / limit.perSecond;
}

/**
 * Counts events ahead of time and returns how long to wait for them, in ms: for callers that would rather sleep than ask
 * again. Fair to those who ask often, as the events count at once.
 */
export function reserve(limits: readonly RateLimit[], events: number, now: number): number {
  let wait = 0;
  for (const limit of limits) {
    for (let n = 0; n < events; n++) spend(limit, now);
    wait = Math.max(wait, waitFor(limit, now));
  }
  return wait;
}

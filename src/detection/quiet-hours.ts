const HOUR = 12;
const WEEK = 168;

/** Hours of the week in which a port is never used. */
export interface QuietHours {
  /** By hour of the scored day: 1 where the hour, and the ones beside it, were empty in every week. */
  readonly isQuiet: Uint8Array;
  /** Odds that an hour which was empty in all other weeks is used after all, as it was in these weeks. */
  readonly odds: number;
  /** Weeks that were known. */
  readonly weeks: number;
}

/** Fewest buckets with traffic, and largest share of hours of the week with any, of a port that has hours. */
const LEAST_ACTIVE = 60;
const LARGEST_SHARE = 0.7;

/**
 * Finds the hours of the week that are always empty. How far "always" can be trusted is measured: each week in turn is
 * foretold from the others. Null: the port has no hours, or is not known for long enough.
 */
export function quietHours(accepted: Float64Array): QuietHours | null {
  const hours = accepted.length / HOUR;
  const active = new Int8Array(hours); // -1: not known
  let activeBuckets = 0;
  for (let hour = 0; hour < hours; hour++) {
    let known = 0;
    for (let i = hour * HOUR; i < (hour + 1) * HOUR; i++) {
      const v = accepted[i] as number;
      if (!Number.isNaN(v)) known++;
      if (v > 0) {
        activeBuckets++;
        active[hour] = 1;
      }
    }
    if (known < HOUR / 2 && active[hour] !== 1) active[hour] = -1;
  }
  if (activeBuckets < LEAST_ACTIVE) return null;
  const weeks = hours / WEEK;
  const isUsed = (slot: number, without: number): -1 | 0 | 1 => {
    let state: -1 | 0 | 1 = -1;
    for (let w = 0; w < weeks; w++) {
      if (w === without) continue;
      for (let d = -1; d <= 1; d++) {
        const hour = w * WEEK + slot + d;
        const is = active[hour];
        if (hour < 0 || hour >= hours || is === -1) continue;
        if (is === 1) return 1;
        state = 0;
      }
    }
    return state;
  };
  let used = 0;
  let trials = 0;
  let hits = 0;
  const isQuiet = new Uint8Array(24);
  for (let slot = 0; slot < WEEK; slot++) {
    const overall = isUsed(slot, -1);
    if (overall === 1) used++;
    if (overall === 0 && slot < 24) isQuiet[slot] = 1;
    for (let week = 0; week < weeks; week++) {
      const own = active[week * WEEK + slot];
      if (own === -1 || isUsed(slot, week) !== 0) continue;
      trials++;
      if (own === 1) hits++;
    }
  }
  if (used / WEEK > LARGEST_SHARE || trials < WEEK / 4) return null;
  return { isQuiet, odds: (hits + 0.5) / (trials + 1), weeks };
}

const HOUR = 12;
const WEEK = 168;

/** Hours of the week in which a port is never used. */
export interface QuietHours {
  /**
   * By hour of the scored day: odds that it is used after all, though it and two hours before and after were empty in every
   * week; 1 where they were not.
   */
  readonly odds: Float64Array;
  /** Weeks that were known. */
  readonly weeks: number;
}

/** Fewest buckets with traffic, and largest share of hours of the week with any, of a port that has hours. */
const LEAST_ACTIVE = 60;
const LARGEST_SHARE = 0.7;
/** Hours from the next used one, from which on it makes no difference how many. */
const DEEPEST = 8;
/** Nearer to a used hour it may be somebody who comes early, or a clock that was moved. */
const LEAST_DEPTH = 3;
/** This near where the used hours of no week ever went beyond those of the others. */
const LEAST_DEPTH_OF_STRICT = 2;

/**
 * Finds the hours of the week that are always empty. How far "always" can be trusted is measured: each week in turn is
 * foretold from the others, apart for hours at the edge of the used ones and deep in the night. Null: the port has no
 * hours, or is not known for long enough.
 */
export function quietHours(accepted: Float64Array): QuietHours | null {
  const { active, activeBuckets } = activeHours(accepted);
  if (activeBuckets < LEAST_ACTIVE) return null;
  const weeks = active.length / WEEK;
  const all = depths(active, -1);
  let used = 0;
  for (const depth of all) if (depth === 0) used++;
  if (used / WEEK > LARGEST_SHARE) return null;
  const trials = new Float64Array(DEEPEST + 1);
  const hits = new Float64Array(DEEPEST + 1);
  for (let week = 0; week < weeks; week++) {
    const others = depths(active, week);
    for (let slot = 0; slot < WEEK; slot++) {
      const own = active[week * WEEK + slot];
      if (own === UNKNOWN) continue;
      const depth = others[slot] as number;
      trials[depth] = (trials[depth] as number) + 1;
      if (own === 1) hits[depth] = (hits[depth] as number) + 1;
    }
  }
  const odds = new Float64Array(24).fill(1);
  const isStrict = hits[1] === 0 && hits[2] === 0;
  const least = isStrict ? LEAST_DEPTH_OF_STRICT : LEAST_DEPTH;
  for (let hour = 0; hour < 24; hour++) {
    const depth = all[hour] as number;
    if (depth < least) continue;
    let [hit, tried] = [0, 0];
    for (let d = depth; d <= DEEPEST; d++) {
      hit += hits[d] as number;
      tried += trials[d] as number;
    }
    odds[hour] = (hit + 0.5) / (tried + 1);
  }
  return { odds, weeks };
}

const UNKNOWN = -1;

/** Whether each hour had traffic: 1, 0, or UNKNOWN. */
function activeHours(accepted: Float64Array): { active: Int8Array; activeBuckets: number } {
  const active = new Int8Array(accepted.length / HOUR);
  let activeBuckets = 0;
  for (let hour = 0; hour < active.length; hour++) {
    let known = 0;
    for (let i = hour * HOUR; i < (hour + 1) * HOUR; i++) {
      const v = accepted[i] as number;
      if (!Number.isNaN(v)) known++;
      if (v > 0) {
        activeBuckets++;
        active[hour] = 1;
      }
    }
    if (known < HOUR / 2 && active[hour] !== 1) active[hour] = UNKNOWN;
  }
  return { active, activeBuckets };
}

/** How many hours each hour of the week is from the next one that was used in any week but `without`; at most DEEPEST. */
function depths(active: Int8Array, without: number): Uint8Array {
  const found = new Uint8Array(WEEK).fill(DEEPEST);
  for (let at = 0; at < active.length; at++)
    if (active[at] === 1 && Math.floor(at / WEEK) !== without) found[at % WEEK] = 0;
  for (let pass = 0; pass < 2; pass++)
    for (let i = 0; i < WEEK; i++) {
      const slot = pass === 0 ? i : WEEK - 1 - i;
      const beside = found[(slot + (pass === 0 ? WEEK - 1 : 1)) % WEEK] as number;
      found[slot] = Math.min(found[slot] as number, beside + 1);
    }
  return found;
}

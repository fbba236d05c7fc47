import { quantile, sortPart } from './order-statistics.ts';

const DAY = 24;
const WEEK = 168;
/** Mean difference of the logarithms of two days of the week, their levels apart, up to which they have one shape. */
const ALIKE = 0.2;
/** Fewest days of one shape that say more than the day itself. */
const LEAST_DAYS = 3;
/** An hour this far from the others' shape, as a logarithm and in spreads of the day, is an appointment of its own. */
const LEAST_EXCEPTION = 0.15;
const SPREADS = 3;

/**
 * Four weeks are four looks at an hour of the week: little. Days of the week that have the same shape, on whatever level,
 * say together what is usual at an hour; an hour at which a day differs from them (a backup on Mondays) stays its own.
 * `values`, by hour of the week, are replaced. `offset` is added before logarithms are taken.
 */
export function poolDays(values: Float64Array, offset: number): void {
  if (values.length !== WEEK) return;
  const logs = Float64Array.from(values, (v) => Math.log(v + offset));
  const levels = levelsOf(logs);
  const pooled = new Float64Array(DAY);
  const away = new Float64Array(DAY);
  const sorted = new Float64Array(DAY);
  for (let day = 0; day < 7; day++) {
    pooled.fill(0);
    let alike = 0;
    for (let other = 0; other < 7; other++) {
      const level = levels[day * 7 + other] as number;
      if (Number.isNaN(level)) continue;
      alike++;
      for (let hour = 0; hour < DAY; hour++)
        pooled[hour] = (pooled[hour] as number) + (logs[other * DAY + hour] as number) - level;
    }
    if (alike < LEAST_DAYS) continue;
    for (let hour = 0; hour < DAY; hour++) {
      pooled[hour] = (pooled[hour] as number) / alike;
      away[hour] = Math.abs((logs[day * DAY + hour] as number) - (pooled[hour] as number));
    }
    sorted.set(away);
    sortPart(sorted, DAY);
    const most = Math.max(LEAST_EXCEPTION, SPREADS * 1.4826 * quantile(sorted, DAY, 0.5));
    for (let hour = 0; hour < DAY; hour++)
      if ((away[hour] as number) <= most)
        values[day * DAY + hour] = Math.max(0, Math.exp(pooled[hour] as number) - offset);
  }
}

/** How far each day is above each other one, [below * 7 + above], as a logarithm; NaN where they have not one shape. */
function levelsOf(logs: Float64Array): Float64Array {
  const levels = new Float64Array(49);
  const apart = new Float64Array(DAY);
  for (let day = 0; day < 7; day++)
    for (let other = day + 1; other < 7; other++) {
      for (let hour = 0; hour < DAY; hour++)
        apart[hour] = (logs[other * DAY + hour] as number) - (logs[day * DAY + hour] as number);
      sortPart(apart, DAY);
      const level = quantile(apart, DAY, 0.5);
      let sum = 0;
      for (const d of apart) sum += Math.abs(d - level);
      const isAlike = sum / DAY <= ALIKE;
      levels[day * 7 + other] = isAlike ? level : Number.NaN;
      levels[other * 7 + day] = isAlike ? -level : Number.NaN;
    }
  return levels;
}

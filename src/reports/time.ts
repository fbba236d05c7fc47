import { DAY_MS } from '../model/register.ts';
import { getOrMake } from '../util/get-or-make.ts';

/** Texts of times told lately: most listeners of an estate were seen at the same few. */
const known = new Map<number, string>();
const MAX_KNOWN = 1_000;

/** `2026-11-21T22:14:03.000Z`; null where the time is absent or no time at all (NaN, beyond ECMAScript's range). */
export function isoTime(ms: number | null | undefined): string | null {
  if (ms === null || ms === undefined || !(Math.abs(ms) <= 8.64e15)) return null;
  if (known.size > MAX_KNOWN) known.clear();
  return getOrMake(known, ms, () => new Date(ms).toISOString());
}

/** `2026-11-21 22:14:03 UTC`. */
export function formatTime(ms: number | null | undefined): string {
  const iso = isoTime(ms);
  return iso === null ? 'an unknown time' : `${iso.replace('T', ' ').replace(/\.\d+Z$/, '')} UTC`;
}

/** `2026-11-21`, the day in UTC. */
export function formatDate(ms: number | null | undefined): string {
  const iso = isoTime(ms);
  return iso === null ? 'an unknown day' : iso.slice(0, iso.indexOf('T'));
}

/** Whole days from one time to another; negative where `to` lies before `from`. */
export function daysBetween(from: number, to: number): number {
  return Math.floor((to - from) / DAY_MS);
}

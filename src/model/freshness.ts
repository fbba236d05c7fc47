import type { Register } from './register.ts';

/** What tells whether a time speaks of now. */
interface Clock {
  readonly now: number;
  readonly register: Pick<Register, 'policy'>;
}

const HOUR_MS = 3_600_000;

/** Clocks of two machines may differ by this much without a word being said. */
const CLOCK_SLACK_MS = 5 * 60_000;

/** Says whether an observation of that time (UTC ms) is too old to speak of now, by policy.staleAfterHours. */
export function isStale(observedAt: number, estate: Clock): boolean {
  return estate.now - observedAt > estate.register.policy.staleAfterHours * HOUR_MS;
}

/** Says whether an observation lies after now by more than clocks differ: one of the two clocks is wrong. */
export function isInFuture(observedAt: number, estate: Pick<Clock, 'now'>): boolean {
  return observedAt - estate.now > CLOCK_SLACK_MS;
}

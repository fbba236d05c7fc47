import { DeliveryError } from './channel.ts';

/** How long one attempt may take, milliseconds. */
export const ATTEMPT_MS = 10_000;

/** Ends with the attempt's own signal, or after the limit. */
export function attemptSignal(signal: AbortSignal, ms = ATTEMPT_MS): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(ms)]);
}

/** What ended an attempt, as an error that says whether trying again may help. It always may: nobody answered. */
export function tooLate(what: string): DeliveryError {
  return new DeliveryError(`${what} did not answer in time`, true);
}

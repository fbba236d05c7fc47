import { setTimeout as sleep } from 'node:timers/promises';
import { isBusy } from './sqlite-errors.ts';

/** Longest pause between two tries. */
const MAX_PAUSE_MS = 25;

/**
 * Runs a step until no other process holds the lock that it needs; throws SQLite's error after `timeoutMs`. Waits by
 * sleeping and not in SQLite's busy handler, which would stop the event loop.
 */
export async function retryWhileBusy<T>(timeoutMs: number, step: () => T): Promise<T> {
  const deadline = performance.now() + timeoutMs;
  for (let pauseMs = 1; ; pauseMs = Math.min(pauseMs * 2, MAX_PAUSE_MS)) {
    try {
      return step();
    } catch (error) {
      if (!isBusy(error) || performance.now() >= deadline) throw error;
    }
    await sleep(pauseMs);
  }
}

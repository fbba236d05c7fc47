import { randomBytes } from 'node:crypto';
import { local } from '../collectors/local.ts';
import type { Event } from '../model/event.ts';
import type { Observation } from '../model/observation.ts';
import { uuidv7 } from '../util/uuid.ts';
import { type Context, thisHost } from './context.ts';
import { openStateToWrite } from './state.ts';

export interface ScanOptions {
  /** Hash the binaries behind the listeners. */
  readonly hashes: boolean;
  /** Root of the file system to read: `/`, or a captured tree. */
  readonly root: string;
}

export interface ScanResult {
  readonly observation: Observation;
  /** What changed since the last look; empty where nothing was recorded. */
  readonly events: readonly Event[];
}

/** Looks at this machine, without recording it. */
export async function observeLocal(
  options: ScanOptions,
  env: NodeJS.ProcessEnv,
  now: () => number,
): Promise<Observation> {
  const seen = await local.collect({ hostName: thisHost(env), hashes: options.hashes, root: options.root, now });
  return { id: uuidv7(seen.observedAt, randomBytes(10)), ...seen };
}

/** Looks at this machine and records what it saw. Throws UserError where it cannot be written down. */
export async function scanLocal(context: Context, options: ScanOptions): Promise<ScanResult> {
  // The store first: a scan that could not be recorded is said before the work, not after it.
  await using store = await openStateToWrite(context);
  const observation = await observeLocal(options, context.env, context.now);
  const events = await store.recordObservation(observation, context.now());
  return { observation, events };
}

import { randomBytes } from 'node:crypto';
import type { Observation, UnnamedObservation } from '../model/observation.ts';
import { uuidv7 } from '../util/uuid.ts';
import type { Context } from './context.ts';
import { openStateToWrite } from './state.ts';

/** What recording came to, over all hosts. */
export interface RecordCounts {
  hosts: number;
  listeners: number;
  /** Open at the first look there from this vantage, perhaps for long. */
  found: number;
  opened: number;
  closed: number;
  changed: number;
  gaps: number;
  /** Observations older than what is known of their host, which therefore changed nothing. */
  late: number;
}

export function noCounts(): RecordCounts {
  return { hosts: 0, listeners: 0, found: 0, opened: 0, closed: 0, changed: 0, gaps: 0, late: 0 };
}

/** Observations and listeners written in one transaction at most, and how long the first one waits for it (ms). */
const BATCH = { observations: 256, listeners: 10_000, ms: 1_000 };

/**
 * Records what a source saw, many hosts in one transaction, and passes each observation on once it is durable. `counts`
 * is filled on the way. A source that breaks off leaves recorded what came before. Throws UserError where it cannot be
 * written down.
 */
export async function* recordAll(
  context: Context,
  source: AsyncIterable<UnnamedObservation>,
  counts: RecordCounts,
): AsyncGenerator<Observation, void, undefined> {
  // The store first: a scan that could not be recorded is said before the work, not after it.
  await using store = await openStateToWrite(context);
  let waiting: Observation[] = [];
  let listeners = 0;
  let since = context.now();

  async function flush(): Promise<readonly Observation[]> {
    const done = waiting;
    waiting = [];
    listeners = 0;
    if (done.length === 0) return done;
    for (const { type, body } of await store.recordObservations(done, context.now())) {
      if (type === 'listener.opened') counts[body.firstLook === true ? 'found' : 'opened']++;
      else if (type === 'listener.closed') counts.closed++;
      else if (type === 'listener.changed') counts.changed++;
      else if (type === 'observation.out-of-order') counts.late++;
    }
    return done;
  }

  const seen = nameAll(source, counts);
  let next = seen.next();
  try {
    for (;;) {
      const result = waiting.length === 0 ? await next : await within(BATCH.ms - (context.now() - since), next);
      if (result?.done) break;
      if (result) {
        next = seen.next();
        // Handled where it is awaited: until then it may fail while the batch is written.
        next.catch(() => {});
        if (waiting.length === 0) since = context.now();
        waiting.push(result.value);
        listeners += result.value.listeners.length;
      }
      const isFull = waiting.length >= BATCH.observations || listeners >= BATCH.listeners;
      if (isFull || !result) yield* await flush();
    }
    yield* await flush();
  } finally {
    // Broken off from either side: what was seen is not lost.
    await flush();
    seen.return().catch(() => {});
  }
}

/** What a promise comes to, or undefined where that takes longer than `ms`. */
async function within<T>(ms: number, promise: Promise<T>): Promise<T | undefined> {
  const { promise: late, resolve } = Promise.withResolvers<undefined>();
  const timer = setTimeout(resolve, Math.max(0, ms), undefined);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The same without recording. */
export async function* nameAll(
  source: AsyncIterable<UnnamedObservation>,
  counts: RecordCounts,
): AsyncGenerator<Observation, void, undefined> {
  for await (const seen of source) {
    counts.hosts++;
    counts.listeners += seen.listeners.length;
    counts.gaps += seen.gaps.length;
    yield { id: uuidv7(seen.observedAt, randomBytes(10)), ...seen };
  }
}

import { randomBytes } from 'node:crypto';
import { addCandidates, type CandidateMemory } from '../collectors/linux/candidates.ts';
import type { EventDraft } from '../model/event.ts';
import type { Listener } from '../model/listener.ts';
import type { Sighting, UnnamedObservation } from '../model/observation.ts';
import type { Store } from '../store/store.ts';
import { uuidv7 } from '../util/uuid.ts';
import type { Context } from './context.ts';
import { PACKAGE_CANDIDATES } from './scan.ts';

/** A look in which nothing changed is written down this often: the ledger is to prove that somebody looked. */
const CONFIRM_MS = 300_000;
/** Things that wait for the store at most; a minute of the busiest host. */
const MOST_WAITING = 100_000;
/** After a write that failed the next one waits, longer each time. */
const RETRY_MS = { first: 1_000, most: 30_000 };
/** Writing may take this share of the time; half of it where so much waits that it takes memory. */
const SHARE = 20;
const FULL = 1_000;
const MIN_PAUSE_MS = 1_000;

/** Puts into the store what a watch saw, many things in one transaction. What cannot be written waits, up to a bound. */
export interface WatchRecorder {
  readonly saw: (sightings: readonly Sighting[]) => void;
  readonly append: (draft: EventDraft) => void;
  /** Writes what waits, where it is time to; `force`: in any case. Never throws: says what went wrong (once), else null. */
  readonly flush: (look: UnnamedObservation, listeners: () => Listener[], force?: boolean) => Promise<string | null>;
  readonly waiting: () => number;
  /** Of a package of the last write no scan has learned which versions are on offer. */
  readonly lacksVersions: () => boolean;
}

export interface RecorderOptions {
  readonly context: Pick<Context, 'now'>;
  readonly store: Store;
  /** A clock that never steps back, ms. */
  readonly elapsed: () => number;
  /** For the gap that a broken store leaves. */
  readonly gap: (because: string, from: number, lost: number) => EventDraft;
  readonly maxWaiting?: number;
}

export function createWatchRecorder(options: RecorderOptions): WatchRecorder {
  const { context, store, elapsed, gap, maxWaiting = MOST_WAITING } = options;
  let sightings: Sighting[] = [];
  let drafts: EventDraft[] = [];
  let notBefore = Number.NEGATIVE_INFINITY;
  let fullNotBefore = Number.NEGATIVE_INFINITY;
  let confirmedAt = Number.NEGATIVE_INFINITY;
  let failure: { readonly message: string; readonly since: number; pause: number } | null = null;
  let lost = 0;
  let lacksVersions = false;
  let writing = false;

  const keepBounded = () => {
    const over = sightings.length + drafts.length - maxWaiting;
    if (over <= 0) return;
    lost += over;
    sightings = sightings.slice(Math.min(over, sightings.length));
  };

  const write = async (look: UnnamedObservation, listeners: readonly Listener[]): Promise<void> => {
    const taken = { sightings, drafts };
    sightings = [];
    drafts = [];
    try {
      const newest = taken.sightings.at(-1)?.at ?? 0;
      const { observation, isAllKnown } = await withCandidates(store, {
        ...look,
        observedAt: Math.max(look.observedAt, newest),
        listeners,
        sightings: taken.sightings,
      });
      lacksVersions = !isAllKnown;
      await recordNotLate(store, observation, context.now);
      taken.sightings = [];
      const silence = failure && gap(`the store could not be written: ${failure.message}`, failure.since, lost);
      const all = silence === null ? taken.drafts : [...taken.drafts, silence];
      if (all.length > 0) await store.appendEvents(all, context.now());
    } catch (error) {
      sightings = [...taken.sightings, ...sightings];
      drafts = [...taken.drafts, ...drafts];
      keepBounded();
      throw error;
    }
  };

  return {
    saw: (more) => {
      for (const sighting of more) sightings.push(sighting);
      keepBounded();
    },
    append: (draft) => {
      drafts.push(draft);
      keepBounded();
    },
    flush: async (look, listeners, force = false) => {
      const now = elapsed();
      const waiting = sightings.length + drafts.length;
      const isDue = waiting > 0 || now - confirmedAt >= CONFIRM_MS;
      if (writing || (!force && (!isDue || now < (waiting < FULL ? notBefore : fullNotBefore)))) return null;
      writing = true;
      try {
        await write(look, listeners());
        const cost = elapsed() - now;
        confirmedAt = elapsed();
        notBefore = confirmedAt + Math.max(MIN_PAUSE_MS, SHARE * cost);
        fullNotBefore = confirmedAt + cost;
        failure = null;
        lost = 0;
        return null;
      } catch (error) {
        const isNew = failure === null;
        const { message } = error as Error;
        failure ??= { message, since: context.now(), pause: RETRY_MS.first };
        notBefore = elapsed() + failure.pause;
        fullNotBefore = notBefore;
        failure.pause = Math.min(2 * failure.pause, RETRY_MS.most);
        return isNew ? message : null;
      } finally {
        writing = false;
      }
    },
    waiting: () => sightings.length + drafts.length,
    lacksVersions: () => lacksVersions,
  };
}

/** Another look of this vantage may have been recorded meanwhile; then what is told is still true now. */
async function recordNotLate(store: Store, observation: UnnamedObservation, now: () => number): Promise<void> {
  for (const observedAt of [observation.observedAt, null]) {
    const at = observedAt ?? now();
    const id = uuidv7(at, randomBytes(10));
    const events = await store.recordObservations([{ id, ...observation, observedAt: at }], now());
    if (!events.some((event) => event.type === 'observation.out-of-order' && event.body.id === id)) return;
  }
}

/**
 * Newest package versions as scans learned them: a look that dropped them would take them from the state. Nothing is
 * learned here: it takes memory that stays taken.
 */
async function withCandidates(
  store: Store,
  look: UnnamedObservation,
): Promise<{ readonly observation: UnnamedObservation; readonly isAllKnown: boolean }> {
  const memory: CandidateMemory = JSON.parse((await store.cacheGet(PACKAGE_CANDIDATES)) ?? '{}');
  const { listeners, gaps, isAllKnown } = await addCandidates(look.listeners, '/', memory, false);
  return { observation: { ...look, listeners, gaps: [...look.gaps, ...gaps] }, isAllKnown };
}

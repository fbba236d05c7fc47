import type { Event } from '../model/event.ts';
import type { LogReviewState, ReviewSitting } from '../model/log-review.ts';
import type { Store } from '../store/store.ts';
import type { Json } from '../util/canonical-json.ts';

/** Where the review of the record stands; undefined: nothing was ever recorded. */
export async function logReviewState(store: Store, everyDays: number | undefined): Promise<LogReviewState | undefined> {
  const first = await firstRecord(store);
  if (first === null) return undefined;
  return { everyDays: everyDays ?? null, last: (await lastSitting(store))?.sitting ?? null, since: first.observedAt };
}

/** Sittings, newest first. */
export async function listSittings(store: Store, limit: number): Promise<readonly ReviewSitting[]> {
  return (await store.events({ types: ['log.reviewed'], limit })).map(sittingOf);
}

function sittingOf({ body, observedAt, sequence }: Event): ReviewSitting {
  const decisions = (body.decisions ?? {}) as { readonly [key: string]: Json | undefined };
  const followUps = decisions['follow-up'];
  return {
    record: sequence,
    by: typeof body.by === 'string' ? body.by : 'nobody',
    at: observedAt,
    from: Date.parse(String(body.from)),
    until: Date.parse(String(body.until)),
    items: typeof body.items === 'number' ? body.items : 0,
    followUps: typeof followUps === 'number' ? followUps : 0,
  };
}

/** The newest sitting with its record; null: there was none. */
export async function lastSitting(
  store: Store,
): Promise<{ readonly event: Event; readonly sitting: ReviewSitting } | null> {
  const [event] = await store.events({ types: ['log.reviewed'], limit: 1 });
  return event ? { event, sitting: sittingOf(event) } : null;
}

const SITTINGS_AT_ONCE = 50;

/** The newest record that a sitting covered; 0: none did. A sitting in which there was no record covers none. */
export async function reviewedTo(store: Store): Promise<number> {
  for (let before: number | undefined; ; ) {
    const page = await store.events({
      types: ['log.reviewed'],
      limit: SITTINGS_AT_ONCE,
      ...(before === undefined ? {} : { beforeSequence: before }),
    });
    for (const { body } of page) if (typeof body.lastRecord === 'number') return body.lastRecord;
    before = page.at(-1)?.sequence;
    if (before === undefined) return 0;
  }
}

/** The oldest record that is still in the store; null: there is none. */
export async function firstRecord(store: Store): Promise<Event | null> {
  const [newest] = await store.events({ limit: 1 });
  if (!newest) return null;
  // Sequences have no holes, but the oldest may be archived.
  for (let low = 1, high = newest.sequence; ; ) {
    const middle = Math.floor((low + high) / 2);
    const [found] = await store.events({ beforeSequence: middle + 1, limit: 1 });
    if (low === high) return found ?? newest;
    if (found) high = middle;
    else low = middle + 1;
  }
}

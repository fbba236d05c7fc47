import type { TracedLook } from '../collectors/linux/targeted-look-types.ts';
import { type Listener, listenerKey } from '../model/listener.ts';
import { type AttributeChange, attributeChanges, attributesOf } from '../model/listener-attributes.ts';
import { isCovered, type Sighting, type UnnamedObservation } from '../model/observation.ts';
import { sameJson } from '../util/same-json.ts';

/** What happened, and of a change what is other now. */
export interface WatchedSighting extends Sighting {
  readonly changes?: readonly AttributeChange[];
}

/** What listens now, as far as the looks and the trace have told. Computes only. */
export interface Picture {
  /** Takes in a look; returns what happened to services since. A first look tells of nothing that happened. */
  readonly look: (
    seen: Pick<UnnamedObservation, 'coverage' | 'listeners' | 'observedAt'>,
  ) => readonly WatchedSighting[];
  /** Takes in what the trace told of, oldest first. */
  readonly traced: (look: Pick<TracedLook, 'listeners' | 'lookedAt' | 'durationMs'>) => readonly WatchedSighting[];
  readonly listeners: () => Listener[];
}

export function createPicture(): Picture {
  const open = new Map<string, Listener>();
  const keys = new WeakMap<Listener, string>();
  /** Sockets that ceased to listen where one still did: whether it was opened again shows with the next event. */
  const ceased = new Map<string, { readonly at: number; readonly until: number }>();
  let isFirst = true;

  const keyOf = (listener: Listener): string => {
    let key = keys.get(listener);
    if (key === undefined) {
      key = listenerKey(listener);
      keys.set(listener, key);
    }
    return key;
  };

  /** What an open listener that is seen again came to; the newer facts are kept where they say something else. */
  const confirm = (key: string, before: Listener, now: Listener, at: number): readonly WatchedSighting[] => {
    if (before === now || sameJson(before, now)) return NOTHING;
    open.set(key, now);
    const became = before.role === now.role ? 'changed' : now.role === 'service' ? 'opened' : 'closed';
    if (became !== 'changed') return [{ kind: became, at, listener: now }];
    const changes = attributeChanges(attributesOf(before), attributesOf(now));
    return now.role === 'service' && changes.length > 0 ? [{ kind: became, at, listener: now, changes }] : NOTHING;
  };

  return {
    look: ({ coverage, listeners, observedAt: at }) => {
      const happened: WatchedSighting[] = [];
      const seen = new Set<string>();
      for (const listener of listeners) {
        const key = keyOf(listener);
        seen.add(key);
        const before = open.get(key);
        if (before !== undefined) happened.push(...confirm(key, before, listener, at));
        else {
          open.set(key, listener);
          if (listener.role === 'service') happened.push({ kind: 'opened', at, listener });
        }
      }
      if (open.size > seen.size)
        for (const [key, listener] of open) {
          if (seen.has(key) || !isCovered(coverage, listener)) continue;
          open.delete(key);
          if (listener.role === 'service') happened.push({ kind: 'closed', at, listener });
        }
      const wasFirst = isFirst;
      isFirst = false;
      return wasFirst ? NOTHING : happened;
    },
    traced: ({ listeners, lookedAt, durationMs }) => {
      const happened: WatchedSighting[] = [];
      const until = lookedAt + durationMs;
      for (const [key, doubt] of ceased) if (doubt.until < lookedAt - KEEP_MS) ceased.delete(key);
      for (const { listener, openedAt, closedAt, ceasedAt } of listeners) {
        const key = keyOf(listener);
        const doubt = ceased.get(key);
        ceased.delete(key);
        let before = open.get(key);
        if (before !== undefined && doubt !== undefined && openedAt !== null && openedAt <= doubt.until) {
          happened.push({ kind: 'closed', at: doubt.at, listener: before });
          open.delete(key);
          before = undefined;
        }
        if (ceasedAt !== undefined) ceased.set(key, { at: ceasedAt, until });
        if (before === undefined && openedAt !== null) happened.push({ kind: 'opened', at: openedAt, listener });
        if (closedAt !== null) {
          if (before !== undefined || openedAt !== null)
            happened.push({ kind: 'closed', at: closedAt, listener: before ?? listener });
          open.delete(key);
        } else if (before !== undefined) happened.push(...confirm(key, before, listener, openedAt ?? lookedAt));
        else {
          open.set(key, listener);
          if (openedAt === null) happened.push({ kind: 'opened', at: lookedAt, listener });
        }
      }
      return happened;
    },
    listeners: () => [...open.values()],
  };
}

/** How long an event may take from the kernel to us, ms. */
const KEEP_MS = 10_000;

const NOTHING: readonly WatchedSighting[] = [];

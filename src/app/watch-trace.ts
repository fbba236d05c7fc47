import { setTimeout as sleep } from 'node:timers/promises';
import { openSocketTrace } from '../collectors/linux/socket-trace.ts';
import type { SocketTrace } from '../collectors/linux/socket-trace-types.ts';
import type { TargetedLook, TracedLook } from '../collectors/linux/targeted-look-types.ts';

/** Dropped events are asked for this often. */
const LOST_EVERY_MS = 5_000;
/** A look that took longer than this is followed by a pause so many times as long, and by no longer one than that. */
const CHEAP_MS = 10;
const SHARE = 4;
const MAX_PAUSE_MS = 200;

/** TCP as the kernel tells of it. */
export interface TraceWatch {
  /** Hands over what each batch came to, until the trace is closed or breaks off. */
  readonly run: (onLook: (look: TracedLook) => void) => Promise<void>;
  /** Events dropped or not understood since the last time this was asked; looks at most every few seconds. */
  readonly newlyLost: (now: number) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** Begins to trace; or says why that cannot be done here, a sentence. */
export async function openTraceWatch(look: TargetedLook): Promise<TraceWatch | { readonly unavailable: string }> {
  const trace = await openSocketTrace();
  return 'unavailable' in trace ? trace : traceWatch(trace, look);
}

export function traceWatch(trace: SocketTrace, look: TargetedLook): TraceWatch {
  let known = 0;
  let askedAt = Number.NEGATIVE_INFINITY;
  return {
    run: async (onLook) => {
      for await (const batch of trace.events) {
        const seen = look.lookAtTraced(batch);
        onLook(seen);
        // on a machine with thousands of sockets, one look for many events: they wait together in the meantime
        if (seen.durationMs > CHEAP_MS) await sleep(Math.min(MAX_PAUSE_MS, SHARE * seen.durationMs));
      }
    },
    newlyLost: async (now) => {
      if (now - askedAt < LOST_EVERY_MS) return 0;
      askedAt = now;
      const lost = (await trace.lost()) + (trace.unrecognised?.() ?? 0);
      const fresh = Math.max(0, lost - known);
      known = Math.max(known, lost);
      return fresh;
    },
    close: () => trace.close(),
  };
}

import { openSocketTrace } from '../collectors/linux/socket-trace.ts';
import type { SocketTrace } from '../collectors/linux/socket-trace-types.ts';
import type { TargetedLook, TracedLook } from '../collectors/linux/targeted-look-types.ts';

/** Dropped events are asked for this often. */
const LOST_EVERY_MS = 5_000;

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
      for await (const batch of trace.events) onLook(look.lookAtTraced(batch));
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

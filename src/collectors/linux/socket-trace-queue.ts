import type { SocketTraceEvent } from './socket-trace-types.ts';

/** More than this is not held: what comes then stays in the kernel's buffer, which counts what it has to drop. */
const MAX_HELD = 65_536;

/** Events between the one who reads them and the one who takes them, who gets all that are there at once. */
export interface EventQueue extends AsyncIterable<readonly SocketTraceEvent[]> {
  readonly push: (events: readonly SocketTraceEvent[]) => void;
  /** No more come. What is held can still be taken. */
  readonly end: () => void;
}

export function createEventQueue(on: { readonly onFull: () => void; readonly onRoom: () => void }): EventQueue {
  let held: SocketTraceEvent[] = [];
  let hasEnded = false;
  let isFull = false;
  let news = Promise.withResolvers<void>();
  async function* take(): AsyncGenerator<readonly SocketTraceEvent[]> {
    for (;;) {
      if (held.length > 0) {
        const batch = held;
        held = [];
        if (isFull && !hasEnded) on.onRoom();
        isFull = false;
        yield batch;
      } else if (hasEnded) return;
      else {
        await news.promise;
        news = Promise.withResolvers();
      }
    }
  }
  return {
    push: (events) => {
      for (const event of events) held.push(event);
      if (held.length >= MAX_HELD && !isFull) {
        isFull = true;
        on.onFull();
      }
      news.resolve();
    },
    end: () => {
      hasEnded = true;
      news.resolve();
    },
    [Symbol.asyncIterator]: take,
  };
}

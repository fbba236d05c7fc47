import { createLocalCollector, type LocalCollector } from '../collectors/local.ts';
import type { UnnamedObservation } from '../model/observation.ts';

/** A look may take this share of the time, one of so many. */
const SHARE = 20;

export interface PollingOptions {
  readonly hostName: string;
  readonly hashes: boolean;
  /** UTC milliseconds. */
  readonly now: () => number;
  /** Shortest time between two looks. */
  readonly minMs: () => number;
  readonly elapsed: () => number;
  readonly collector?: LocalCollector;
}

/** Looks at the machine's own tables again and again, as often as that may cost. */
export interface Polling {
  readonly look: () => Promise<UnnamedObservation>;
  /** Until the next look. */
  readonly pauseMs: () => number;
}

export function createPolling(options: PollingOptions): Polling {
  const { hostName, hashes, now, minMs, elapsed, collector = createLocalCollector() } = options;
  let cost = 0;
  let looks = 0;
  return {
    look: async () => {
      const started = elapsed();
      const seen = await collector.collect({ hostName, hashes, root: '/', now });
      const took = elapsed() - started;
      // The first one reads what is remembered afterwards.
      cost = looks++ === 0 ? Math.min(took, 500) : Math.max(took, cost / 2);
      return seen;
    },
    pauseMs: () => Math.max(minMs(), SHARE * cost),
  };
}

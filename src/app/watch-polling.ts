import { createLocalCollector, type LocalCollector } from '../collectors/local.ts';
import type { Scope } from '../model/endpoint.ts';
import type { UnnamedObservation } from '../model/observation.ts';

/** A look may take this share of the time, one of so many. */
const SHARE = 20;
/** Reading the tables of namespaces takes no longer at once: nothing else is done meanwhile. What is left follows soon. */
const ROUND_BUDGET_MS = 40;
const ROUND_PAUSE_MS = 1_000;

const MOST_SOON = 1_000;

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

/** What a look saw. A machine with many namespaces is looked at in rounds; the first round is of all of them. */
export interface Polled {
  /** Covers and holds what was read this time. */
  readonly round: UnnamedObservation;
  /** Covers what was read this time and before, each namespace at its newest. Its listeners are those of the round. */
  readonly together: UnnamedObservation;
}

/** Looks at the machine's own tables again and again, as often as that may cost. */
export interface Polling {
  readonly look: () => Promise<Polled>;
  /** Something happened in a scope: it is read in the next round. */
  readonly readSoon: (scope: Scope) => void;
  /** Until the next look. */
  readonly pauseMs: () => number;
}

export function createPolling(options: PollingOptions): Polling {
  const { hostName, hashes, now, minMs, elapsed, collector = createLocalCollector() } = options;
  let cost = 0;
  let looks = 0;
  let isWhole = true;
  let soon = new Set<Scope>();
  return {
    look: async () => {
      const started = elapsed();
      const first = soon;
      soon = new Set();
      const budgetMs = looks === 0 ? Number.POSITIVE_INFINITY : ROUND_BUDGET_MS;
      const seen = await collector.collectRound({ hostName, hashes, root: '/', now }, { budgetMs, first });
      isWhole = seen.isWhole;
      const took = elapsed() - started;
      // The first one reads what is remembered afterwards.
      cost = looks++ === 0 ? Math.min(took, 500) : Math.max(took, cost / 2);
      return { round: seen.round, together: { ...seen.round, ...seen.together } };
    },
    readSoon: (scope) => {
      if (soon.size < MOST_SOON) soon.add(scope);
    },
    pauseMs: () => Math.max(isWhole ? minMs() : Math.min(ROUND_PAUSE_MS, minMs()), SHARE * cost),
  };
}

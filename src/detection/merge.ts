import type { AnomalyKind } from '../model/anomaly.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { type Card, keyOf, portsOf, tracesOfSignals } from './card.ts';
import type { Parameters } from './parameters.ts';
import type { PortSignal } from './signal.ts';
import { MOST_TRACES } from './traces.ts';

/** Which kind a card is named after, of those that its first bucket had: the one that explains the others. */
const RANK: readonly AnomalyKind[] = [
  'dormant-port-active',
  'source-fan-in',
  'denied-burst',
  'bytes-spike',
  'off-hours',
  'traffic-spike',
  'unexpected-silence',
  'first-seen-source',
];

interface OpenCard {
  readonly signals: PortSignal[];
  to: number;
  /** End of the last signal of each kind. */
  readonly lastOf: Map<AnomalyKind, number>;
}

/** Joins the signals of each port into cards: of one kind within half a day, of different kinds within an hour. */
export function mergeByPort(signals: readonly PortSignal[], parameters: Parameters): Card[] {
  const byPort = new Map<string, PortSignal[]>();
  for (const signal of signals) getOrMake(byPort, keyOf(signal), () => []).push(signal);
  return [...byPort.values()].flatMap((own) => cardsOf(own, parameters));
}

function cardsOf(signals: readonly PortSignal[], parameters: Parameters): Card[] {
  const open: OpenCard[] = [];
  const ordered = signals.toSorted((a, b) => a.raised - b.raised || RANK.indexOf(a.kind) - RANK.indexOf(b.kind));
  for (const signal of ordered) {
    const start = signal.raised;
    const card =
      open.findLast(
        (c) => start - (c.lastOf.get(signal.kind) ?? Number.NEGATIVE_INFINITY) <= parameters.joinSameSeconds,
      ) ?? open.findLast((c) => start - c.to <= parameters.joinOtherSeconds);
    if (card) {
      card.signals.push(signal);
      card.to = Math.max(card.to, signal.raised);
      card.lastOf.set(signal.kind, signal.raised);
    } else open.push({ signals: [signal], to: start, lastOf: new Map([[signal.kind, start]]) });
  }
  return open.map(({ signals: own }) => cardOf(own));
}

function cardOf(signals: readonly PortSignal[]): Card {
  const first = signals[0] as PortSignal; // ordered by time, then rank
  const own = signals.filter((s) => s.kind === first.kind);
  const most = own.reduce((a, b) => (b.surprise > a.surprise ? b : a));
  const kinds = new Set(signals.map((s) => s.kind));
  kinds.delete(first.kind);
  return {
    ...{ kind: first.kind, port: portsOf([first])[0] ?? null, source: sourceOf(own) },
    from: Math.min(...own.map((s) => s.from)),
    to: Math.max(...signals.map((s) => s.to)),
    raised: first.raised,
    ...{ low: most.low, high: most.high, seen: most.seen, surprise: most.surprise },
    ...{ expectedWords: most.expectedWords, seenWords: most.seenWords },
    ...{ isLearning: first.isLearning, learnedDays: first.learnedDays },
    also: RANK.filter((kind) => kinds.has(kind)),
    ports: [],
    traces: tracesOfSignals([...own, ...signals.filter((s) => s.kind !== first.kind)], MOST_TRACES),
  };
}

/** The source that all signals are about; -1 where they are about several or none. */
function sourceOf(signals: readonly PortSignal[]): number {
  const sources = new Set(signals.map((s) => s.source));
  return sources.size === 1 ? (signals[0] as PortSignal).source : -1;
}

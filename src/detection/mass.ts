import type { AnomalyKind } from '../model/anomaly.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { count } from '../util/words.ts';
import { type Card, keyOf, portsOf, tracesOfSignals } from './card.ts';
import type { PortSignal } from './signal.ts';
import { MOST_TRACES } from './traces.ts';

const HOUR = 3_600;
/** A mass event that goes on after so many hours is still the same. */
const JOIN_HOURS = 12;
/** Signals so close to it belong to it. */
const NEAR_HOURS = 2;

export interface MassResult {
  readonly cards: Card[];
  readonly rest: PortSignal[];
}

/**
 * Takes signals of one kind that very many ports have in the same hours (a holiday, maintenance, a load test) together
 * into one card. `least`: so many ports in an hour.
 */
export function takeMass(
  signals: readonly PortSignal[],
  kind: AnomalyKind,
  told: AnomalyKind,
  least: number,
): MassResult {
  const byHour = new Map<number, Set<string>>();
  for (const signal of signals) {
    if (signal.kind !== kind) continue;
    const hour = Math.floor((signal.raised - 1) / HOUR);
    getOrMake(byHour, hour, () => new Set<string>()).add(keyOf(signal));
  }
  const hours = [...byHour].filter(([, ports]) => ports.size >= least).map(([hour]) => hour);
  if (hours.length === 0) return { cards: [], rest: [...signals] };
  const spans: { from: number; to: number }[] = [];
  for (const hour of hours.sort((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last && hour - last.to <= JOIN_HOURS) last.to = hour;
    else spans.push({ from: hour, to: hour });
  }
  const cards: Card[] = [];
  const taken = new Set<PortSignal>();
  for (const span of spans) {
    const part = signals.filter((signal) => {
      if (taken.has(signal)) return false;
      const hour = Math.floor((signal.raised - 1) / HOUR);
      return signal.kind === kind && hour >= span.from - NEAR_HOURS && hour <= span.to + NEAR_HOURS;
    });
    for (const signal of part) taken.add(signal);
    cards.push(massCard(part, told));
  }
  return { cards, rest: signals.filter((signal) => !taken.has(signal)) };
}

function massCard(signals: readonly PortSignal[], kind: AnomalyKind): Card {
  const ports = portsOf(signals);
  const less = kind === 'estate-quiet';
  return {
    ...{ kind, port: null, source: -1, low: null, high: null, seen: ports.length, also: [], ports },
    from: Math.min(...signals.map((s) => s.from)),
    to: Math.max(...signals.map((s) => s.to)),
    raised: Math.min(...signals.map((s) => s.raised)),
    expectedWords: 'as many connections as at these hours of the week before',
    seenWords: `${less ? 'almost no' : 'far more'} connections to ${count(ports.length, 'port')} at once`,
    surprise: Math.max(...signals.map((s) => s.surprise)),
    isLearning: false,
    learnedDays: Math.min(...signals.map((s) => s.learnedDays)),
    traces: tracesOfSignals(signals, MOST_TRACES),
  };
}

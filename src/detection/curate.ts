import { BUCKET_SECONDS } from '../model/flow.ts';
import { count } from '../util/words.ts';
import type { Activity } from './activity.ts';
import { type Card, type CardTrace, portsOf } from './card.ts';
import type { SourceTable } from './history.ts';
import { takeMass } from './mass.ts';
import { mergeByPort } from './merge.ts';
import { takeNewcomers } from './newcomers.ts';
import type { Parameters } from './parameters.ts';
import type { Sweep } from './rules/sweep.ts';
import type { Span } from './score.ts';
import type { PortSignal } from './signal.ts';
import { MOST_TRACES } from './traces.ts';

/** Signals this near to a sweep of the same source are part of it, seconds. */
const NEAR_SWEEP = 3_600;

/** Turns what the rules found into as few cards as there are causes. Ordered by time. */
export function curate(
  signals: readonly PortSignal[],
  sweeps: readonly Sweep[],
  activity: Activity,
  span: Span,
  table: SourceTable,
  parameters: Parameters,
): Card[] {
  const ports = activity.ports;
  const apart = withoutSweeps(signals, sweeps);
  const newcomers = takeNewcomers(apart, table);
  const quiet = takeMass(newcomers.rest, 'unexpected-silence', 'estate-quiet', massOf(ports, 0.5, 3, parameters));
  const loud = takeMass(quiet.rest, 'traffic-spike', 'traffic-spike', massOf(ports, 0.1, parameters.massPorts));
  return [
    ...gapCards(activity, span),
    ...sweeps.map(sweepCard),
    ...newcomers.cards,
    ...quiet.cards,
    ...loud.cards,
    ...mergeByPort(loud.rest, parameters),
  ].sort((a, b) => a.raised - b.raised || a.from - b.from);
}

/** How many ports are a mass: a share of the estate, within bounds. */
function massOf(ports: number, share: number, least: number, parameters?: Parameters): number {
  const some = Math.max(least, Math.ceil(share * ports));
  return parameters ? Math.min(parameters.massPorts, some) : some;
}

function withoutSweeps(signals: readonly PortSignal[], sweeps: readonly Sweep[]): PortSignal[] {
  if (sweeps.length === 0) return [...signals];
  return signals.filter((signal) => {
    const main = signal.source >= 0 ? signal.source : signal.traces[0]?.source;
    return !sweeps.some((s) => s.source === main && signal.from < s.to + NEAR_SWEEP && signal.to > s.from - NEAR_SWEEP);
  });
}

function sweepCard(sweep: Sweep): Card {
  const traces: CardTrace[] = sweep.visits
    .slice(0, MOST_TRACES)
    .map((v) => ({ ...v, from: v.bucket, to: v.bucket + BUCKET_SECONDS }));
  const refused = sweep.refused > 0 ? `, ${sweep.refused} of them refused` : '';
  return {
    ...{ kind: 'port-sweep', port: null, source: sweep.source, from: sweep.from, to: sweep.to, raised: sweep.raised },
    ...{ low: 0, high: 0, seen: sweep.ports, also: [], ports: portsOf(sweep.visits), traces },
    expectedWords: 'none of these ports by this source, ever',
    seenWords: `first connections to ${count(sweep.ports, 'port')}${refused}`,
    // Each first visit is at most as likely as one in a day's buckets.
    surprise: Math.min(200, sweep.ports * Math.log(288) * 0.5),
    ...{ isLearning: false, learnedDays: 0 },
  };
}

/** One card for each time in which the feed was silent. */
function gapCards({ from, active }: Activity, span: Span): Card[] {
  const cards: Card[] = [];
  const { gaps } = span;
  if (!gaps) return cards;
  for (let i = 0; i < gaps.length; i++) {
    if (gaps[i] !== 1) continue;
    const start = i;
    while (gaps[i + 1] === 1) i++;
    const [begin, end] = [from + start * BUCKET_SECONDS, from + (i + 1) * BUCKET_SECONDS];
    if (end <= span.from || begin >= span.until) continue;
    let usual = 0;
    for (let b = Math.max(0, start - 12); b < start; b++) usual = Math.max(usual, active[b] as number);
    const seen = active[start] as number;
    cards.push({
      ...{ kind: 'feed-silent', port: null, source: -1, from: begin, to: end, raised: begin + BUCKET_SECONDS },
      ...{ low: null, high: usual, seen, also: [], ports: [], traces: [] },
      expectedWords: `flows to about ${count(usual, 'port')}`,
      seenWords: `flows to ${seen === 0 ? 'none' : count(seen, 'port')}: the feed stopped, so nothing can be said of this time`,
      ...{ surprise: Math.min(200, usual), isLearning: false, learnedDays: 0 },
    });
  }
  return cards;
}

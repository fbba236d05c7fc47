import { count, listWords } from '../util/words.ts';
import { type Card, keyOf, portsOf, tracesOfSignals } from './card.ts';
import type { SourceTable } from './history.ts';
import type { PortSignal } from './signal.ts';
import { MOST_TRACES } from './traces.ts';

/** Newcomers at so many ports ... */
const LEAST_PORTS = 5;
/** ... with no longer pause between them than this, seconds, are one move. */
const PAUSE = 2 * 3_600;
/** Networks and ports that a long chain of newcomers names. */
const MOST_PORTS = 1_000;

/**
 * Takes new sources together that belong together: one network that comes to many ports, several networks that come to
 * the same ports. A subnet that is moved in, or a new office, is one card.
 */
export function takeNewcomers(
  signals: readonly PortSignal[],
  table: SourceTable,
): { readonly cards: Card[]; readonly rest: PortSignal[] } {
  const newcomers = signals.filter((s) => s.kind === 'first-seen-source').sort((a, b) => a.from - b.from);
  const cards: Card[] = [];
  const taken = new Set<PortSignal>();
  for (const group of groupsOf(newcomers, table)) {
    const ports = portsOf(group);
    if (ports.length < LEAST_PORTS) continue;
    for (const signal of group) taken.add(signal);
    cards.push(cardOf(group, table));
  }
  return { cards, rest: signals.filter((signal) => !taken.has(signal)) };
}

/** Links each newcomer with the one of the same network, and the one at the same port, that came last before it. */
function groupsOf(newcomers: readonly PortSignal[], table: SourceTable): PortSignal[][] {
  const parent = newcomers.map((_, i) => i);
  const root = (i: number): number => {
    let at = i;
    while (parent[at] !== at) {
      parent[at] = parent[parent[at] as number] as number;
      at = parent[at] as number;
    }
    return at;
  };
  const last = new Map<string, number>();
  newcomers.forEach((signal, i) => {
    for (const key of [`network ${table.network(signal.source)}`, `port ${keyOf(signal)}`]) {
      const before = last.get(key);
      if (before !== undefined && signal.from - (newcomers[before] as PortSignal).from <= PAUSE)
        parent[root(i)] = root(before);
      last.set(key, i);
    }
  });
  const groups = new Map<number, PortSignal[]>();
  newcomers.forEach((signal, i) => {
    const group = groups.get(root(i));
    if (group) group.push(signal);
    else groups.set(root(i), [signal]);
  });
  return [...groups.values()];
}

function cardOf(group: readonly PortSignal[], table: SourceTable): Card {
  const ports = portsOf(group);
  const networks = [...new Set(group.map((s) => table.networkText(table.network(s.source))))].sort();
  const sources = new Set(group.map((s) => s.source));
  const first = group[0] as PortSignal;
  return {
    ...{ kind: 'first-seen-source', port: null, source: sources.size === 1 ? first.source : -1 },
    from: Math.min(...group.map((s) => s.from)),
    to: Math.max(...group.map((s) => s.to)),
    raised: Math.min(...group.map((s) => s.raised)),
    ...{ low: null, high: null, seen: sources.size, also: [], ports: ports.slice(0, MOST_PORTS) },
    expectedWords: `only networks seen at these ports in the past ${count(first.learnedDays, 'day')}`,
    seenWords: `${count(sources.size, 'source')} of ${listWords(networks, 4)}, never seen at any of ${count(ports.length, 'port')}`,
    surprise: Math.max(...group.map((s) => s.surprise)),
    isLearning: false,
    learnedDays: Math.min(...group.map((s) => s.learnedDays)),
    traces: tracesOfSignals(group, MOST_TRACES),
  };
}

/** Runs detection over an estate and compares its cards with what was put in. */
import { type Card, keyOf } from '../src/detection/card.ts';
import { cardsOf, endOfFirstPass, judge, lookAt, openRun } from '../src/detection/detect.ts';
import type { Parameters } from '../src/detection/parameters.ts';
import type { Estate, Event, Label, LabelKind } from './traffic-estate.ts';

/** A card may come so long after the end, seconds. */
const LATE = 3_600;

export interface Outcome {
  readonly hits: ReadonlyMap<Label, Card>;
  readonly missed: readonly Label[];
  readonly falseCards: readonly Card[];
  readonly cards: readonly Card[];
  /** Median seconds from the start to the first card, by kind. */
  readonly delays: ReadonlyMap<LabelKind, readonly number[]>;
}

/** All cards of an estate. */
export function cardsOfEstate(estate: Estate, parameters: Parameters): Card[] {
  const run = openRun(estate.historyFrom, estate.from, estate.until, estate.table, parameters);
  for (let n = 0; n < estate.ports; n++) lookAt(run, estate.traffic(n));
  endOfFirstPass(run);
  for (let n = 0; n < estate.ports; n++) judge(run, estate.traffic(n));
  return cardsOf(run);
}

/** Which labels were told, and which cards tell of nothing. `isHelp`: events may have one card each. */
export function compare(estate: Estate, cards: readonly Card[]): Outcome {
  const hits = new Map<Label, Card>();
  const explained = new Set<Card>();
  for (const label of estate.labels) {
    const keys = new Set(label.ports.map((n) => keyOf(estate.keyOf(n))));
    for (const card of cards) {
      if (card.raised <= label.from - 1 && card.to <= label.from) continue;
      if (card.from >= label.to + LATE || card.raised > label.to + LATE + 300 || card.to <= label.from) continue;
      if (!touches(card, keys) && !(label.source >= 0 && card.source === label.source)) continue;
      explained.add(card);
      if (label.kind === 'scan' && card.source !== label.source) continue;
      const before = hits.get(label);
      if (!before || card.raised < before.raised) hits.set(label, card);
    }
  }
  for (const event of estate.events) {
    const first = cards.find((card) => !explained.has(card) && belongs(estate, card, event));
    if (first) explained.add(first);
  }
  const delays = new Map<LabelKind, number[]>();
  for (const [label, card] of hits) {
    const own = delays.get(label.kind) ?? [];
    own.push(Math.max(300, card.raised - label.from));
    delays.set(label.kind, own);
  }
  return {
    ...{ hits, delays, cards },
    missed: estate.labels.filter((l) => !hits.has(l)),
    falseCards: cards.filter((c) => !explained.has(c)),
  };
}

function touches(card: Card, keys: ReadonlySet<string>): boolean {
  return (card.port !== null && keys.has(keyOf(card.port))) || card.ports.some((p) => keys.has(keyOf(p)));
}

function belongs(estate: Estate, card: Card, event: Event): boolean {
  if (card.to <= event.from || card.from >= event.to + LATE) return false;
  if (event.ports === null) return card.port === null;
  return touches(card, new Set([...event.ports].map((n) => keyOf(estate.keyOf(n)))));
}

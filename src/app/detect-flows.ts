import { type Activity, emptyActivity } from '../detection/activity.ts';
import { learnPort } from '../detection/baseline.ts';
import { type Card, keyOf } from '../detection/card.ts';
import { cardsOf, type DetectionRun, endOfFirstPass, judge, lookAt, openRun } from '../detection/detect.ts';
import { dayOf, gatherPorts, silentPort } from '../detection/gather.ts';
import { DAY_BUCKETS, DAY_SECONDS } from '../detection/history.ts';
import { type FoundDay, foundOf, foundText, type LearnedDay, learnedOf, learnedText } from '../detection/keep.ts';
import { DEFAULTS } from '../detection/parameters.ts';
import { noteFirstVisit } from '../detection/rules/sweep.ts';
import { scorePort } from '../detection/score.ts';
import { createSourceTable, type GrowingSourceTable } from '../detection/source-table.ts';
import { BUCKET_SECONDS } from '../model/flow.ts';
import type { FlowStore } from '../store/flow-store.ts';
import type { Store } from '../store/store.ts';
import { sha256 } from '../util/sha256.ts';
import { coverageByDestination } from './flow-coverage.ts';

export interface DetectedCards {
  readonly cards: readonly Card[];
  readonly table: GrowingSourceTable;
  /** Ports with accepted connections. */
  readonly ports: number;
}

/** Times are UTC seconds; `from` is a day. */
export interface DetectedTime {
  /** First flow that is kept. */
  readonly first: number;
  readonly from: number;
  readonly until: number;
}

/** Earlier rows that are read for first-seen memory, days. */
const MEMORY_DAYS = 400;
/** Before the newest day, so that the longest window and its day are known. */
const LEAD_SECONDS = 4 * 3_600;
/** Raised with every change of what is kept, or of how it is found. */
export const DETECTION_VERSION = 4;

/**
 * Finds the cards of [from, until). With a store, whole days are remembered by the flows that they come of, and what was
 * learned for the newest day too: then only the newest day is read.
 */
export async function detectFlows(flows: FlowStore, time: DetectedTime, store: Store | null): Promise<DetectedCards> {
  if (store === null) return detectAll(flows, time, null);
  const keys = await keysOf(store, time);
  return (await detectNewest(flows, time, store, keys)) ?? (await detectAll(flows, time, { store, keys }));
}

interface Keys {
  /** By day. */
  readonly found: ReadonlyMap<number, string>;
  readonly learned: string;
}

/** Names of what is kept: by all flows that it depends on, which are those before the end of its day. */
async function keysOf(store: Store, { from, until }: DetectedTime): Promise<Keys> {
  const parts = (await store.flows.parts()).map(({ from: start, file, sha256: digest }) => ({
    start,
    line: `${file} ${digest}`,
  }));
  const digestBefore = (end: number) =>
    sha256([DETECTION_VERSION, ...parts.filter((part) => part.start < end).map((part) => part.line)].join('\n'));
  const newest = dayOf(until - 1);
  const found = new Map<number, string>();
  for (let day = from; day < newest; day += DAY_SECONDS)
    found.set(day, `flows-found:${day}:${digestBefore(day + DAY_SECONDS)}`);
  return { found, learned: `flows-learned:${newest}:${digestBefore(newest)}` };
}

/** Reads everything, and keeps what will not change. */
async function detectAll(
  flows: FlowStore,
  { first, from, until }: DetectedTime,
  keep: { readonly store: Store; readonly keys: Keys } | null,
): Promise<DetectedCards> {
  const table = createSourceTable();
  const historyFrom = Math.max(dayOf(first), from - DEFAULTS.historyDays * DAY_SECONDS);
  const run = openRun(historyFrom, from, until, table, DEFAULTS);
  const knownOf = await coverageByDestination(flows, first, historyFrom, until);
  const gather = (rowsFrom: number) =>
    gatherPorts(flows.rows({ from: rowsFrom, until }), { historyFrom, until, table, knownOf });
  for await (const port of gather(historyFrom)) lookAt(run, port);
  endOfFirstPass(run);
  const newest = dayOf(until - 1);
  const baselines: [string, ReturnType<typeof learnPort>][] = [];
  for await (const port of gather(Math.max(first, from - MEMORY_DAYS * DAY_SECONDS))) {
    judge(run, port);
    if (keep) baselines.push([keyOf(port.history), learnPort(port, newest, run.gaps, table, DEFAULTS, run.room)]);
  }
  if (keep) await keepDays(run, keep.store, keep.keys, newest, new Map(baselines));
  return { cards: cardsOf(run), table, ports: run.activity.ports };
}

async function keepDays(
  run: DetectionRun,
  store: Store,
  keys: Keys,
  newest: number,
  baselines: LearnedDay['baselines'],
): Promise<void> {
  const table = run.table as GrowingSourceTable;
  const visits = [...run.firstVisits.bySource.values()].flat();
  const put = async (key: string, text: string) => {
    try {
      await store.cachePut(key, text);
    } catch {
      // A store that is open for reading remembers nothing: it is worked out again.
    }
  };
  for (const [day, key] of keys.found) {
    const isOfDay = (time: number) => time >= day && time < day + DAY_SECONDS;
    const signals = run.signals.filter((signal) => isOfDay(signal.raised - 1));
    await put(key, foundText({ signals, firstVisits: visits.filter((visit) => isOfDay(visit.bucket)) }, table));
  }
  const { activity } = run;
  const known = Math.max(0, (newest - activity.from) / BUCKET_SECONDS);
  const active = [...activity.active.subarray(0, known)];
  await put(keys.learned, learnedText({ baselines, active }, table));
}

/** Takes up what is kept and reads the newest day alone; null where something is missing. */
async function detectNewest(
  flows: FlowStore,
  { first, from, until }: DetectedTime,
  store: Store,
  keys: Keys,
): Promise<DetectedCards | null> {
  const learnedKept = await store.cacheGet(keys.learned);
  if (learnedKept === undefined) return null;
  const table = createSourceTable();
  const days: FoundDay[] = [];
  for (const key of keys.found.values()) {
    const text = await store.cacheGet(key);
    if (text === undefined) return null;
    days.push(foundOf(text, table));
  }
  const learned = learnedOf(learnedKept, table);
  if (learned.active.length < LEAD_SECONDS / BUCKET_SECONDS) return null;
  const newest = dayOf(until - 1);
  const run = openRun(newest - learned.active.length * BUCKET_SECONDS, from, until, table, DEFAULTS);
  for (const day of days) {
    run.signals.push(...day.signals);
    for (const visit of day.firstVisits) noteFirstVisit(run.firstVisits, visit);
  }
  const historyFrom = newest - LEAD_SECONDS;
  const knownOf = await coverageByDestination(flows, first, historyFrom, until);
  const gather = () => gatherPorts(flows.rows({ from: historyFrom, until }), { historyFrom, until, table, knownOf });
  const silent = new Map(learned.baselines);
  let newPorts = 0;
  const today = emptyActivity(historyFrom, Math.ceil((until - historyFrom) / BUCKET_SECONDS));
  const todaysRun: DetectionRun = { ...run, activity: today };
  for await (const port of gather()) {
    lookAt(todaysRun, port);
    const key = keyOf(port.history);
    silent.delete(key);
    const isNew = (learned.baselines.get(key)?.rate.mean ?? 0) === 0;
    if (isNew && port.history.accepted.some((count) => count > 0)) newPorts++;
  }
  joinActivity(run.activity, learned, today);
  run.activity.ports = newPorts;
  for (const { rate } of learned.baselines.values()) if (rate.mean > 0) run.activity.ports++;
  endOfFirstPass(run);
  const offset = (historyFrom - run.activity.from) / BUCKET_SECONDS;
  const gaps = (run.gaps as Uint8Array).subarray(Math.max(0, offset));
  const knownBefore = await coverageByDestination(flows, first, run.activity.from, newest);
  const before = { historyFrom: run.activity.from, until: newest, table, knownOf: knownBefore };
  const span = { from: Math.max(from, newest), until, gaps };
  for await (const port of gather()) {
    const key = keyOf(port.history);
    const baseline =
      learned.baselines.get(key) ?? learnPort(silentPort(key, before), newest, null, table, DEFAULTS, run.room);
    run.signals.push(...scorePort(port, baseline, span, table, DEFAULTS, run.firstVisits));
  }
  for (const [key, baseline] of silent) {
    const port = silentPort(key, { historyFrom, until, table, knownOf });
    run.signals.push(...scorePort(port, baseline, span, table, DEFAULTS, run.firstVisits));
  }
  return { cards: cardsOf(run), table, ports: run.activity.ports };
}

function joinActivity(all: Activity, learned: LearnedDay, today: Activity): void {
  all.active.set(learned.active);
  const lead = LEAD_SECONDS / BUCKET_SECONDS;
  all.active.set(today.active.subarray(lead, lead + DAY_BUCKETS), learned.active.length);
}

import { BUCKET_SECONDS } from '../model/flow.ts';
import { type Activity, addActivity, emptyActivity, feedGaps } from './activity.ts';
import { type BaselineRoom, baselineRoom, learnPort } from './baseline.ts';
import type { Card } from './card.ts';
import { curate } from './curate.ts';
import { DAY_SECONDS, type PortTraffic, type SourceTable } from './history.ts';
import type { Parameters } from './parameters.ts';
import { type FirstVisits, sweepsOf } from './rules/sweep.ts';
import { type Span, scorePort } from './score.ts';
import type { PortSignal } from './signal.ts';

/** A look at a range of time. Ports are shown twice, each time all of them, in any order. */
export interface DetectionRun {
  readonly activity: Activity;
  readonly from: number;
  readonly until: number;
  readonly table: SourceTable;
  readonly parameters: Parameters;
  readonly signals: PortSignal[];
  readonly firstVisits: FirstVisits;
  readonly room: BaselineRoom;
  gaps: Uint8Array | null;
}

/**
 * Begins a look at [from, until) (UTC seconds). Histories begin at `historyFrom`, a multiple of a day, at least
 * `parameters.historyDays` before `from` where there are that many.
 */
export function openRun(
  historyFrom: number,
  from: number,
  until: number,
  table: SourceTable,
  parameters: Parameters,
): DetectionRun {
  const activity = emptyActivity(historyFrom, Math.ceil((until - historyFrom) / BUCKET_SECONDS));
  return {
    ...{ activity, from, until, table, parameters, signals: [], gaps: null },
    ...{ firstVisits: { bySource: new Map() }, room: baselineRoom(parameters) },
  };
}

/** First pass: which buckets had any traffic. */
export function lookAt(run: DetectionRun, traffic: PortTraffic): void {
  addActivity(run.activity, traffic.history);
}

/** Between the passes. */
export function endOfFirstPass(run: DetectionRun): void {
  run.gaps = feedGaps(run.activity, run.parameters);
}

/** Second pass: learns and scores a port, day by day. */
export function judge(run: DetectionRun, traffic: PortTraffic): void {
  const { from, until, gaps, table, parameters } = run;
  const span: Span = { from, until, gaps };
  for (let day = Math.floor(from / DAY_SECONDS) * DAY_SECONDS; day < until; day += DAY_SECONDS) {
    const baseline = learnPort(traffic, day, gaps, table, parameters, run.room);
    for (const signal of scorePort(traffic, baseline, span, table, parameters, run.firstVisits))
      run.signals.push(signal);
  }
}

/** The cards, when all ports were shown twice. */
export function cardsOf(run: DetectionRun): Card[] {
  const sweeps = sweepsOf(run.firstVisits, run.activity.ports, run.parameters);
  return curate(run.signals, sweeps, run.activity, run, run.table, run.parameters);
}

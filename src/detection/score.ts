import { BUCKET_SECONDS } from '../model/flow.ts';
import type { PortBaseline } from './baseline.ts';
import type { PortTraffic, SourceTable } from './history.ts';
import type { Parameters } from './parameters.ts';
import { type PortDay, portDay, type Rule } from './port-day.ts';
import { bytes } from './rules/bytes.ts';
import { denied } from './rules/denied.ts';
import { dormant } from './rules/dormant.ts';
import { fanIn } from './rules/fan-in.ts';
import { firstSeen } from './rules/first-seen.ts';
import { heavy } from './rules/heavy.ts';
import { offHours } from './rules/off-hours.ts';
import { silence } from './rules/silence.ts';
import { type FirstVisits, noteFirstVisit } from './rules/sweep.ts';
import { volume } from './rules/volume.ts';
import type { PortSignal, Signal } from './signal.ts';
import { tracesOf } from './traces.ts';

const RULES: readonly Rule[] = [dormant, fanIn, denied, bytes, offHours, volume, silence];

/** Buckets that are scored, UTC seconds [from, until), and the bucket positions in which the feed was silent. */
export interface Span {
  readonly from: number;
  readonly until: number;
  readonly gaps: Uint8Array | null;
}

/**
 * Scores a port on the day its baseline is for, as far as it lies within the span: all of it, or the newest bucket alone.
 * Notes whom it sees for the first time in `firstVisits`.
 */
export function scorePort(
  traffic: PortTraffic,
  baseline: PortBaseline,
  span: Span,
  table: SourceTable,
  parameters: Parameters,
  firstVisits: FirstVisits,
): PortSignal[] {
  const day = portDay(traffic, baseline, span.gaps, table, parameters);
  const found: Signal[] = [];
  const first = Math.max(0, Math.ceil((span.from - baseline.day) / BUCKET_SECONDS));
  const end = Math.min(day.accepted.length, Math.floor((span.until - baseline.day) / BUCKET_SECONDS));
  for (let position = first; position < end; position++) {
    if (Number.isNaN(day.accepted[position])) continue;
    for (const rule of RULES) {
      const signal = rule(day, position);
      if (signal) found.push(signal);
    }
  }
  for (const signal of firstSeen(day)) if (signal.from >= span.from && signal.to <= span.until) found.push(signal);
  for (const signal of heavy(day)) if (signal.raised > span.from && signal.raised <= span.until) found.push(signal);
  noteFirstVisits(day, span, firstVisits);
  const { destination, protocol, port } = traffic.history;
  const { isLearning, learnedDays } = baseline;
  return found.map((signal) => ({
    ...signal,
    ...{ destination, protocol, port, isLearning, learnedDays, traces: tracesOf(traffic.visits, signal) },
  }));
}

/** Sources that neither reached this port before, nor were refused by it. */
function noteFirstVisits({ traffic, baseline, firstVisit, endVisit }: PortDay, span: Span, noted: FirstVisits): void {
  const { visits, history } = traffic;
  const today = new Set<number>();
  for (let i = firstVisit; i < endVisit; i++) {
    const source = visits.source[i] as number;
    if (baseline.knownSources.has(source) || baseline.refusedSources.has(source) || today.has(source)) continue;
    today.add(source);
    const bucket = visits.bucket[i] as number;
    if (bucket < span.from || bucket >= span.until) continue;
    noteFirstVisit(noted, {
      ...{ source, bucket, destination: history.destination, protocol: history.protocol, port: history.port },
      ...{ action: visits.action[i] as number, connections: visits.connections[i] as number },
      ...{ packets: visits.packets[i] as number, bytes: visits.bytes[i] as number },
    });
  }
}

import { ACTION, BUCKET_SECONDS } from '../model/flow.ts';
import type { Visits } from './history.ts';
import { firstAt } from './port-day.ts';
import type { Signal, Trace } from './signal.ts';

/** Rows that a card shows. */
export const MOST_TRACES = 10;

/** The flows that a signal rests on, by source and action, largest first. */
export function tracesOf(visits: Visits, signal: Signal): Trace[] {
  const found = new Map<number, Trace>();
  const isDenied = signal.kind === 'denied-burst';
  for (let i = firstAt(visits.bucket, visits.length, signal.from); i < visits.length; i++) {
    const bucket = visits.bucket[i] as number;
    if (bucket >= signal.to) break;
    const action = visits.action[i] as number;
    if ((action === ACTION.denied) !== isDenied) continue;
    const source = visits.source[i] as number;
    if (signal.source >= 0 && source !== signal.source) continue;
    const key = source * 4 + action;
    const before = found.get(key);
    found.set(key, {
      ...{ source, action, from: before?.from ?? bucket, to: bucket + BUCKET_SECONDS },
      connections: (before?.connections ?? 0) + (visits.connections[i] as number),
      packets: (before?.packets ?? 0) + (visits.packets[i] as number),
      bytes: (before?.bytes ?? 0) + (visits.bytes[i] as number),
    });
  }
  return largest([...found.values()], signal.kind === 'bytes-spike');
}

/** The largest traces; ties by source, so that the order of rows does not matter. */
export function largest(traces: readonly Trace[], byBytes: boolean): Trace[] {
  const size = (t: Trace) => (byBytes ? t.bytes : t.connections);
  return traces
    .toSorted((a, b) => size(b) - size(a) || a.source - b.source || a.action - b.action)
    .slice(0, MOST_TRACES);
}

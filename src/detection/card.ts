import type { AnomalyKind } from '../model/anomaly.ts';
import type { PortSignal, Trace } from './signal.ts';

/** A port by address. */
export interface PortKey {
  readonly destination: string;
  readonly protocol: number;
  readonly port: number;
}

/** A flow that a card shows. */
export interface CardTrace extends PortKey, Trace {}

/** Signals of one cause, as they are told. Times are UTC seconds. */
export interface Card {
  readonly kind: AnomalyKind;
  /** Null: it is about several ports, or none. */
  readonly port: PortKey | null;
  /** Number of the source it is about; -1: it is about none. */
  readonly source: number;
  readonly from: number;
  readonly to: number;
  /** End of the bucket with which it was first known. */
  readonly raised: number;
  readonly low: number | null;
  readonly high: number | null;
  readonly seen: number | null;
  readonly expectedWords: string;
  readonly seenWords: string;
  readonly surprise: number;
  readonly isLearning: boolean;
  readonly learnedDays: number;
  readonly also: readonly AnomalyKind[];
  readonly ports: readonly PortKey[];
  readonly traces: readonly CardTrace[];
}

export function keyOf(port: PortKey): string {
  return `${port.destination} ${port.protocol} ${port.port}`;
}

/** The ports of signals, each once. */
export function portsOf(signals: readonly PortKey[]): PortKey[] {
  const ports = new Map<string, PortKey>();
  for (const { destination, protocol, port } of signals)
    ports.set(`${destination} ${protocol} ${port}`, { destination, protocol, port });
  return [...ports.values()];
}

/** Flows of signals with the port they went to, largest first. */
export function tracesOfSignals(signals: readonly PortSignal[], most: number): CardTrace[] {
  const found = new Map<string, CardTrace>();
  for (const { destination, protocol, port, traces } of signals)
    for (const trace of traces) {
      const key = `${destination} ${protocol} ${port} ${trace.source} ${trace.action}`;
      const before = found.get(key);
      // Windows of signals overlap: the largest of them is what can be said without counting twice.
      if (!before || trace.connections > before.connections) found.set(key, { destination, protocol, port, ...trace });
    }
  const byBytes = signals[0]?.kind === 'bytes-spike';
  const size = (t: CardTrace) => (byBytes ? t.bytes : t.connections);
  return [...found.values()].sort((a, b) => size(b) - size(a) || a.source - b.source).slice(0, most);
}

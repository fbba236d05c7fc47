/** Detectors that people write first, for comparison. They look at counts of accepted connections, one bucket at a time. */
import type { Card } from '../src/detection/card.ts';
import { DAY_BUCKETS, type PortTraffic } from '../src/detection/history.ts';
import { mergeByPort } from '../src/detection/merge.ts';
import type { Parameters } from '../src/detection/parameters.ts';
import type { PortSignal } from '../src/detection/signal.ts';
import { BUCKET_SECONDS } from '../src/model/flow.ts';

export const SIMPLE = ['1.5 x largest', 'p99.9', 'hour of week, z > 4', 'EWMA, z > 4'] as const;
type Judge = (value: number, position: number) => boolean;

/** Signals of each detector at a port. The first `history` buckets are learned from. */
export function simpleSignals(traffic: PortTraffic, history: number): PortSignal[][] {
  const past = traffic.history.accepted.subarray(0, history);
  const judges: Judge[] = [largest(past), quantile(past), hourOfWeek(past), ewma(past)];
  const found: PortSignal[][] = judges.map(() => []);
  const { destination, protocol, port, from, accepted } = traffic.history;
  for (let i = history; i < accepted.length; i++) {
    const value = accepted[i] as number;
    judges.forEach((isUnusual, j) => {
      if (!isUnusual(value, i)) return;
      const start = from + i * BUCKET_SECONDS;
      found[j]?.push({
        ...{ kind: 'traffic-spike', destination, protocol, port, from: start, to: start + BUCKET_SECONDS, source: -1 },
        ...{ raised: start + BUCKET_SECONDS },
        ...{ seen: value, low: 0, high: 0, surprise: 0, expectedWords: '', seenWords: '' },
        ...{ isLearning: false, learnedDays: 28, traces: [] },
      });
    });
  }
  return found;
}

export function simpleCards(signals: readonly PortSignal[], parameters: Parameters): Card[] {
  return mergeByPort(signals, parameters);
}

function largest(past: Float32Array): Judge {
  const limit = 1.5 * past.reduce((a, b) => Math.max(a, b), 0);
  return (value) => value > Math.max(limit, 1);
}

function quantile(past: Float32Array): Judge {
  const limit = past.toSorted()[Math.floor(past.length * 0.999)] as number;
  return (value) => value > Math.max(limit, 1);
}

function hourOfWeek(past: Float32Array): Judge {
  const [sum, squares, n] = [new Float64Array(168), new Float64Array(168), new Float64Array(168)];
  past.forEach((value, i) => {
    const slot = Math.floor(i / 12) % 168;
    sum[slot] = (sum[slot] as number) + value;
    squares[slot] = (squares[slot] as number) + value * value;
    n[slot] = (n[slot] as number) + 1;
  });
  return (value, i) => {
    const slot = Math.floor(i / 12) % 168;
    const mean = (sum[slot] as number) / (n[slot] as number);
    const deviation = Math.sqrt(Math.max(0, (squares[slot] as number) / (n[slot] as number) - mean * mean));
    return Math.abs(value - mean) > 4 * Math.max(deviation, 0.5);
  };
}

function ewma(past: Float32Array): Judge {
  let mean = 0;
  let variance = 0;
  const learn = (value: number) => {
    const away = value - mean;
    mean += 0.1 * away;
    variance = 0.9 * (variance + 0.1 * away * away);
  };
  past.subarray(Math.max(0, past.length - 2 * DAY_BUCKETS)).forEach(learn);
  return (value) => {
    const isUnusual = Math.abs(value - mean) > 4 * Math.max(Math.sqrt(variance), 0.5);
    learn(value);
    return isUnusual;
  };
}

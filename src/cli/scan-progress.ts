import { count } from '../util/words.ts';

export interface ScanState {
  /** Ports decided, and all there are to decide. */
  readonly decided: number;
  readonly ports: number;
  readonly hostsDone: number;
  readonly hosts: number;
  readonly open: number;
  readonly probes: number;
}

const ON_TERMINAL_MS = 500;
const ELSEWHERE_MS = 10_000;

/**
 * Shows how far a scan is, on standard error: one line that is written over on a terminal, a line every 10 s elsewhere,
 * nothing with `quiet`. Returns a function that ends it.
 */
export function showScanProgress(read: () => ScanState, quiet: boolean): () => void {
  if (quiet) return () => {};
  const terminal = process.stderr.isTTY === true;
  const started = performance.now();
  const show = () => {
    const line = progressLine(read(), performance.now() - started);
    process.stderr.write(
      terminal ? `\r\u001b[K${line.slice(0, Math.max(20, (process.stderr.columns || 80) - 1))}` : `${line}\n`,
    );
  };
  const timer = setInterval(show, terminal ? ON_TERMINAL_MS : ELSEWHERE_MS);
  timer.unref();
  return () => {
    clearInterval(timer);
    if (terminal) process.stderr.write('\r\u001b[K');
  };
}

/** `12 of 254 hosts, 31 % of ports, 17 open ports, 990/s, 4 min 10 s left`. The rest is guessed from the pace so far. */
export function progressLine(state: ScanState, elapsedMs: number): string {
  const share = state.ports === 0 ? 1 : state.decided / state.ports;
  const words = [
    `${count(state.hostsDone, 'host')} of ${state.hosts}`,
    `${Math.floor(share * 100)} % of ports`,
    count(state.open, 'open port'),
    `${Math.round((state.probes / Math.max(elapsedMs, 1)) * 1000)}/s`,
  ];
  // too early to guess
  if (share >= 0.01 && elapsedMs >= 2_000) words.push(`${time((elapsedMs / share) * (1 - share))} left`);
  return words.join(', ');
}

function time(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  return `${Math.floor(seconds / 3600)} h ${Math.floor((seconds % 3600) / 60)} min`;
}

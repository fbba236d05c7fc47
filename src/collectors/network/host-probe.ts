import { createRateLimit, type RateLimit } from './rate.ts';
import { createRoundTrip, type RoundTrip } from './round-trip.ts';
import type { Verdict } from './verdict.ts';

/** State of a port in the scan of a host. `UNDECIDED`: this machine could not ask. */
export const PENDING = 0;
export const UNDECIDED = 1;
const VERDICTS: readonly Verdict[] = ['open', 'closed', 'filtered', 'unreachable'];
const FIRST = 2;

export function codeOf(verdict: Verdict): number {
  return FIRST + VERDICTS.indexOf(verdict);
}

/** Verdict of a state; null where nobody knows. */
export function verdictOf(state: number): Verdict | null {
  return VERDICTS[state - FIRST] ?? null;
}

/**
 * What is known of a host from an earlier run of the same scan, by port. `silent`: it said nothing, as often as a silent
 * host is asked.
 */
export type KnownPorts = ReadonlyMap<number, Verdict | 'silent'>;

/** A host on its way through the scan. Ports are positions in the scan's list. */
export interface HostProbe {
  readonly address: string;
  /** UTC milliseconds. */
  readonly startedAt: number;
  readonly startedTick: number;
  readonly states: Uint8Array;
  readonly tries: Uint8Array;
  /** First port that was never asked. */
  fresh: number;
  /** Fresh ports are asked up to here: while it is not known whether the host is there, only the first ones. */
  until: number;
  /** Ports to ask again, the longest waiting at `nextRetry`. */
  retries: number[];
  nextRetry: number;
  /** Ports that said nothing as often as a silent host is asked; asked on if the host turns out to answer. */
  silent: number[];
  /** Decided or silent since this was last read, for the journal. */
  news: number[];
  inFlight: number;
  decided: number;
  /** Most attempts at a time. Grows with answers, shrinks with loss. */
  window: number;
  /** It sent a SYN-ACK or refused: it is there. */
  answered: boolean;
  /** Answers of the last while, and how many of them only came to a repeated question. */
  answers: number;
  late: number;
  /** Attempts in a row that this machine did not let happen. */
  refusals: number;
  /** errno of the last of them. */
  refusal: string;
  probes: number;
  readonly trip: RoundTrip;
  readonly rate: RateLimit;
}

export function createHostProbe(
  address: string,
  ports: Uint16Array,
  options: {
    readonly now: number;
    readonly tick: number;
    readonly first: number;
    readonly window: number;
    readonly perSecond: number;
    readonly triesWhenSilent: number;
    readonly known?: KnownPorts | undefined;
  },
): HostProbe {
  const host: HostProbe = {
    address,
    startedAt: options.now,
    startedTick: options.tick,
    states: new Uint8Array(ports.length),
    tries: new Uint8Array(ports.length),
    fresh: 0,
    until: Math.min(options.first, ports.length),
    retries: [],
    nextRetry: 0,
    silent: [],
    news: [],
    inFlight: 0,
    decided: 0,
    window: options.window,
    answered: false,
    answers: 0,
    late: 0,
    refusals: 0,
    refusal: '',
    probes: 0,
    trip: createRoundTrip(),
    rate: createRateLimit(options.perSecond),
  };
  if (options.known) recall(host, ports, options.known, options.triesWhenSilent);
  return host;
}

function recall(host: HostProbe, ports: Uint16Array, known: KnownPorts, triesWhenSilent: number): void {
  ports.forEach((port, index) => {
    const verdict = known.get(port);
    if (verdict === undefined) return;
    if (verdict !== 'silent') {
      host.states[index] = codeOf(verdict);
      host.decided++;
      if (verdict === 'open' || verdict === 'closed') host.answered = true;
    } else {
      host.tries[index] = triesWhenSilent;
      host.silent.push(index);
    }
  });
  if (host.answered) host.until = ports.length;
}

/** Returns the next port to ask, or -1 where there is none at the moment. */
export function nextPort(host: HostProbe): number {
  while (host.fresh < host.until) {
    const index = host.fresh++;
    if (host.states[index] === PENDING && host.tries[index] === 0) return index;
  }
  const again = host.retries[host.nextRetry++];
  if (again !== undefined) return again;
  host.retries = [];
  host.nextRetry = 0;
  return -1;
}

/** Says whether nothing is under way or waiting to be asked, as far as `until` goes. */
export function isIdle(host: HostProbe): boolean {
  return host.inFlight === 0 && host.fresh >= host.until && host.nextRetry >= host.retries.length;
}

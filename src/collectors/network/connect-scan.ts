import { Connector, type Probe } from './connector.ts';
import {
  codeOf,
  createHostProbe,
  type HostProbe,
  isIdle,
  type KnownPorts,
  nextPort,
  PENDING,
  UNDECIDED,
} from './host-probe.ts';
import { type HostResult, newsOf, resultOf, type ScanNews } from './host-result.ts';
import { type RateLimit, spend, waitFor } from './rate.ts';
import { addSample, createRoundTrip, timeoutOf } from './round-trip.ts';

export interface ConnectScanOptions {
  /** Ports in the order in which they are asked, the likeliest first, each once. */
  readonly ports: Uint16Array;
  /** New connections per second in all, shared with whoever else is given it. */
  readonly rate: RateLimit;
  /** New connections per second to one host; Infinity: no cap. */
  readonly ratePerHost: number;
  /** How often a port is asked again that says nothing, on a host that said nothing at all and on one that did. */
  readonly retries: { readonly silent: number; readonly answering: number };
  /** Most connections at a time. */
  readonly maxInFlight: number;
  /** Leave a host after the first ports if none of them says anything. */
  readonly skipSilent: boolean;
  /** What an earlier run of this scan found out about a host. */
  readonly known?: (address: string) => KnownPorts | undefined;
  readonly signal?: AbortSignal;
}

export interface ScanProgress {
  /** Ports decided, of hosts finished and under way. */
  decided: number;
  probes: number;
  hostsDone: number;
  open: number;
}

export interface ConnectScan {
  /** Each address as it is finished. Ends early, without a word, when the signal aborts. */
  readonly results: AsyncGenerator<HostResult, void, undefined>;
  readonly progress: Readonly<ScanProgress>;
  /** What is new of the hosts under way that have at least so many ports of news. */
  news(atLeast: number): ScanNews[];
}

/** Ports asked before anything else, to see whether a host is there. */
const FIRST_PORTS = 16;
/** Attempts started between two looks at what came in: keeps the loop at a few ms, so that round trips stay true. */
const BURST = 256;
/** Attempts of one host in its turn. */
const TURN = 16;
const TIMER_MS = 5;
/** Without an answer so far. Linux repeats a SYN after 1 s; below that every packet is one that we counted. */
const FIRST_TIMEOUT_MS = 900;
const LEAST_TIMEOUT_MS = 100;
const LONGEST_TIMEOUT_MS = 5_000;
const SILENT_TIMEOUT_MS = 250;
/** Share of answers that came to a repeated question only, above which a host is asked more slowly. */
const HEAVY_LOSS = 0.1;
const LOSS_SAMPLE = 64;
const FIRST_WINDOW = 32;
const MOST_PER_HOST = 1_000;
/** Silent hosts that wait for their turn at most: a large network must not be held in memory. */
const MOST_PARKED = 4_096;
/** Hosts under way at most; the fewer, the sooner the first is recorded. */
const MOST_ACTIVE = 256;
const LEAST_ACTIVE = 16;
/** Ports of all hosts under way, which bounds memory. */
const STATES = 4_000_000;
/** Results that wait for whoever records them. */
const MOST_WAITING = 256;
const SHORTAGE_PAUSE_MS = 20;
/** In a row, for one host, after which its rest counts as not asked. */
const MOST_REFUSALS = 200;

/**
 * Scans addresses by connect(2). A host is first asked a few ports; one that says nothing waits until the others are done.
 * Timeouts follow each host's round trip; a port that says nothing is asked again. Nothing is decided by a failure of
 * this machine. Takes addresses lazily.
 */
export function startConnectScan(addresses: Iterator<string>, options: ConnectScanOptions): ConnectScan {
  const { ports, signal } = options;
  const progress: ScanProgress = { decided: 0, probes: 0, hostsDone: 0, open: 0 };
  const group = createRoundTrip();
  const waiting: HostResult[] = [];
  const active: HostProbe[] = [];
  const parked: HostProbe[] = [];
  const connector = new Connector<HostProbe>(onDone);
  const mostActive = mostActiveHosts(options);
  // the longest timeout that the window can afford at this rate
  const leastTimeout = Math.min(
    Math.max((500 * options.maxInFlight) / options.rate.perSecond, LEAST_TIMEOUT_MS),
    FIRST_TIMEOUT_MS,
  );
  let window = options.maxInFlight;
  let turn = 0;
  let exhausted = false;
  let pausedUntil = 0;
  let pumpIsDue = false;
  let ended = false;
  let wake: (() => void) | undefined;
  const timer = setInterval(pumpSoon, TIMER_MS);

  function pumpSoon(): void {
    if (pumpIsDue || ended) return;
    pumpIsDue = true;
    setImmediate(pump);
  }

  function pump(): void {
    pumpIsDue = false;
    if (ended) return;
    const now = performance.now();
    connector.sweep(now);
    admit(now);
    if (active.length === 0 && parked.length === 0 && exhausted && connector.inFlight === 0) end();
    else if (now >= pausedUntil && send(now) === BURST) pumpSoon();
  }

  /** Takes hosts in: new ones first, then those that were silent at first. */
  function admit(now: number): void {
    while (active.length < mostActive && waiting.length < MOST_WAITING) {
      const host = (parked.length < MOST_PARKED ? nextHost(now) : undefined) ?? revive();
      if (host === undefined) return;
      active.push(host);
    }
  }

  function nextHost(tick: number): HostProbe | undefined {
    if (exhausted) return undefined;
    const next = addresses.next();
    if (next.done) {
      exhausted = true;
      return undefined;
    }
    const host = createHostProbe(next.value, ports, {
      now: Date.now(),
      tick,
      first: FIRST_PORTS,
      window: Number.isFinite(options.ratePerHost)
        ? Math.min(Math.max(options.ratePerHost, FIRST_WINDOW), MOST_PER_HOST)
        : FIRST_WINDOW,
      perSecond: options.ratePerHost,
      triesWhenSilent: options.retries.silent + 1,
      known: options.known?.(next.value),
    });
    progress.decided += host.decided;
    return host;
  }

  function revive(): HostProbe | undefined {
    const host = parked.shift();
    if (host) host.until = ports.length;
    return host;
  }

  /** Starts attempts, host by host in turn, as far as rates and windows allow. Returns how many. */
  function send(now: number): number {
    let sent = 0;
    for (let idle = 0; idle < active.length && sent < BURST; ) {
      if (turn >= active.length) turn = 0;
      const host = active[turn] as HostProbe;
      const count = sendTo(host, Math.min(TURN, BURST - sent), now);
      sent += count;
      idle = count === 0 ? idle + 1 : 0;
      if (settle(host, now)) idle = 0;
      else turn++;
      if (now < pausedUntil || connector.inFlight >= window || waitFor(options.rate, now) > 0) break;
    }
    return sent;
  }

  function sendTo(host: HostProbe, most: number, now: number): number {
    let sent = 0;
    while (
      sent < most &&
      host.inFlight < host.window &&
      connector.inFlight < window &&
      waitFor(host.rate, now) === 0 &&
      waitFor(options.rate, now) === 0
    ) {
      const index = nextPort(host);
      if (index < 0) break;
      host.tries[index] = (host.tries[index] as number) + 1;
      host.inFlight++;
      host.probes++;
      progress.probes++;
      spend(host.rate, now);
      spend(options.rate, now);
      sent++;
      connector.start(host, host.address, ports[index] as number, index, now, timeoutFor(host));
    }
    return sent;
  }

  function timeoutFor(host: HostProbe): number {
    const most = LONGEST_TIMEOUT_MS;
    if (host.trip.samples > 0) return timeoutOf(host.trip, { least: leastTimeout, most, otherwise: FIRST_TIMEOUT_MS });
    if (host.until < ports.length) return FIRST_TIMEOUT_MS;
    // silent so far: twice what the others need, not more than the first ports were given
    const least = Math.max(leastTimeout, SILENT_TIMEOUT_MS);
    return Math.min(2 * timeoutOf(group, { least: least / 2, most, otherwise: most }), FIRST_TIMEOUT_MS);
  }

  function onDone({ host, index, attempt, code, startedAt, endedAt }: Probe<HostProbe>): void {
    host.inFlight--;
    if (attempt === 'shortage' || attempt === 'refused-here' || attempt === null) onLocal(host, index, attempt, code);
    else {
      host.refusals = 0;
      if (window < options.maxInFlight && progress.probes % 64 === 0) window++;
      if (attempt === 'filtered') onSilence(host, index);
      else {
        if (attempt === 'open' || attempt === 'closed') onAnswer(host, index, endedAt - startedAt);
        decide(host, index, codeOf(attempt));
        if (attempt === 'open') progress.open++;
      }
    }
    pumpSoon();
  }

  /** The attempt did not leave this machine: it says nothing of the port, and there are too many at a time. */
  function onLocal(host: HostProbe, index: number, attempt: 'shortage' | 'refused-here' | null, code: string): void {
    host.tries[index] = (host.tries[index] as number) - 1;
    host.refusals += attempt === 'shortage' ? 1 : MOST_REFUSALS / 4;
    host.refusal = code;
    if (host.refusals < MOST_REFUSALS) host.retries.push(index);
    else {
      decide(host, index, UNDECIDED);
      return;
    }
    if (attempt !== 'shortage') return;
    window = Math.max(4, Math.floor(Math.min(window, connector.inFlight) * 0.8));
    pausedUntil = performance.now() + SHORTAGE_PAUSE_MS;
  }

  function onAnswer(host: HostProbe, index: number, tripMs: number): void {
    addSample(host.trip, tripMs);
    addSample(group, tripMs);
    if (!host.answered) {
      host.answered = true;
      host.until = ports.length;
    }
    host.answers++;
    if ((host.tries[index] as number) > 1) host.late++;
    else grow(host);
    if (host.answers < LOSS_SAMPLE) return;
    if (host.late / host.answers > HEAVY_LOSS) host.window = Math.max(8, Math.floor(host.window / 2));
    host.answers = 0;
    host.late = 0;
  }

  function grow(host: HostProbe): void {
    if (host.window < MOST_PER_HOST) host.window++;
  }

  function onSilence(host: HostProbe, index: number): void {
    const tries = host.tries[index] as number;
    // silent twice: that is a filter and not loss, so it need not be asked more slowly
    if (tries > 1) grow(host);
    const retries = host.answered ? options.retries.answering : options.retries.silent;
    if (tries <= retries) host.retries.push(index);
    else if (!host.answered && options.retries.silent < options.retries.answering) {
      host.silent.push(index);
      host.news.push(index);
    } else decide(host, index, codeOf('filtered'));
  }

  function decide(host: HostProbe, index: number, state: number): void {
    if (host.states[index] !== PENDING) return;
    host.states[index] = state;
    host.decided++;
    progress.decided++;
    host.news.push(index);
  }

  /** Sees whether a host is through with what it was to be asked. Says whether it left the list of active ones. */
  function settle(host: HostProbe, now: number): boolean {
    if (!isIdle(host)) return false;
    if (host.answered && host.silent.length > 0) {
      // it does answer, so its silent ports are worth the further questions
      host.retries = host.silent;
      host.nextRetry = 0;
      host.silent = [];
      return false;
    }
    const isUnasked = host.until < ports.length;
    if (isUnasked && host.refusals < MOST_REFUSALS && !options.skipSilent) {
      leave(host);
      parked.push(host);
      return true;
    }
    for (const index of host.silent) decide(host, index, codeOf('filtered'));
    leave(host);
    progress.decided += ports.length - host.decided;
    progress.hostsDone++;
    waiting.push(resultOf(host, ports, now));
    wake?.();
    return true;
  }

  function leave(host: HostProbe): void {
    active.splice(active.indexOf(host), 1);
  }

  function end(): void {
    if (ended) return;
    ended = true;
    clearInterval(timer);
    connector.close();
    signal?.removeEventListener('abort', end);
    wake?.();
  }

  async function* results(): AsyncGenerator<HostResult, void, undefined> {
    try {
      for (;;) {
        const result = waiting.shift();
        if (result !== undefined) yield result;
        else if (ended) return;
        else {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          wake = undefined;
        }
      }
    } finally {
      end();
    }
  }

  if (signal?.aborted) end();
  else {
    signal?.addEventListener('abort', end);
    pumpSoon();
  }
  return {
    results: results(),
    progress,
    news: (atLeast) => [...active, ...parked].filter((h) => h.news.length >= atLeast).map((h) => newsOf(h, ports)),
  };
}

/** As many hosts as it takes to reach the rate twice over, since some of them wait for the last answers. */
function mostActiveHosts({ ports, rate, ratePerHost }: ConnectScanOptions): number {
  const forRate = Number.isFinite(rate.perSecond) ? Math.ceil((2 * rate.perSecond) / ratePerHost) : MOST_ACTIVE;
  const forMemory = Math.floor(STATES / ports.length);
  return Math.max(LEAST_ACTIVE, Math.min(forRate, forMemory, MOST_ACTIVE));
}

import type { AnswerFacts } from '../../model/answer.ts';
import type { HostResult } from './host-result.ts';
import { identify, MAX_CONNECTIONS } from './identify.ts';
import { type AddressFindings, portsIn } from './network-observation.ts';
import { createRateLimit, type RateLimit, reserve } from './rate.ts';
import type { Recog } from './recog.ts';
import { scanUdp } from './udp.ts';

export interface ServiceOptions {
  /** Ask open TCP ports what they are. */
  readonly identify: boolean;
  readonly udp: readonly number[];
  /** Ports that are identified at a time. */
  readonly atATime: number;
  /** The scan's own caps: what is asked here counts too. */
  readonly rate: RateLimit;
  readonly ratePerHost: number;
  readonly recog?: Recog;
  readonly signal: AbortSignal;
}

/** Ports of one host that are identified; where more are open, something answers for all of them (a proxy, a tarpit). */
const MOST_PORTS = 256;
const IDENTIFY_TIMEOUT_MS = 5_000;
const UDP_TIMEOUT_MS = 1_000;
const UDP_TRIES = 3;

/**
 * Returns a function that asks what a connect scan does not: what answers on the open ports of a host, and its UDP ports.
 * It returns null where the signal broke it off.
 */
export function createServiceAsker(
  options: ServiceOptions,
): (tcp: HostResult, names: readonly string[]) => Promise<AddressFindings | null> {
  const { signal, rate, recog } = options;
  const inTurn = createTurns(options.atATime);

  async function identifyAll(tcp: HostResult, limits: readonly RateLimit[], names: readonly string[]) {
    const answers = new Map<number, AnswerFacts>();
    const [serverName] = names;
    const more = { ...(serverName !== undefined && { serverName }), ...(recog && { recog }) };
    const askPort = async (port: number) => {
      await pause(reserve(limits, MAX_CONNECTIONS, performance.now()), signal);
      if (signal.aborted) return;
      const answer = await identify(tcp.address, port, { timeoutMs: IDENTIFY_TIMEOUT_MS, signal, ...more });
      if (answer) answers.set(port, answer);
    };
    await Promise.all([...portsIn(tcp.ports.open)].slice(0, MOST_PORTS).map((port) => inTurn(() => askPort(port))));
    return answers;
  }

  return async (tcp, names) => {
    const asksTcp = options.identify && tcp.ports.open.length > 0;
    if (!asksTcp && options.udp.length === 0) return { tcp, answers: new Map(), names };
    const limits = [rate, createRateLimit(options.ratePerHost)];
    const answers = asksTcp ? await identifyAll(tcp, limits, names) : new Map<number, AnswerFacts>();
    const onPacket = () => pause(reserve(limits, 1, performance.now()), signal);
    const udp =
      options.udp.length > 0 && !signal.aborted
        ? await scanUdp(tcp.address, options.udp, {
            timeoutMs: UDP_TIMEOUT_MS,
            tries: UDP_TRIES,
            signal,
            onPacket,
            ...(recog && { recog }),
          })
        : undefined;
    return signal.aborted ? null : { tcp, answers, names, ...(udp && { udp }) };
  };
}

/** Returns a function that lets so many pieces of work go on at a time; the others wait for their turn. */
function createTurns(atATime: number): (work: () => Promise<void>) => Promise<void> {
  let free = atATime;
  const waiting: (() => void)[] = [];
  return async (work) => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}

/** Waits, and no longer than until the signal. */
function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener('abort', end);
  });
}

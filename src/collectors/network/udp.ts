import { randomBytes } from 'node:crypto';
import type { AnswerFacts } from '../../model/answer.ts';
import type { Recog } from './recog.ts';
import { udpProbes } from './udp-probes/index.ts';
import type { UdpProbe } from './udp-probes/udp-probe.ts';
import { openSocket, type UdpAnswer } from './udp-socket.ts';

export interface UdpOptions {
  /** How long one try waits for an answer, ms. */
  readonly timeoutMs: number;
  /** Tries per port, 1 or more. */
  readonly tries: number;
  readonly signal?: AbortSignal;
  /** Awaited before each packet: the caller's rate limit. */
  readonly onPacket?: () => Promise<void>;
  /** The user's own fingerprints. */
  readonly recog?: Recog;
}

export interface UdpResult {
  /** An answer came. */
  readonly open: readonly { readonly port: number; readonly answer?: AnswerFacts }[];
  /** Refused: ICMP port unreachable. */
  readonly closed: readonly number[];
  /** Silence: open, filtered, or closed by a host that limits its ICMP (Linux: about one a second); nobody can tell. */
  readonly openFiltered: readonly number[];
}

/** Ports of one address that are asked at a time; each holds one socket. */
const AT_A_TIME = 32;

/**
 * Asks UDP ports of one address, each with a request of the protocol that is usual there, else with an empty datagram. Each
 * port is in one of the three lists, sorted; ports not reached before the signal are in none.
 */
export async function scanUdp(address: string, ports: readonly number[], options: UdpOptions): Promise<UdpResult> {
  const open: { port: number; answer?: AnswerFacts }[] = [];
  const closed: number[] = [];
  const openFiltered: number[] = [];
  const waiting = [...new Set(ports)].sort((a, b) => b - a);
  async function work(): Promise<void> {
    for (let port = waiting.pop(); port !== undefined && !options.signal?.aborted; port = waiting.pop()) {
      const outcome = await askPort(address, port, options);
      if (outcome === 'closed') closed.push(port);
      else if (outcome === 'silent') openFiltered.push(port);
      else if (outcome !== 'called-off') open.push({ port, ...(outcome.answer ? { answer: outcome.answer } : {}) });
    }
  }
  await Promise.all(Array.from({ length: Math.min(AT_A_TIME, waiting.length) }, work));
  const byNumber = (a: number, b: number) => a - b;
  return {
    open: open.sort((a, b) => a.port - b.port),
    closed: closed.sort(byNumber),
    openFiltered: openFiltered.sort(byNumber),
  };
}

type Outcome = { readonly answer: AnswerFacts | undefined } | 'closed' | 'silent' | 'called-off';

/**
 * All tries but one go through a connected socket, which alone hears of ICMP. The last goes through an unconnected one: a
 * host with several addresses may answer from another one, a TFTP server from another port, and a connected socket drops it.
 */
async function askPort(address: string, port: number, options: UdpOptions): Promise<Outcome> {
  const probe = udpProbes.find((p) => p.ports.includes(port));
  const nonce = randomBytes(32);
  const requests = probe?.requests(nonce) ?? [new Uint8Array(0)];
  for (const isConnected of [true, false]) {
    const socket = await openSocket(address, port, isConnected);
    if (!socket) return 'silent';
    try {
      const tries = isConnected ? Math.max(1, options.tries - 1) : 1;
      for (let i = 0; i < tries; i++) {
        for (const request of requests) {
          await options.onPacket?.();
          if (options.signal?.aborted) return 'called-off';
          socket.send(request);
        }
        const answers = await socket.hear(options.timeoutMs, requests.length, options.signal);
        if (answers === 'refused') return 'closed';
        const facts = readAnswers(probe, answers, nonce, options.recog);
        if (facts) return { answer: facts };
        // What came from the very address and port is an answer, whatever it says.
        if (answers.some((a) => a.isFromTarget)) return { answer: undefined };
      }
    } finally {
      socket.close();
    }
  }
  return options.signal?.aborted ? 'called-off' : 'silent';
}

/** What the answers say together; of two, the later one wins. */
function readAnswers(
  probe: UdpProbe | undefined,
  answers: readonly UdpAnswer[],
  nonce: Buffer,
  recog: Recog | undefined,
): AnswerFacts | undefined {
  let facts: AnswerFacts | undefined;
  for (const { data } of answers) {
    const reading = probe ? readSafely(probe, data, nonce) : null;
    if (!reading || !probe) continue;
    facts = { ...facts, ...reading.facts, by: probe.name };
    for (const [key, text] of Object.entries(reading.texts ?? {})) facts = { ...facts, ...recog?.match(key, text) };
  }
  return facts;
}

function readSafely(probe: UdpProbe, data: Buffer, nonce: Buffer) {
  try {
    return probe.read(data, nonce);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

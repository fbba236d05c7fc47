import type { AnswerFacts } from '../../model/answer.ts';
import { type Budget, budgetOf, dial, type Talk } from './identify-talk.ts';
import { firstLine, isText } from './identify-text.ts';
import { handshake } from './identify-tls.ts';
import { probes } from './probes/index.ts';
import type { Probe, Reading, Target } from './probes/probe.ts';
import type { Recog } from './recog.ts';

export interface IdentifyOptions {
  /** For the port as a whole, ms: it returns within this time. 5,000 does for a network nearby. */
  readonly timeoutMs: number;
  /** Name that the address was asked for: TLS server name, HTTP host. */
  readonly serverName?: string;
  readonly signal?: AbortSignal;
  /** The user's own fingerprints, which add to what the probes read. */
  readonly recog?: Recog;
}

/**
 * Finds out what answers on an open TCP port, by a few connections, one after another, with requests that only read. Returns
 * null where nothing was said. Never throws for what the other side does.
 */
export async function identify(address: string, port: number, options: IdentifyOptions): Promise<AnswerFacts | null> {
  const budget = budgetOf(options.timeoutMs, options.signal);
  const target: Target = {
    address,
    port,
    ...(options.serverName === undefined ? {} : { serverName: options.serverName }),
  };
  const asked: Asking = { target, budget, timeoutMs: options.timeoutMs, order: readingOrder(port) };
  const clear = await askInClear(asked);
  if (clear?.facts.encryption !== undefined) return clear.facts;
  return (await askInTls(asked)) ?? clear?.facts ?? null;
}

interface Asking {
  readonly target: Target;
  readonly budget: Budget;
  readonly timeoutMs: number;
  readonly order: readonly Probe[];
}

function readingOrder(port: number): readonly Probe[] {
  const isUsual = (p: Probe) => p.ports.includes(port) || p.tlsPorts?.includes(port) === true;
  return [...probes.filter(isUsual), ...probes.filter((p) => !isUsual(p))];
}

async function askInClear({ target, budget, timeoutMs, order }: Asking): Promise<Reading | null> {
  const talk = await dial(target.address, target.port, timeoutMs / 3, budget);
  if (!talk) return null;
  try {
    const banner = await listen(talk, null, timeoutMs / 4, order);
    if (banner) return banner;
    const first = order.find((p) => p.request);
    return first?.request ? await listen(talk, first.request(target), timeoutMs / 4, order) : null;
  } finally {
    talk.close();
  }
}

async function askInTls({ target, budget, timeoutMs, order }: Asking): Promise<AnswerFacts | null> {
  const talk = await dial(target.address, target.port, timeoutMs / 3, budget);
  if (!talk) return null;
  const result = await handshake(talk.release(), target.serverName, ['http/1.1'], timeoutMs / 3, budget);
  if ('code' in result) return null;
  try {
    const first = order.find((p) => p.request);
    const inner = first?.request ? await listen(result.talk, first.request(target), timeoutMs / 4, order) : null;
    return { ...inner?.facts, encryption: 'tls', tls: result.facts };
  } finally {
    result.talk.close();
  }
}

/** Sends a request (or none) and returns what the first probe makes of the answer, or its first line where none knows it. */
async function listen(
  talk: Talk,
  request: Uint8Array | null,
  waitMs: number,
  order: readonly Probe[],
): Promise<Reading | null> {
  let reading: Reading | null = null;
  const answer = await talk.ask(request, waitMs, (soFar) => {
    reading = readAnswer(soFar, false, order);
    return reading !== null;
  });
  reading ??= readAnswer(answer, true, order);
  if (reading || answer.length === 0) return reading;
  const banner = isText(answer) ? firstLine(answer) : '';
  return banner === '' ? null : { facts: { banner } };
}

function readAnswer(answer: Buffer, isEnd: boolean, order: readonly Probe[]): Reading | null {
  for (const probe of order) {
    const reading = readSafely(probe, answer, isEnd);
    if (reading) return { ...reading, facts: { ...reading.facts, by: probe.name } };
  }
  return null;
}

/** An answer that ends before what it promises is not of the protocol. */
function readSafely(probe: Probe, answer: Buffer, isEnd: boolean): Reading | null {
  try {
    return probe.read(answer, isEnd);
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

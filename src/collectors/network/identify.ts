import type { AnswerFacts, TlsFacts } from '../../model/answer.ts';
import { askForTls, hear } from './identify-dialogue.ts';
import { acceptedVersions, type Reach, tlsByHello } from './identify-old-tls.ts';
import { askedInTls, type Odds, type Opening, openingsFor, readingOrder } from './identify-plan.ts';
import { type Budget, budgetOf, dial, type Talk } from './identify-talk.ts';
import { type Handshake, handshake } from './identify-tls.ts';
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

/** Connections that one port is looked at with, at most. */
export const MAX_CONNECTIONS = 8;

/**
 * Finds out what answers on an open TCP port, by a few connections, one after another, with requests that only read. Returns null where nothing was said. Never throws for what the other side does.
 */
export async function identify(address: string, port: number, options: IdentifyOptions): Promise<AnswerFacts | null> {
  const { timeoutMs, serverName, recog } = options;
  const budget = budgetOf(timeoutMs, options.signal);
  let connections = 0;
  const look: Look = {
    target: { address, port, ...(serverName === undefined ? {} : { serverName }) },
    budget,
    connect: async () => (connections++ < MAX_CONNECTIONS ? dial(address, port, timeoutMs * CONNECT, budget) : null),
    timeoutMs,
    order: readingOrder(port),
    recog,
  };
  const waiting: Opening[] = [...openingsFor(port)];
  let unsure: AnswerFacts | null = null;
  let hasTriedTls = false;
  for (let opening = waiting.shift(); opening && look.budget.left() > 0; opening = waiting.shift()) {
    if (opening.kind === 'tls') {
      if (hasTriedTls) continue;
      hasTriedTls = true;
      const found = await askInTls(look);
      if (found) return found;
      // What looked like the answer of a TLS port is none.
      if (unsure?.service !== undefined) return unsure;
      continue;
    }
    const found = await askInClear(look, opening);
    if (found === 'refused') break;
    if (found.isSure) return found.facts;
    unsure ??= found.facts;
    if (found.wantsTls) waiting.unshift({ kind: 'tls' });
  }
  return unsure;
}

interface Look {
  readonly target: Target;
  readonly budget: Budget;
  /** Opens one more connection; null where nobody accepts, or all that are allowed were made. */
  readonly connect: Reach;
  readonly timeoutMs: number;
  readonly order: readonly Probe[];
  readonly recog: Recog | undefined;
}

interface Found {
  readonly facts: AnswerFacts | null;
  /** Nothing more is to be learned by further connections. */
  readonly isSure: boolean;
  readonly wantsTls: boolean;
}

/** Of the time for the port: for connecting, for a handshake, for an answer. Of a silent port all openings fit into it. */
const CONNECT = 1 / 4;
const HANDSHAKE = 1 / 4;
const ANSWER: Readonly<Record<Odds, number>> = { likely: 1 / 3, unlikely: 1 / 8, rare: 1 / 10 };

async function askInClear(look: Look, opening: Opening & { kind: 'clear' }): Promise<Found | 'refused'> {
  const { target, timeoutMs, order, recog } = look;
  const talk = await look.connect();
  if (!talk) return 'refused';
  const waitMs = timeoutMs * ANSWER[opening.odds];
  const requests = [...(opening.listens ? [null] : []), ...opening.asks.map((p) => p.request?.(target) ?? null)];
  let banner: string | undefined;
  try {
    for (const request of requests) {
      const { reading, ...said } = await hear(talk, request, waitMs, order, recog);
      if (reading?.startTls) return await offersTls(look, talk, reading, request);
      if (reading) return { facts: reading.facts, isSure: !reading.mayBeTls, wantsTls: reading.mayBeTls === true };
      if (said.soundsLikeTls) return { facts: null, isSure: false, wantsTls: true };
      banner ??= said.banner;
      // Who speaks in clear without being asked does not begin with TLS, and has no other answer.
      if (request === null && said.saidSomething) return { facts: factsOf(banner), isSure: true, wantsTls: false };
      if (talk.isOver) break;
    }
    return { facts: factsOf(banner), isSure: false, wantsTls: false };
  } finally {
    talk.close();
  }
}

function factsOf(banner: string | undefined): AnswerFacts | null {
  return banner === undefined ? null : { banner };
}

/** The talk offers TLS in its midst: asks for it, shakes hands, and looks which older versions do as well. */
async function offersTls(look: Look, talk: Talk, reading: Reading, request: Uint8Array | null): Promise<Found> {
  const { target, budget, timeoutMs, order } = look;
  const steps = reading.startTls ?? [];
  const done = (facts: AnswerFacts): Found => ({ facts, isSure: true, wantsTls: false });
  const { requiresTls, ...facts } = reading.facts;
  const says = await askForTls(talk, steps, timeoutMs * ANSWER.unlikely);
  if (says === 'no') return done({ ...facts, encryption: 'none' });
  if (says === 'unclear') return done(facts);
  const result = await handshake(talk.release(), target.serverName, [], timeoutMs * HANDSHAKE, budget);
  if ('talk' in result) result.talk.close();
  else if (reading.needsTls) return { facts: null, isSure: false, wantsTls: false };
  const reach: Reach = async () => {
    const again = await look.connect();
    if (!again) return null;
    await hear(again, request, timeoutMs * ANSWER.unlikely, order);
    if ((await askForTls(again, steps, timeoutMs * ANSWER.unlikely)) === 'yes') return again;
    again.close();
    return null;
  };
  const tls = 'talk' in result ? await withVersions(look, result.facts, reach) : null;
  return done({
    ...facts,
    encryption: 'starttls',
    ...(requiresTls === undefined ? {} : { requiresTls }),
    ...(tls ? { tls } : {}),
  });
}

/** TLS from the first byte, and what is spoken inside. Null: no TLS here. */
async function askInTls(look: Look): Promise<AnswerFacts | null> {
  const { target, timeoutMs, order, recog } = look;
  const result = await shakeHands(look);
  if (result === null) return null;
  if (!('talk' in result)) return { encryption: 'tls', tls: result };
  const { talk, facts } = result;
  let inner: AnswerFacts | undefined;
  try {
    if (result.alpn === 'h2') inner = { service: 'http', banner: 'HTTP/2', by: 'http' };
    else {
      const request = askedInTls(target.port)?.request?.(target) ?? null;
      const { reading, banner } = await hear(talk, request, timeoutMs * ANSWER.likely, order, recog);
      const { requiresTls: _, ...said } = reading?.facts ?? factsOf(banner) ?? {};
      inner = said;
    }
  } finally {
    talk.close();
  }
  return { ...inner, encryption: 'tls', tls: await withVersions(look, facts, look.connect) };
}

/** The codes of OpenSSL for an answer that is no TLS at all. */
const NOT_TLS = ['ERR_SSL_WRONG_VERSION_NUMBER', 'ERR_SSL_PACKET_LENGTH_TOO_LONG', 'ERR_SSL_HTTP_REQUEST'];
const NO_COMMON_PROTOCOL = 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL';

/** Shakes hands; where that fails although TLS is spoken, reads what the server says in clear before it fails. */
async function shakeHands(look: Look): Promise<Handshake | TlsFacts | null> {
  const { target, budget, timeoutMs, connect } = look;
  const isHttp = askedInTls(target.port)?.request !== undefined;
  let alpn: readonly string[] = isHttp ? ['http/1.1'] : [];
  for (let i = 0; i < 2; i++) {
    const talk = await connect();
    if (!talk) return null;
    const result = await handshake(talk.release(), target.serverName, alpn, timeoutMs * HANDSHAKE, budget);
    if ('talk' in result) return result;
    if (result.code !== NO_COMMON_PROTOCOL) {
      if (NOT_TLS.includes(result.code) || result.code === 'ETIMEDOUT') return null;
      return tlsByHello(connect, target.serverName, timeoutMs * ANSWER.unlikely);
    }
    alpn = ['h2'];
  }
  return null;
}

async function withVersions({ target, timeoutMs }: Look, facts: TlsFacts, reach: Reach): Promise<TlsFacts> {
  const accepts = await acceptedVersions(facts.protocol, reach, target.serverName, timeoutMs * ANSWER.unlikely);
  return accepts.length === 0 ? facts : { ...facts, accepts };
}

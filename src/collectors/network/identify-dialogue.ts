import type { AnswerFacts } from '../../model/answer.ts';
import { isTlsRecord } from './identify-hello.ts';
import type { Talk } from './identify-talk.ts';
import { firstLine, isText } from './identify-text.ts';
import type { Probe, Reading, Step } from './probes/probe.ts';
import type { Recog } from './recog.ts';

/** What a question brought. */
export interface Heard {
  /** What a probe makes of it; its facts say by which. */
  readonly reading: Reading | null;
  /** First line of what no probe knows, where it is text. */
  readonly banner?: string;
  readonly saidSomething: boolean;
  /** The answer is TLS's own: it wants a handshake. */
  readonly soundsLikeTls: boolean;
}

/** Further questions that one probe may ask in a connection. */
const MAX_QUESTIONS = 3;

/** Sends a request (or only listens) and reads the answer; asks on as long as the probe that knows it wants to. */
export async function hear(
  talk: Talk,
  request: Uint8Array | null,
  waitMs: number,
  order: readonly Probe[],
  recog?: Recog,
): Promise<Heard> {
  let answer: Buffer = Buffer.alloc(0);
  let ask: Uint8Array | null = request;
  let known: Reading | null = null;
  for (let i = 0; i <= MAX_QUESTIONS; i++) {
    let reading: Reading | null = null;
    const before = answer;
    const more = await talk.ask(ask, waitMs, (piece) => {
      reading = read(Buffer.concat([before, piece]), false, order);
      return reading !== null;
    });
    answer = Buffer.concat([before, more]);
    reading ??= read(answer, true, order);
    // Where a further question brings nothing, what was known before stands.
    if (more.length === 0 || !reading) break;
    known = reading;
    if (!reading.ask) break;
    ask = reading.ask;
  }
  // A reading without a service was only a reason to ask on.
  if (known?.facts.service !== undefined) return heard(answer, withFingerprints(known, recog));
  const banner = isText(answer) ? firstLine(answer) : '';
  return { ...heard(answer, null), ...(banner === '' ? {} : { banner }) };
}

function heard(answer: Buffer, reading: Reading | null): Heard {
  return { reading, saidSomething: answer.length > 0, soundsLikeTls: isTlsRecord(answer) };
}

/** What the first probe that knows the answer says of it. */
function read(answer: Buffer, isEnd: boolean, order: readonly Probe[]): Reading | null {
  for (const probe of order) {
    const reading = readSafely(probe, answer, isEnd);
    if (reading) return { ...reading, facts: { ...reading.facts, by: probe.name } };
  }
  return null;
}

/** An answer that ends before what it promises, or whose JSON is none, is not of the protocol. */
export function readSafely(probe: Probe, answer: Buffer, isEnd: boolean): Reading | null {
  try {
    return probe.read(answer, isEnd);
  } catch (error) {
    if (error instanceof RangeError || error instanceof SyntaxError) return null;
    throw error;
  }
}

/** Adds what the user's fingerprints know of the texts of an answer; they win over the probe on product and version. */
function withFingerprints(reading: Reading, recog: Recog | undefined): Reading {
  let facts: AnswerFacts = reading.facts;
  if (recog)
    for (const [key, text] of Object.entries(reading.texts ?? {})) facts = { ...facts, ...recog.match(key, text) };
  return { ...reading, facts };
}

/** Takes the steps that ask for TLS: `yes`: it begins now; `no`: it was refused; `unclear`: no answer that says either. */
export async function askForTls(talk: Talk, steps: readonly Step[], waitMs: number): Promise<'yes' | 'no' | 'unclear'> {
  for (const { send, isYes } of steps) {
    let says: boolean | null = null;
    await talk.ask(send, isYes ? waitMs : 0, (answer) => {
      says = isYes?.(answer) ?? null;
      return says !== null;
    });
    if (isYes && says === null) return 'unclear';
    if (isYes && !says) return 'no';
  }
  return talk.isOver ? 'unclear' : 'yes';
}

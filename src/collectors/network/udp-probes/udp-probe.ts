import type { AnswerFacts } from '../../../model/answer.ts';

/** What an answer over UDP shows. */
export interface UdpReading {
  /** Without `by`, which `scanUdp` adds. */
  readonly facts: AnswerFacts;
  /** Texts that fingerprints may say more about, by the `matches` key of recog's files. */
  readonly texts?: Readonly<Record<string, string>>;
}

/**
 * One protocol over UDP that answers a harmless request: it reads, it logs nobody in, it changes nothing, and asks for no
 * large answer. A plain object that only computes; its file has its name.
 */
export interface UdpProbe {
  /** Slug, the name of its file. What it answers is called by IANA's name in `facts.service`. */
  readonly name: string;
  readonly ports: readonly number[];
  /** Datagrams that are sent together in one try. `nonce`: 32 random bytes, for what the answer repeats. */
  readonly requests: (nonce: Buffer) => readonly Uint8Array[];
  /** Null: not this protocol, or not an answer to us. A RangeError (reading past the end) means null as well. */
  readonly read: (answer: Buffer, nonce: Buffer) => UdpReading | null;
}

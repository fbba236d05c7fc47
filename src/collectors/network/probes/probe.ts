import type { AnswerFacts } from '../../../model/answer.ts';

/** What is asked. */
export interface Target {
  /** Plain address. */
  readonly address: string;
  readonly port: number;
  /** Name that the address was asked for, for `Host` and TLS server names. */
  readonly serverName?: string;
}

/** What an answer shows. */
export interface Reading {
  /** Without `by` and `tls`, which `identify` adds. `encryption` only where the answer proves it. */
  readonly facts: AnswerFacts;
  /** Texts that fingerprints may say more about, by the `matches` key of recog's files: `ssh.banner`. */
  readonly texts?: Readonly<Record<string, string>>;
}

/** One question of the talk that asks for TLS. */
export interface Step {
  /** Absent: only listens. */
  readonly send?: string | Uint8Array;
  /** Says whether an answer is whole. It is called again as more arrives. */
  readonly isWhole: (answer: Buffer) => boolean;
  /** Says whether the answer means yes: go on, and after the last step begin TLS. */
  readonly isYes: (answer: Buffer) => boolean;
}

/**
 * One protocol that is known by what it answers. A plain object that only computes; its file has its name. What it sends
 * must be harmless: it reads, it logs nobody in, it changes nothing, and the service needs no time to answer it.
 */
export interface Probe {
  /** IANA's name of the protocol, or the product's where there is none. */
  readonly name: string;
  /** TCP ports where it is asked first, in clear. */
  readonly ports: readonly number[];
  /** TCP ports where it is usual inside TLS. */
  readonly tlsPorts?: readonly number[];
  /** It is worth asking on any port that nothing else explains. */
  readonly anywhere?: true;
  /** The question. Absent: the service speaks first. */
  readonly request?: (target: Target) => Uint8Array;
  /**
   * Reads what came so far, to whatever question; null: not this protocol, or too little. `isEnd`: no more will come. Every
   * probe reads every answer. Reading past the end of the answer (a RangeError) means null.
   */
  readonly read: (answer: Buffer, isEnd: boolean) => Reading | null;
  /**
   * How TLS is asked for after that answer (RFC 3207, RFC 2595...): the steps in turn; null: the answer shows that it is not
   * offered. Absent: the protocol has no such thing.
   */
  readonly startTls?: (answer: Buffer) => readonly Step[] | null;
  /** Says whether what it answers in the midst of the talk shows that it refuses to go on without TLS. */
  readonly requiresTls?: (answers: Buffer) => boolean;
}

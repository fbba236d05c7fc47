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
  /** A further question in the same connection. What comes is read together with all that came before. */
  readonly ask?: Uint8Array;
  /**
   * TLS is offered within this talk (RFC 3207, RFC 2595...): the steps that ask for it, in turn. None: it begins at once.
   * Where a step is refused, `encryption` is `none`.
   */
  readonly startTls?: readonly Step[];
  /** TLS is offered by this very answer, and only a handshake that succeeds shows that it is this protocol. */
  readonly needsTls?: true;
  /** A TLS port may answer so to a request in clear: TLS is tried before it is believed. */
  readonly mayBeTls?: true;
}

/** One step of the talk that asks for TLS. */
export interface Step {
  readonly send: Uint8Array;
  /** Says yes, no, or (null) that the answer is not whole. Absent: the step has no answer. */
  readonly isYes?: (answer: Buffer) => boolean | null;
}

/**
 * One protocol that is known by what it answers. A plain object that only computes; its file has its name. What it sends
 * must be harmless: it reads, it logs nobody in, it changes nothing, and the service has no work with it.
 */
export interface Probe {
  /** Slug, the name of its file. What it answers is called by IANA's name in `facts.service`. */
  readonly name: string;
  /** TCP ports where it is asked first, in clear. */
  readonly ports: readonly number[];
  /** TCP ports where it is usual inside TLS. */
  readonly tlsPorts?: readonly number[];
  /** It is asked on any port that nothing else explains. */
  readonly anywhere?: true;
  /** The first question. Absent: the service speaks first. */
  readonly request?: (target: Target) => Uint8Array;
  /**
   * Reads all that came so far, to whatever question; null: not this protocol, or too little. `isEnd`: no more will come.
   * Every probe reads every answer. Reading past its end (RangeError) and JSON that is none (SyntaxError) mean null.
   */
  readonly read: (answer: Buffer, isEnd: boolean) => Reading | null;
}

/** The lines of an answer in a text protocol, without their ends; the last one only if it was ended. */
export function linesOf(answer: Buffer): readonly string[] {
  return answer.toString('utf8').split(/\r?\n/).slice(0, -1);
}

/** A step of a text protocol: yes and no by how the first line of the answer that matches `isReply` begins. */
export function lineStep(send: string, isReply: RegExp, yes: RegExp): Step {
  return {
    send: Buffer.from(send),
    isYes: (answer) => {
      const reply = linesOf(answer).find((line) => isReply.test(line));
      return reply === undefined ? null : yes.test(reply);
    },
  };
}

import type { AnswerFacts } from '../../model/answer.ts';

export interface UdpOptions {
  /** How long one try waits for an answer, ms. */
  readonly timeoutMs: number;
  /** Packets per port, 1 or more. */
  readonly tries: number;
  readonly signal?: AbortSignal;
  /** Awaited before each packet: the caller's rate limit. */
  readonly onPacket?: () => Promise<void>;
}

export interface UdpResult {
  /** An answer came. */
  readonly open: readonly { readonly port: number; readonly answer?: AnswerFacts }[];
  /** ICMP port unreachable (ECONNREFUSED). */
  readonly closed: readonly number[];
  /** Silence: nobody can tell. */
  readonly openFiltered: readonly number[];
}

import type { AnswerFacts } from '../../model/answer.ts';

/** Something of a fingerprint file that could not be used; the rest is. */
export interface RecogProblem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** A user's own fingerprints in the format of rapid7/recog. */
export interface Recog {
  /** Fingerprints that can be used. */
  readonly size: number;
  readonly problems: readonly RecogProblem[];
  /** What the first fingerprint of that `matches` key says of a text; null: none knows it. */
  match(key: string, text: string): AnswerFacts | null;
}

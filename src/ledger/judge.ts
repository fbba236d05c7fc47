import type { Checkpoint } from './checkpoint.ts';
import type { Hash } from './hash.ts';
import { type KeyChain, keyAt } from './key-chain.ts';
import { signedBy } from './note.ts';
import type { LedgerProblem } from './problem.ts';

/** What is held against the records: the ledger's own checkpoints, and what comes from outside. */
export interface Yardstick {
  readonly chain: KeyChain;
  /** Own checkpoints, the smallest first; undefined where one cannot be read. */
  readonly own: readonly (Checkpoint | undefined)[];
  /** Checkpoints kept outside. */
  readonly witnessed: readonly Checkpoint[];
  /** Fingerprint known from outside. */
  readonly key: string | undefined;
  /** Records that there are. */
  readonly size: number;
  /** Root of the first n records; undefined where it cannot be worked out (records of another part). */
  readonly rootOf: (size: number) => Hash | undefined;
}

/** Compares the tree that the records come to with what was signed, and with what is known from outside. */
export function judge(yard: Yardstick): LedgerProblem[] {
  return [
    ...judgeKey(yard),
    ...yard.own.flatMap((c) => judgeOwn(yard, c)),
    ...yard.witnessed.flatMap((c) => judgeWitnessed(yard, c)),
  ];
}

function judgeKey({ chain, key, own }: Yardstick): LedgerProblem[] {
  const problems: LedgerProblem[] = [...chain.problems];
  if (key === undefined) return problems;
  if (!chain.keys.some((k) => k.key.fingerprint === key))
    problems.push({
      kind: 'key',
      message: `no key of this ledger has the fingerprint ${key}: its key was replaced, or this is another ledger`,
    });
  else if (own.length === 0)
    problems.push({ kind: 'checkpoint', message: 'the ledger has a key and no signed checkpoint' });
  return problems;
}

function judgeOwn(yard: Yardstick, checkpoint: Checkpoint | undefined): LedgerProblem[] {
  if (!checkpoint) return [{ kind: 'checkpoint', message: 'a stored checkpoint cannot be read' }];
  const what = `the checkpoint of ${checkpoint.size} records`;
  const signature = signatureProblem(yard.chain, checkpoint, what);
  if (signature) return [signature];
  if (checkpoint.size > yard.size)
    return [{ kind: 'cut', message: `${what} was signed, and only ${yard.size} are there: the end was cut off` }];
  const root = yard.rootOf(checkpoint.size);
  if (root === undefined || root === checkpoint.root) return [];
  const before = yard.own.findLast((c) => c && c.size < checkpoint.size && yard.rootOf(c.size) === c.root)?.size ?? 0;
  const where = `something between record ${before + 1} and ${checkpoint.size} was altered, removed or put in`;
  return [{ kind: 'checkpoint', message: `${what} does not fit them: ${where}` }];
}

function judgeWitnessed(yard: Yardstick, checkpoint: Checkpoint): LedgerProblem[] {
  const what = `the witnessed checkpoint of ${checkpoint.size} records`;
  if (yard.chain.origin !== undefined && checkpoint.origin !== yard.chain.origin)
    return [{ kind: 'fork', message: `${what} is of another ledger: ${checkpoint.origin}, not ${yard.chain.origin}` }];
  const signature = signatureProblem(yard.chain, checkpoint, what);
  if (signature) return [signature];
  if (checkpoint.size > yard.size)
    return [{ kind: 'cut', message: `${what} was signed, and only ${yard.size} are there: the end was cut off` }];
  const root = yard.rootOf(checkpoint.size);
  if (root === checkpoint.root) return [];
  if (root === undefined)
    return [
      {
        kind: 'checkpoint',
        message: `${what} cannot be compared: it lies outside these records, and no proof leads to it`,
      },
    ];
  return [
    { kind: 'fork', message: `${what} shows other records than these: the ledger was rewritten, or has two versions` },
  ];
}

function signatureProblem(chain: KeyChain, checkpoint: Checkpoint, what: string): LedgerProblem | undefined {
  const key = keyAt(chain, checkpoint.size);
  if (key && checkpoint.origin === key.name && signedBy(checkpoint.note, key) === 'yes') return undefined;
  return {
    kind: 'key',
    message: `${what} is not signed by the key of the ledger${key ? ` (${key.fingerprint})` : ''}`,
  };
}

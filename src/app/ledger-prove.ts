import { createPublicKey } from 'node:crypto';
import type { Checkpoint } from '../ledger/checkpoint.ts';
import { leafHash } from '../ledger/hash.ts';
import { type LedgerKey, ledgerKey } from '../ledger/key.ts';
import { signedBy } from '../ledger/note.ts';
import type { LedgerProblem } from '../ledger/problem.ts';
import { verifyInclusion } from '../ledger/proof.ts';
import { hashIn, TILE_WIDTH } from '../ledger/tiles.ts';
import { type InclusionProof, parseProof, writeProof } from '../ledger/tlog-proof.ts';
import { inclusionRanges, proofOf } from '../ledger/tree.ts';
import { UserError } from '../model/errors.ts';
import type { LedgerReader } from '../store/ledger-reader.ts';
import type { Context } from './context.ts';
import { makeCheckpoint, openSequencer } from './ledger-checkpoint.ts';
import { readNodes } from './ledger-tree.ts';
import type { LedgerVerdict } from './ledger-verify.ts';

/** The proof that a record is under a checkpoint. Its hashes are those of the stored tree; they are checked here. */
export function proofFor(reader: LedgerReader, sequence: number, checkpoint: Checkpoint): InclusionProof {
  const index = sequence - 1;
  const ranges = inclusionRanges(index, checkpoint.size);
  const hashes = proofOf(ranges, readNodes(reader, ranges));
  const record = reader.rows(sequence, sequence)[0]?.[6] ?? null;
  const number = Math.floor(index / TILE_WIDTH);
  const stored = hashIn(reader.tiles(0, number, number)[0]?.hashes ?? '', index % TILE_WIDTH);
  const leaf = record === null ? stored : leafHash(record);
  if (!verifyInclusion(index, checkpoint.size, leaf, hashes, checkpoint.root))
    throw new UserError(`record ${sequence} cannot be proven: it does not lead to the checkpoint`, {
      hint: 'It was altered, or the tree was. Look at it with: quietdoor ledger verify',
    });
  return { record, index, hashes, checkpoint };
}

/** Proves one record under the newest checkpoint, which is made where it does not reach so far; recorded as an event. */
export async function proveRecord(context: Context, text: string): Promise<string> {
  const sequence = Number(text);
  if (!/^[1-9]\d{0,15}$/.test(text)) throw new UserError(`"${text}" is no sequence of a record`);
  await using sequencer = await openSequencer(context);
  const { newest } = sequencer.reader.head();
  if (sequence > newest) throw new UserError(`there is no record ${sequence}; the newest is ${newest}`);
  const checkpoint = await makeCheckpoint(context, sequencer);
  const proof = writeProof(proofFor(sequencer.reader, sequence, checkpoint));
  const now = context.now();
  const body = { format: 'tlog-proof', first: sequence, last: sequence, size: checkpoint.size };
  await sequencer.store.appendEvents(
    [{ type: 'evidence.exported', observedAt: now, actor: context.actor, subject: 'ledger', body }],
    now,
  );
  return proof;
}

/** What a proof is held against, from outside of it. */
export interface ProofYardstick {
  /** Fingerprint. */
  readonly key?: string;
  /** The key itself, PEM: a fingerprint alone can check no signature. */
  readonly publicKey?: string;
  readonly witnessed?: readonly Checkpoint[];
}

/** Verifies a proof by itself: that the record is under the checkpoint, and who signed that. Throws UserError. */
export function verifyProof(text: string, { key, witnessed = [], publicKey }: ProofYardstick): LedgerVerdict {
  const proof = parseProof(text);
  if (!proof) throw new UserError('this is no proof of a record (c2sp.org/tlog-proof@v1)');
  const { record, index, hashes, checkpoint } = proof;
  const problems: LedgerProblem[] = [];
  const sequence = index + 1;
  if (record === null)
    throw new UserError('the proof does not carry its record', { hint: 'The record is in an archive; verify that.' });
  if (!verifyInclusion(index, checkpoint.size, leafHash(record), hashes, checkpoint.root))
    problems.push({ kind: 'altered', sequence, message: `record ${sequence} is not under the checkpoint` });
  const same = witnessed.find((c) => c.size === checkpoint.size);
  if (same && same.root !== checkpoint.root)
    problems.push({ kind: 'fork', message: 'the witnessed checkpoint of this size shows other records' });
  const vouched = same !== undefined && same.root === checkpoint.root;
  const signer = publicKey === undefined ? undefined : signerOf(checkpoint, publicKey);
  if (key !== undefined && !signer)
    throw new UserError('a fingerprint alone can check no signature, and a proof holds no key', {
      hint: 'Name the key too: --public-key public-key.pem (every export has it).',
    });
  if (signer && signedBy(checkpoint.note, signer) !== 'yes')
    problems.push({
      kind: 'key',
      message: `the checkpoint is not signed by the key that was named (${signer.fingerprint})`,
    });
  if (signer && key !== undefined && key !== signer.fingerprint)
    problems.push({ kind: 'key', message: `--public-key is another key (${signer.fingerprint}) than --key says` });
  return {
    origin: checkpoint.origin,
    first: sequence,
    last: sequence,
    archived: 0,
    signed: checkpoint.size,
    keys: signer ? [signer.fingerprint] : [],
    problems,
    trust: signer ? (vouched ? 'both' : 'key') : vouched ? 'checkpoint' : 'none',
    proof: { record, isVouchedFor: vouched || signer !== undefined },
  };
}

function signerOf({ origin }: Checkpoint, publicKey: string): LedgerKey {
  try {
    return ledgerKey(origin, createPublicKey(publicKey));
  } catch (cause) {
    throw new UserError('the file of --public-key is no public key of a ledger', {
      hint: 'Expected PEM, as public-key.pem of an export.',
      cause,
    });
  }
}

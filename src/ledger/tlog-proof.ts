import { type Checkpoint, parseCheckpoint } from './checkpoint.ts';
import { type Hash, hashFromBase64, hashToBase64 } from './hash.ts';

const FIRST_LINE = 'c2sp.org/tlog-proof@v1';
/** A proof in a tree of 2^53 leaves has 53 hashes. */
const MAX_HASHES = 64;

/** That a record is in the tree of a checkpoint (c2sp.org/tlog-proof). */
export interface InclusionProof {
  /** The record itself; null where it is not carried along. */
  readonly record: string | null;
  /** From 0 on: the sequence of the record less one. */
  readonly index: number;
  readonly hashes: readonly Hash[];
  readonly checkpoint: Checkpoint;
}

/** The text of a proof; the record goes into the `extra` line. */
export function writeProof({ record, index, hashes, checkpoint }: InclusionProof): string {
  const extra = record === null ? [] : [`extra ${Buffer.from(record).toString('base64')}`];
  return `${[FIRST_LINE, ...extra, `index ${index}`, ...hashes.map(hashToBase64)].join('\n')}\n\n${checkpoint.signed}`;
}

/** Reads a proof; undefined where it is none. Nothing in it is proven yet. */
export function parseProof(text: string): InclusionProof | undefined {
  const cut = text.indexOf('\n\n');
  const checkpoint = parseCheckpoint(text.slice(cut + 2));
  const [first, ...lines] = text.slice(0, Math.max(cut, 0)).split('\n');
  if (first !== FIRST_LINE || !checkpoint) return undefined;
  const extra = lines[0]?.startsWith('extra ') ? lines.shift() : undefined;
  const index = /^index (0|[1-9]\d{0,15})$/.exec(lines.shift() ?? '')?.[1];
  const hashes = lines.map(hashFromBase64);
  if (index === undefined || hashes.length > MAX_HASHES || hashes.includes(undefined)) return undefined;
  const record = extra === undefined ? null : Buffer.from(extra.slice(6), 'base64').toString();
  return { record, index: Number(index), hashes: hashes as Hash[], checkpoint };
}

import { z } from 'zod';
import { hashFromBase64 } from './hash.ts';

const count = z.int().min(0);
const base64Hash = z.string().refine((text) => hashFromBase64(text) !== undefined, 'no SHA-256 in base64');
const node = z.object({ level: z.int().min(0).max(53), hash: base64Hash });
const file = z.object({
  /** A name in the folder of the export, nothing else. */
  name: z.string().regex(/^records-\d{12}\.jsonl\.zst$/),
  first: count,
  last: count,
  bytes: count,
  /** Of the compressed file, hex. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
});

/** What an export is made of: manifest.json. */
export const manifestSchema = z.object({
  format: z.literal('quietdoor-ledger-export'),
  version: z.literal(1),
  /** Name of the ledger. */
  origin: z.string().min(1),
  /** Sequences of the records, both included. */
  first: count.min(1),
  last: count.min(1),
  /** ISO 8601, UTC. */
  createdAt: z.string(),
  files: z.array(file).max(100_000),
  /** The checkpoint that the records are proven under; the signed note is checkpoint.txt. */
  checkpoint: z.object({ size: count, root: base64Hash }),
  /** Subtrees before the first and after the last record, left to right: with the leaves between they give the root. */
  left: z.array(node).max(64),
  right: z.array(node).max(128),
  /** Records that name the keys, each with its inclusion proof under the checkpoint. */
  keys: z.array(z.object({ sequence: count, record: z.string(), proof: z.array(base64Hash).max(64) })).max(10_000),
  /** Proofs that older checkpoints are continued by this one (RFC 9162, 2.1.4). */
  consistency: z.array(z.object({ size: count, proof: z.array(base64Hash).max(64) })).max(10_000),
});
export type Manifest = z.infer<typeof manifestSchema>;

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream';
import { createZstdDecompress } from 'node:zlib';
import { type Checkpoint, parseCheckpoint, parseCheckpoints } from '../ledger/checkpoint.ts';
import { type Hash, hashFromBase64, leafHash } from '../ledger/hash.ts';
import { judge } from '../ledger/judge.ts';
import { readKeyChain } from '../ledger/key-chain.ts';
import { type Manifest, manifestSchema } from '../ledger/manifest.ts';
import type { LedgerProblem } from '../ledger/problem.ts';
import { verifyConsistency, verifyInclusion } from '../ledger/proof.ts';
import { Frontier } from '../ledger/tree.ts';
import { UserError } from '../model/errors.ts';
import { readNamed } from './ledger-files.ts';
import type { LedgerVerdict } from './ledger-verify.ts';

/** A record takes a few hundred bytes; a line longer than this is none. */
const MAX_LINE_BYTES = 64 * 1024 * 1024;

/** Verifies an export or archive by itself. Throws UserError where it cannot be read at all. */
export async function verifyExport(
  folder: string,
  { key, witnessed = [] }: { readonly key?: string; readonly witnessed?: readonly Checkpoint[] },
): Promise<LedgerVerdict> {
  const manifest = readManifest(folder);
  const checkpoint = parseCheckpoint(readNamed(join(folder, 'checkpoint.txt')));
  if (!checkpoint) throw new UserError(`${join(folder, 'checkpoint.txt')} is no checkpoint`);
  const own = parseCheckpoints(readNamed(join(folder, 'checkpoints.txt'))).checkpoints;
  const problems: LedgerProblem[] = [];
  const roots = new Map<number, Hash>();
  const wanted = new Set([...own, ...witnessed, checkpoint].map((c) => c.size));
  const tree = new Frontier();
  const grow = (nodes: Manifest['left'], what: string): void => {
    try {
      for (const { level, hash } of nodes) tree.append(hashFromBase64(hash) as Hash, level);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      problems.push({ kind: 'file', message: `manifest.json: ${what} is no part of a tree` });
    }
  };
  grow(manifest.left, 'left');
  if (tree.size !== manifest.first - 1)
    problems.push({ kind: 'file', message: 'manifest.json: left has another size' });
  if (wanted.has(tree.size)) roots.set(tree.size, tree.root());
  await readRecords(folder, manifest, problems, (record) => {
    tree.append(leafHash(record));
    if (wanted.has(tree.size)) roots.set(tree.size, tree.root());
  });
  grow(manifest.right, 'right');
  roots.set(tree.size, tree.root());
  if (tree.size !== checkpoint.size)
    problems.push({
      kind: 'checkpoint',
      message: `the export leads to ${tree.size} records, checkpoint.txt to ${checkpoint.size}`,
    });

  for (const { sequence, record, proof } of manifest.keys)
    if (!verifyInclusion(sequence - 1, checkpoint.size, leafHash(record), proof.map(hashOf), checkpoint.root))
      problems.push({
        kind: 'key',
        sequence,
        message: `record ${sequence}, which names a key, is not under the checkpoint`,
      });
  // An older checkpoint is as good as its proof that this one continues it.
  for (const { size, proof } of manifest.consistency)
    for (const older of [...own, ...witnessed].filter((c) => c.size === size))
      if (verifyConsistency(size, checkpoint.size, proof.map(hashOf), older.root, checkpoint.root))
        roots.set(size, older.root);
  const chain = readKeyChain(manifest.keys.toSorted((a, b) => a.sequence - b.sequence));
  const size = Math.max(checkpoint.size, tree.size);
  problems.push(...judge({ chain, own: [...own, checkpoint], witnessed, key, size, rootOf: (n) => roots.get(n) }));
  return {
    origin: manifest.origin,
    first: manifest.first,
    last: manifest.last,
    archived: 0,
    signed: checkpoint.size,
    keys: chain.keys.map((k) => k.key.fingerprint),
    problems,
    trust: key === undefined ? (witnessed.length > 0 ? 'checkpoint' : 'none') : witnessed.length > 0 ? 'both' : 'key',
  };
}

function hashOf(base64: string): Hash {
  return hashFromBase64(base64) as Hash;
}

function readManifest(folder: string): Manifest {
  const path = join(folder, 'manifest.json');
  const text = readNamed(path);
  try {
    return manifestSchema.parse(JSON.parse(text));
  } catch (error) {
    throw new UserError(`${path} is no manifest of an export`, { cause: error });
  }
}

/** Reads the records of every file, in order, and passes each on. */
async function readRecords(
  folder: string,
  { files, first, last }: Manifest,
  problems: LedgerProblem[],
  take: (record: Buffer) => void,
): Promise<void> {
  let sequence = first;
  for (const { name, sha256 } of files) {
    const digest = createHash('sha256');
    const file = createReadStream(join(folder, name));
    file.on('data', (chunk) => digest.update(chunk));
    try {
      for await (const record of linesOf(pipeline(file, createZstdDecompress(), () => {}))) {
        const claimed = sequenceOf(record);
        if (claimed !== sequence) {
          problems.push({
            kind: claimed === undefined ? 'altered' : claimed > sequence ? 'missing' : 'inserted',
            sequence,
            message: `${name}: record ${claimed ?? 'without a number'} stands where ${sequence} is expected`,
          });
          return;
        }
        if (sequence > last) break;
        sequence++;
        take(record);
      }
    } catch (error) {
      problems.push({ kind: 'file', message: `${name} cannot be read: ${(error as Error).message}` });
      return;
    }
    if (digest.digest('hex') !== sha256)
      problems.push({ kind: 'file', message: `${name} has another SHA-256 than the manifest says` });
  }
  if (sequence !== last + 1)
    problems.push({ kind: 'missing', sequence, message: `records ${sequence} to ${last} are missing` });
}

function sequenceOf(record: Buffer): number | undefined {
  try {
    const { sequence } = JSON.parse(record.toString()) as { sequence?: unknown };
    return typeof sequence === 'number' ? sequence : undefined;
  } catch {
    return undefined;
  }
}

async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, undefined> {
  let parts: Buffer[] = [];
  let held = 0;
  for await (const chunk of stream) {
    let from = 0;
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, from)) {
      const end = chunk.subarray(from, at);
      yield parts.length === 0 ? end : Buffer.concat([...parts, end]);
      parts = [];
      held = 0;
      from = at + 1;
    }
    if (from < chunk.length) {
      parts.push(chunk.subarray(from));
      held += chunk.length - from;
      if (held > MAX_LINE_BYTES) throw new Error(`a line has more than ${MAX_LINE_BYTES} bytes`);
    }
  }
  if (held > 0) throw new Error('the last line was cut off');
}

import { createHash } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, readdirSync, writeFileSync, writeSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { zstdCompressSync } from 'node:zlib';
import type { Checkpoint } from '../ledger/checkpoint.ts';
import { exportReadme, VERIFY_PY } from '../ledger/export-texts.ts';
import { hashToBase64, leafHash } from '../ledger/hash.ts';
import { KEY_EVENTS, keyAt, readKeyChain } from '../ledger/key-chain.ts';
import type { Manifest } from '../ledger/manifest.ts';
import { consistencyRanges, Frontier, inclusionRanges, type LeafRange, nodesOf, proofOf } from '../ledger/tree.ts';
import { UserError } from '../model/errors.ts';
import type { LedgerReader } from '../store/ledger-reader.ts';
import { sha256 } from '../util/sha256.ts';
import type { Context } from './context.ts';
import { makeCheckpoint, openSequencer, type Sequencer } from './ledger-checkpoint.ts';
import { syncFolder } from './ledger-key.ts';
import { readNodes } from './ledger-tree.ts';

const ROUND = 8_192;
/** Records in one file. */
const PER_FILE = 25 * ROUND;
/** Older checkpoints that a part of the ledger is proven to continue. */
const CONTINUED = 200;

export interface ExportResult {
  readonly folder: string;
  readonly first: number;
  readonly last: number;
  readonly checkpoint: Checkpoint;
  /** Of manifest.json, hex. */
  readonly sha256: string;
}

/** Exports records with everything that proves them; recorded as an event. The folder must be new or empty. */
export async function exportLedger(
  context: Context,
  folder: string,
  range: { readonly from?: number; readonly to?: number },
): Promise<ExportResult> {
  await using sequencer = await openSequencer(context);
  const { archived } = sequencer.reader.head();
  const checkpoint = await makeCheckpoint(context, sequencer);
  const first = range.from ?? archived + 1;
  const last = range.to ?? checkpoint.size;
  if (first <= archived)
    throw new UserError(`records up to ${archived} are in an archive`, { hint: `Begin with --from ${archived + 1}.` });
  if (first > last || last > checkpoint.size)
    throw new UserError(`there are no records ${first} to ${last}; the newest is ${checkpoint.size}`);
  const result = writeExport(context, sequencer, folder, first, last, checkpoint);
  const now = context.now();
  const body = { format: 'ledger', first, last, folder: result.folder, sha256: result.sha256 };
  await sequencer.store.appendEvents(
    [{ type: 'evidence.exported', observedAt: now, actor: context.actor, subject: 'ledger', body }],
    now,
  );
  return result;
}

/** Writes an export and has it on disk when it returns. Throws UserError where the records do not lead to the checkpoint. */
export function writeExport(
  context: Context,
  { reader }: Pick<Sequencer, 'reader'>,
  folderName: string,
  first: number,
  last: number,
  checkpoint: Checkpoint,
): ExportResult {
  const folder = resolve(folderName);
  makeFolder(folder);
  const chain = readKeyChain(reader.keptRecords(KEY_EVENTS));
  const key = keyAt(chain, checkpoint.size);
  if (!key) throw new Error('a checkpoint without a key');
  const left: LeafRange = { start: 0, end: first - 1 };
  const right: LeafRange = { start: last, end: checkpoint.size };
  const nodeAt = readNodes(reader, [left, right]);
  const hashesOf = (range: LeafRange) => nodesOf(range).map((id) => ({ level: id.level, hash: nodeAt(id) }));
  const tree = new Frontier();
  for (const { level, hash } of hashesOf(left)) tree.append(hash, level);
  const files = writeRecords(reader, folder, first, last, tree);
  for (const { level, hash } of hashesOf(right)) tree.append(hash, level);
  if (tree.root() !== checkpoint.root)
    throw new UserError(`records ${first} to ${last} do not lead to the checkpoint: one was altered, or the tree was`, {
      hint: `Look at it with: quietdoor ledger verify. What was written to ${folder} is no export.`,
    });
  const proof = (ranges: readonly LeafRange[]) => proofOf(ranges, readNodes(reader, ranges)).map(hashToBase64);
  const text = (nodes: ReturnType<typeof hashesOf>) =>
    nodes.map(({ level, hash }) => ({ level, hash: hashToBase64(hash) }));
  const signed = reader.checkpoints().filter(({ size }) => size <= checkpoint.size);
  const manifest: Manifest = {
    format: 'quietdoor-ledger-export',
    version: 1,
    origin: checkpoint.origin,
    first,
    last,
    createdAt: new Date(context.now()).toISOString(),
    files,
    checkpoint: { size: checkpoint.size, root: hashToBase64(checkpoint.root) },
    left: text(hashesOf(left)),
    right: text(hashesOf(right)),
    keys: reader
      .keptRecords(KEY_EVENTS)
      .filter(({ sequence }) => sequence <= checkpoint.size)
      .map(({ sequence, record }) => ({
        sequence,
        record,
        proof: proof(inclusionRanges(sequence - 1, checkpoint.size)),
      })),
    consistency: signed
      .filter(({ size }) => size > 0 && (size < first - 1 || size > last) && size < checkpoint.size)
      .slice(-CONTINUED)
      .map(({ size }) => ({ size, proof: proof(consistencyRanges(size, checkpoint.size)) })),
  };
  const json = `${JSON.stringify(manifest, null, 1)}\n`;
  const { origin, size } = checkpoint;
  const { fingerprint, publicKey } = key;
  writeDurably(join(folder, 'manifest.json'), json);
  writeDurably(join(folder, 'checkpoint.txt'), checkpoint.signed);
  writeDurably(join(folder, 'checkpoints.txt'), signed.map(({ note }) => `${note}\n`).join(''));
  writeDurably(join(folder, 'public-key.pem'), publicKey.export({ format: 'pem', type: 'spki' }) as string);
  writeDurably(join(folder, 'README.md'), exportReadme({ origin, first, last, size, fingerprint }));
  writeDurably(join(folder, 'verify.py'), VERIFY_PY);
  syncFolder(folder);
  return { folder, first, last, checkpoint, sha256: sha256(json) };
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    if (readdirSync(folder).length === 0) return;
  } catch (error) {
    throw new UserError(`${folder} cannot be written: ${(error as Error).message}`, { cause: error });
  }
  throw new UserError(`${folder} is not empty`, { hint: 'Name a new folder: nothing is written over.' });
}

function writeRecords(
  reader: LedgerReader,
  folder: string,
  first: number,
  last: number,
  tree: Frontier,
): Manifest['files'] {
  const files: Manifest['files'] = [];
  for (let start = first; start <= last; start += PER_FILE) {
    const end = Math.min(last, start + PER_FILE - 1);
    const name = `records-${String(start).padStart(12, '0')}.jsonl.zst`;
    const digest = createHash('sha256');
    let bytes = 0;
    const fd = openSync(join(folder, name), 'wx', 0o600);
    try {
      for (let from = start; from <= end; from += ROUND) {
        const to = Math.min(end, from + ROUND - 1);
        const rows = reader.rows(from, to);
        if (rows.length !== to - from + 1) throw new UserError(`records between ${from} and ${to} are missing`);
        for (const row of rows) tree.append(leafHash(row[6]));
        // A frame for each round: zstd reads frames one after the other as one file.
        const frame = zstdCompressSync(rows.map((row) => `${row[6]}\n`).join(''));
        digest.update(frame);
        bytes += frame.length;
        writeSync(fd, frame);
      }
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    files.push({ name, first: start, last: end, bytes, sha256: digest.digest('hex') });
  }
  return files;
}

function writeDurably(path: string, text: string): void {
  if (existsSync(path)) throw new UserError(`${path} is there already`);
  writeFileSync(path, text, { mode: 0o600, flush: true, flag: 'wx' });
}

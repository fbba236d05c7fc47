import { Worker } from 'node:worker_threads';
import { type Checkpoint, parseCheckpoint } from '../ledger/checkpoint.ts';
import { HASH_BYTES, type Hash, leafHash } from '../ledger/hash.ts';
import { judge } from '../ledger/judge.ts';
import { KEY_EVENTS, readKeyChain } from '../ledger/key-chain.ts';
import type { LedgerProblem } from '../ledger/problem.ts';
import { hashSegment, type Segment, type SegmentResult, segmentNodes } from '../ledger/segment.ts';
import { hashIn, subtreeHash, TILE_LEVELS, TILE_WIDTH, type Tile } from '../ledger/tiles.ts';
import { Frontier, nodesOf } from '../ledger/tree.ts';
import { UserError } from '../model/errors.ts';
import { type LedgerReader, openLedgerReader } from '../store/ledger-reader.ts';
import { readNodes, storedRoot } from './ledger-tree.ts';
import type { ThreadAnswer } from './ledger-verify-worker.ts';

/** Records of a segment: whole tiles, and few enough that their texts stay small in memory. */
const SEGMENT = 4_096;
/** Segments that wait at a thread, so that it never waits for the next. */
const AHEAD = 8;
/** Fewer records than this are checked faster without threads. */
const THREADS_FROM = 50_000;

export interface VerifyOptions {
  readonly state: string;
  /** Fingerprint known from outside. */
  readonly key?: string;
  /** Checkpoints kept outside. */
  readonly witnessed?: readonly Checkpoint[];
  /** A checkpoint that is trusted: the records under it are not looked at again. */
  readonly from?: Checkpoint;
  /** Threads; default 2. */
  readonly workers?: number;
}

export interface LedgerVerdict {
  readonly origin: string | null;
  /** First and last record that were looked at. */
  readonly first: number;
  readonly last: number;
  /** Records before that which are only in archives. */
  readonly archived: number;
  /** Records under the newest checkpoint. */
  readonly signed: number;
  readonly keys: readonly string[];
  readonly problems: readonly LedgerProblem[];
  /** What from outside stands behind it. `none`: internally consistent only. */
  readonly trust: 'none' | 'key' | 'checkpoint' | 'both';
  /** Of a proof: its record, and whether anything showed who signed its checkpoint. */
  readonly proof?: { readonly record: string; readonly isVouchedFor: boolean };
}

/** Verifies the ledger of a store: records, tree, checkpoints, keys. Writes nothing. */
export async function verifyLedger(options: VerifyOptions): Promise<LedgerVerdict> {
  using reader = await openLedgerReader(options.state);
  const head = reader.head();
  const { key, witnessed = [], from } = options;
  const own = reader.checkpoints().map(({ note, size }) => {
    const checkpoint = parseCheckpoint(note);
    return checkpoint?.size === size ? checkpoint : undefined;
  });
  const outside = from ? [...witnessed, from] : witnessed;
  const end = Math.max(head.newest, head.size);
  const start = Math.min(end, Math.max(head.archived, from?.size ?? 0));
  const sizes = [...own, ...outside].flatMap((c) => (c && c.size <= end ? [c.size] : []));
  const cuts = [...new Set(sizes)].sort((a, b) => a - b);

  const results = await hashAll(segmentsOf(start, end, cuts), head.size, reader, options);
  const problems: LedgerProblem[] = results.flatMap((result) => result.problems);
  if (head.oldest !== null && head.oldest <= head.archived)
    problems.push({
      kind: 'inserted',
      sequence: head.oldest,
      message: `record ${head.oldest} stands before ${head.archived + 1}, where the store begins since the last archive`,
    });
  const roots = rootsOf(reader, start, end, cuts, results, problems);
  const about = reader.keptRecords(KEY_EVENTS);
  const keptIn = new Set(about.map(({ sequence }) => Math.floor((sequence - 1) / TILE_WIDTH)));
  const isLookedAt = (tile: number): boolean => tile * TILE_WIDTH >= start || keptIn.has(tile);
  checkTiles(reader, head.size, isLookedAt, results, problems);

  const chain = readKeyChain(about);
  problems.push(...judge({ chain, own, witnessed: outside, key, size: end, rootOf: (size) => roots.get(size) }));
  checkKept(reader, head.archived, about, problems);
  if (head.origin !== null && chain.origin !== head.origin)
    problems.push({ kind: 'key', message: `the ledger is called ${head.origin}, and its records say ${chain.origin}` });
  if (reader.head().archived !== head.archived)
    throw new UserError('records were archived while they were verified', { hint: 'Run this again.' });
  return {
    origin: head.origin,
    first: start + 1,
    last: end,
    archived: head.archived,
    signed: own.at(-1)?.size ?? 0,
    keys: chain.keys.map((k) => k.key.fingerprint),
    problems,
    trust: key === undefined ? (outside.length > 0 ? 'checkpoint' : 'none') : outside.length > 0 ? 'both' : 'key',
  };
}

/** Cuts records into segments: at multiples of SEGMENT, and where a checkpoint ends. */
export function segmentsOf(start: number, end: number, cuts: readonly number[]): Segment[] {
  const segments: Segment[] = [];
  let next = 0;
  for (let at = start; at < end; ) {
    while ((cuts[next] ?? end) <= at) next++;
    const to = Math.min(cuts[next] ?? end, (Math.floor(at / SEGMENT) + 1) * SEGMENT, end);
    segments.push({ from: at + 1, to });
    at = to;
  }
  return segments;
}

/** Reads a segment and what the tree has of it, and compares the two. */
export function readAndHash(reader: LedgerReader, { from, to }: Segment, sequenced: number): SegmentResult {
  const last = Math.min(to, sequenced);
  const firstTile = Math.floor((from - 1) / TILE_WIDTH);
  const tiles = last < from ? [] : reader.tiles(0, firstTile, Math.floor((last - 1) / TILE_WIDTH));
  const contiguous = tiles.every((tile, i) => tile.number === firstTile + i);
  const leaves = contiguous ? tiles.map((tile) => tile.hashes).join('') : '';
  const skip = (from - 1 - firstTile * TILE_WIDTH) * HASH_BYTES;
  return hashSegment(
    { from, to },
    reader.rows(from, to),
    leaves.slice(skip, skip + Math.max(0, last - from + 1) * HASH_BYTES),
  );
}

async function hashAll(
  segments: readonly Segment[],
  sequenced: number,
  reader: LedgerReader,
  { state, workers = 2 }: VerifyOptions,
): Promise<SegmentResult[]> {
  const records = (segments.at(-1)?.to ?? 0) - (segments[0]?.from ?? 1) + 1;
  if (records < THREADS_FROM || workers < 1) return segments.map((segment) => readAndHash(reader, segment, sequenced));
  const results = new Map<number, SegmentResult>();
  let next = 0;
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const one = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(new URL(`./ledger-verify-worker.${extension}`, import.meta.url), {
        workerData: { state, sequenced },
      });
      let under = 0;
      const hand = (): void => {
        for (; under < AHEAD && next < segments.length; under++) worker.postMessage(segments[next++]);
        if (under === 0) worker.terminate().then(() => resolve(), reject);
      };
      worker.on('message', (answer: ThreadAnswer) => {
        if (!('result' in answer)) {
          worker.terminate();
          reject(new UserError(answer.message, answer.hint === undefined ? {} : { hint: answer.hint }));
          return;
        }
        const { result } = answer;
        results.set(result.from, result);
        under--;
        hand();
      });
      worker.on('error', reject);
      hand();
    });
  await Promise.all(Array.from({ length: Math.min(workers, segments.length) }, one));
  return segments.map((segment) => {
    const result = results.get(segment.from);
    if (!result) throw new Error(`records ${segment.from} to ${segment.to} were not verified`);
    return result;
  });
}

/** Roots of the first n records, for every n that somebody signed. */
function rootsOf(
  reader: LedgerReader,
  start: number,
  end: number,
  cuts: readonly number[],
  results: readonly SegmentResult[],
  problems: LedgerProblem[],
): Map<number, Hash> {
  const roots = new Map<number, Hash>();
  const add = (size: number, root: Hash | undefined): void => {
    if (root !== undefined) roots.set(size, root);
    else problems.push({ kind: 'tree', message: `the stored tree lacks hashes of the first ${size} records` });
  };
  for (const size of cuts) if (size <= start) add(size, storedRoot(reader, size));
  const frontier = new Frontier();
  const before = { start: 0, end: start };
  try {
    const nodeAt = readNodes(reader, [before]);
    for (const node of nodesOf(before)) frontier.append(nodeAt(node), node.level);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    problems.push({ kind: 'tree', message: `the stored tree lacks hashes of the first ${start} records` });
    return roots;
  }
  const wanted = new Set(cuts);
  for (const result of results) {
    for (const [i, { level }] of segmentNodes(result).entries()) frontier.append(hashIn(result.nodes, i), level);
    if (wanted.has(result.to)) roots.set(result.to, frontier.root());
  }
  if (frontier.size !== end) throw new Error(`${frontier.size} of ${end} records were hashed`);
  return roots;
}

/** The tiles that proofs are made of must be those of the records: every node above the leaves, from `start` on. */
function checkTiles(
  reader: LedgerReader,
  size: number,
  isLookedAt: (leafTile: number) => boolean,
  results: readonly SegmentResult[],
  problems: LedgerProblem[],
): void {
  const full = new Map<number, Hash>();
  for (const result of results)
    for (const [i, { level, index }] of segmentNodes(result).entries())
      if (level === TILE_LEVELS) full.set(index, hashIn(result.nodes, i));
  let below = new Map<number, Tile>();
  const childHash = (level: number, index: number): Hash | undefined => {
    const known = level === 1 ? full.get(index) : undefined;
    if (known !== undefined || (level === 1 && !isLookedAt(index))) return known;
    const tile = level === 1 ? reader.tiles(0, index, index)[0] : below.get(index);
    return tile?.hashes.length === TILE_WIDTH * HASH_BYTES ? subtreeHash(tile.hashes) : '';
  };
  let count = Math.floor(size / TILE_WIDTH);
  for (let level = 1; count > 0; level++) {
    const tiles = new Map(
      reader.tiles(level, 0, Math.floor((count - 1) / TILE_WIDTH)).map((tile) => [tile.number, tile]),
    );
    for (let number = 0; number * TILE_WIDTH < count; number++) {
      const hashes = tiles.get(number)?.hashes ?? '';
      const entries = Math.min(TILE_WIDTH, count - number * TILE_WIDTH);
      const isRight = Array.from({ length: entries }, (_, i) => childHash(level, number * TILE_WIDTH + i)).every(
        (expected, i) => expected === undefined || expected === hashIn(hashes, i),
      );
      if (!isRight || hashes.length !== entries * HASH_BYTES)
        problems.push({ kind: 'tree', message: `the stored tree does not fit the records: tile ${level}/${number}` });
    }
    below = tiles;
    count = Math.floor(count / TILE_WIDTH);
  }
}

/** Records that were kept when others were archived must be those in the tree. */
function checkKept(
  reader: LedgerReader,
  archived: number,
  records: readonly { readonly sequence: number; readonly record: string }[],
  problems: LedgerProblem[],
): void {
  for (const { sequence, record } of records) {
    if (sequence > archived) continue;
    const number = Math.floor((sequence - 1) / TILE_WIDTH);
    const [tile] = reader.tiles(0, number, number);
    if (!tile || hashIn(tile.hashes, (sequence - 1) % TILE_WIDTH) !== leafHash(record))
      problems.push({ kind: 'altered', sequence, message: `record ${sequence}, kept from an archive, was altered` });
  }
}

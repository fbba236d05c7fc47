import { isRecordOf } from '../model/event-record.ts';
import { HASH_BYTES, type Hash, leafHash, nodeHash } from './hash.ts';
import type { LedgerProblem } from './problem.ts';
import { TILE_LEVELS } from './tiles.ts';
import { nodesOf } from './tree.ts';

/** sequence, observedAt, recordedAt, type, actor, subject, record: a row of the table of events. */
export type RecordRow = readonly [number, number, number, string, string, string, string];

/** Consecutive records; sequences, both included. */
export interface Segment {
  readonly from: number;
  readonly to: number;
}

export interface SegmentResult extends Segment {
  /** Hashes of segmentNodes, joined. */
  readonly nodes: string;
  readonly problems: readonly LedgerProblem[];
}

/** The nodes that a segment comes to: none above a full tile, so that they can be compared with stored ones. */
export function segmentNodes({ from, to }: Segment) {
  return nodesOf({ start: from - 1, end: to }, TILE_LEVELS);
}

/**
 * Hashes the records of a segment and compares them with the leaves that the tree has of them. `rows`: what is stored of
 * the segment, by sequence. `leaves`: hashes in the tree, from the first of the segment on; fewer where the tree ends
 * before. Where record and tree differ, the result goes on with what the tree has, so that one altered record is named
 * and does not make everything after it doubtful.
 */
export function hashSegment(segment: Segment, rows: readonly RecordRow[], leaves: string): SegmentResult {
  const { from, to } = segment;
  const problems: LedgerProblem[] = [];
  const hashes: Hash[] = [];
  let next = 0;
  for (let sequence = from; sequence <= to; sequence++) {
    const at = (sequence - from) * HASH_BYTES;
    const known = leaves.length >= at + HASH_BYTES ? leaves.slice(at, at + HASH_BYTES) : undefined;
    const row = rows[next];
    if (row?.[0] !== sequence) {
      problems.push({ kind: 'missing', sequence, message: `record ${sequence} is missing` });
      hashes.push(known ?? '\0'.repeat(HASH_BYTES));
      continue;
    }
    next++;
    const hash = leafHash(row[6]);
    if (known !== undefined && hash !== known) problems.push(difference(sequence, row[6], hash, segment, leaves));
    else if (!isConsistent(row))
      problems.push({
        kind: 'columns',
        sequence,
        message: `record ${sequence} stands under other particulars (time, type, actor, subject) than it says itself`,
      });
    hashes.push(known ?? hash);
  }
  return { from, to, nodes: nodeHashes(segment, hashes), problems };
}

/** The columns beside a record are what look-ups go by: they must say what the record says. */
function isConsistent([sequence, observedAt, recordedAt, type, actor, subject, record]: RecordRow): boolean {
  return isRecordOf(record, { sequence, observedAt, recordedAt, type, actor, subject });
}

function difference(sequence: number, record: string, hash: Hash, { from }: Segment, leaves: string): LedgerProblem {
  const claimed = Number(/"sequence":(\d{1,16}),"subject":"/.exec(record)?.[1]);
  const at = (claimed - from) * HASH_BYTES;
  if (claimed !== sequence && leaves.slice(at, at + HASH_BYTES) === hash)
    return { kind: 'reordered', sequence, message: `record ${claimed} stands in the place of record ${sequence}` };
  return {
    kind: 'altered',
    sequence,
    message: `record ${sequence} was altered after it was put into the tree`,
  };
}

function nodeHashes(segment: Segment, leaves: readonly Hash[]): string {
  let joined = '';
  for (const { level, index } of segmentNodes(segment)) {
    const width = 2 ** level;
    const first = index * width - (segment.from - 1);
    let row = leaves.slice(first, first + width);
    while (row.length > 1) {
      const above: Hash[] = [];
      for (let i = 0; i < row.length; i += 2) above.push(nodeHash(row[i] as Hash, row[i + 1] as Hash));
      row = above;
    }
    joined += row[0];
  }
  return joined;
}

import { EMPTY_ROOT, type Hash, nodeHash } from './hash.ts';

/** A node that stands for 2^level leaves from index × 2^level on; level 0 are the leaves. */
export interface NodeId {
  readonly level: number;
  readonly index: number;
}

/** Leaves from `start` (inclusive) to `end` (exclusive), counted from 0. */
export interface LeafRange {
  readonly start: number;
  readonly end: number;
}

/** Gives the hash of a node of the tree. */
export type NodeAt = (node: NodeId) => Hash;

/** The fewest nodes that stand for a range, from left to right. `topLevel`: none above it. */
export function nodesOf({ start, end }: LeafRange, topLevel = 53): NodeId[] {
  const nodes: NodeId[] = [];
  let at = start;
  while (at < end) {
    let level = 0;
    while (level < topLevel && at % 2 ** (level + 1) === 0 && at + 2 ** (level + 1) <= end) level++;
    nodes.push({ level, index: at / 2 ** level });
    at += 2 ** level;
  }
  return nodes;
}

/**
 * The left edge of a growing tree: the roots of its perfect subtrees, largest first. Appending costs one hash on average
 * and at most log n.
 */
export class Frontier {
  #size = 0;
  readonly #levels: number[] = [];
  readonly #hashes: Hash[] = [];

  /** Leaves so far. */
  get size(): number {
    return this.#size;
  }

  /** Appends a subtree of 2^level leaves. Throws RangeError where it does not begin at a multiple of that. */
  append(subtree: Hash, level = 0): void {
    if (this.#size % 2 ** level !== 0)
      throw new RangeError(`a subtree of level ${level} cannot follow ${this.#size} leaves`);
    this.#size += 2 ** level;
    let hash = subtree;
    let height = level;
    while (this.#levels.at(-1) === height) {
      hash = nodeHash(this.#hashes.pop() as Hash, hash);
      this.#levels.pop();
      height++;
    }
    this.#hashes.push(hash);
    this.#levels.push(height);
  }

  /** Hash of the tree (RFC 9162, 2.1.1). */
  root(): Hash {
    return fold(this.#hashes);
  }
}

/** Hash over the nodes of a range that begins at 0 or under a common parent, largest first. */
function fold(hashes: readonly Hash[]): Hash {
  const last = hashes.at(-1);
  if (last === undefined) return EMPTY_ROOT;
  let root = last;
  for (let i = hashes.length - 2; i >= 0; i--) root = nodeHash(hashes[i] as Hash, root);
  return root;
}

/** Hash of the leaves of a range, which must be a subtree of a tree as proofs name them. */
function rangeHash(range: LeafRange, nodeAt: NodeAt): Hash {
  return fold(nodesOf(range).map(nodeAt));
}

/** Root of the first `size` leaves. */
export function rootAt(size: number, nodeAt: NodeAt): Hash {
  return rangeHash({ start: 0, end: size }, nodeAt);
}

/** Subtrees whose hashes prove that a leaf is in a tree, from the leaf upward (RFC 9162, 2.1.3.1). */
export function inclusionRanges(index: number, size: number): LeafRange[] {
  if (!(index >= 0 && index < size)) throw new RangeError(`a tree of ${size} leaves has no leaf ${index}`);
  const path: LeafRange[] = [];
  let [start, end] = [0, size];
  while (end - start > 1) {
    const middle = start + split(end - start);
    if (index < middle) {
      path.push({ start: middle, end });
      end = middle;
    } else {
      path.push({ start, end: middle });
      start = middle;
    }
  }
  return path.reverse();
}

/** Subtrees whose hashes prove that a tree begins with a smaller one (RFC 9162, 2.1.4.1). */
export function consistencyRanges(first: number, second: number): LeafRange[] {
  if (!(first >= 0 && first <= second))
    throw new RangeError(`a tree of ${second} leaves does not hold one of ${first}`);
  if (first === 0 || first === second) return [];
  const path: LeafRange[] = [];
  let [start, end] = [0, second];
  while (first !== end) {
    const middle = start + split(end - start);
    if (first <= middle) {
      path.push({ start: middle, end });
      end = middle;
    } else {
      path.push({ start, end: middle });
      start = middle;
    }
  }
  if (start > 0) path.push({ start, end });
  return path.reverse();
}

/** Hashes of the subtrees of a proof. */
export function proofOf(ranges: readonly LeafRange[], nodeAt: NodeAt): Hash[] {
  return ranges.map((range) => rangeHash(range, nodeAt));
}

/** Largest power of two below n; n is 2 or more. */
function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}

import { HASH_BYTES, type Hash, nodeHash } from './hash.ts';

/** Says whether a proof shows that a leaf is at an index of the tree with that size and root (RFC 9162, 2.1.3.2). */
export function verifyInclusion(index: number, size: number, leaf: Hash, proof: readonly Hash[], root: Hash): boolean {
  if (!isCount(index) || !isCount(size) || index >= size || !areHashes([leaf, root, ...proof])) return false;
  let [at, last, hash] = [index, size - 1, leaf];
  for (const beside of proof) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      hash = nodeHash(beside, hash);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      hash = nodeHash(hash, beside);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && hash === root;
}

/**
 * Says whether a proof shows that the tree with the second size and root begins with the one with the first (RFC 9162,
 * 2.1.4.2). Every tree begins with the empty one.
 */
export function verifyConsistency(
  first: number,
  second: number,
  proof: readonly Hash[],
  firstRoot: Hash,
  secondRoot: Hash,
): boolean {
  if (!isCount(first) || !isCount(second) || first > second || !areHashes(proof)) return false;
  if (first === second) return proof.length === 0 && firstRoot === secondRoot;
  if (first === 0) return proof.length === 0;
  if (!areHashes([firstRoot, secondRoot])) return false;
  const path = isPowerOfTwo(first) ? [firstRoot, ...proof] : proof;
  const [begin, ...rest] = path;
  if (begin === undefined) return false;
  let [at, last] = [first - 1, second - 1];
  while (at % 2 === 1) [at, last] = [half(at), half(last)];
  let [before, after] = [begin, begin];
  for (const beside of rest) {
    if (last === 0) return false;
    if (at % 2 === 1 || at === last) {
      before = nodeHash(beside, before);
      after = nodeHash(beside, after);
      while (at % 2 === 0 && at !== 0) [at, last] = [half(at), half(last)];
    } else {
      after = nodeHash(after, beside);
    }
    [at, last] = [half(at), half(last)];
  }
  return last === 0 && before === firstRoot && after === secondRoot;
}

function isCount(n: number): boolean {
  return Number.isSafeInteger(n) && n >= 0;
}

function areHashes(values: readonly Hash[]): boolean {
  return values.every((value) => value.length === HASH_BYTES);
}

function half(n: number): number {
  return Math.floor(n / 2);
}

function isPowerOfTwo(n: number): boolean {
  while (n % 2 === 0) n /= 2;
  return n === 1;
}

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, test } from 'node:test';
import { EMPTY_ROOT, type Hash, leafHash } from './hash.ts';
import { verifyConsistency, verifyInclusion } from './proof.ts';
import { nodesFrom, TileBuilder } from './tiles.ts';
import { consistencyRanges, Frontier, inclusionRanges, proofOf, rootAt } from './tree.ts';

interface Vectors {
  readonly leaves: string[];
  readonly roots: string[];
  readonly inclusion: { leaf: number; size: number; proof: string[] }[];
  readonly consistency: { first: number; second: number; proof: string[] }[];
}
const file = join(resolve(import.meta.dirname, '../..'), 'fixtures/ledger/merkle-vectors.json');
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;
const fromHex = (hex: string): Hash => Buffer.from(hex, 'hex').toString('latin1');
const roots = vectors.roots.map(fromHex);
const root = (size: number): Hash => (size === 0 ? EMPTY_ROOT : (roots[size - 1] as Hash));
const leaves = vectors.leaves.map((hex) => leafHash(Buffer.from(hex, 'hex')));
const builder = new TileBuilder(0, []);
for (const leaf of leaves) builder.append(leaf);
const nodeAt = nodesFrom(builder.take());
const OTHER = fromHex('abacaba000000000000000000000000000000000000000000060061e00123456');
const flip = (proof: readonly Hash[], at: number, bit: number): Hash[] =>
  proof.map((hash, i) => (i === at ? String.fromCharCode(hash.charCodeAt(0) ^ bit) + hash.slice(1) : hash));

test('roots of the published vectors, by the frontier and from tiles', () => {
  assert.equal(EMPTY_ROOT, fromHex('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'));
  const frontier = new Frontier();
  assert.equal(frontier.root(), EMPTY_ROOT);
  for (const [i, leaf] of leaves.entries()) {
    frontier.append(leaf);
    assert.equal(frontier.root(), roots[i]);
    assert.equal(rootAt(i + 1, nodeAt), roots[i]);
  }
});

describe('inclusion proofs of the published vectors', () => {
  for (const { leaf, size, proof: hex } of vectors.inclusion) {
    const proof = hex.map(fromHex);
    const index = leaf - 1;
    const hash = leaves[index] as Hash;
    test(`leaf ${leaf} of ${size} is made and verifies`, () => {
      assert.deepEqual(proofOf(inclusionRanges(index, size), nodeAt), proof);
      assert.equal(verifyInclusion(index, size, hash, proof, root(size)), true);
    });
    // The corruptions of corruptInclusionProof in the same source.
    const wrong: [name: string, index: number, size: number, leaf: Hash, proof: readonly Hash[], root: Hash][] = [
      ['leafIndex - 1', index - 1, size, hash, proof, root(size)],
      ['leafIndex + 1', index + 1, size, hash, proof, root(size)],
      ['leafIndex ^ 2', index ^ 2, size, hash, proof, root(size)],
      ['treeSize * 2', index, size * 2, hash, proof, root(size)],
      ['treeSize / 2', index, Math.floor(size / 2), hash, proof, root(size)],
      ['wrong leaf', index, size, 'WrongLeaf', proof, root(size)],
      ['empty root', index, size, hash, proof, EMPTY_ROOT],
      ['random root', index, size, hash, proof, OTHER],
      ['trailing garbage', index, size, hash, [...proof, ''], root(size)],
      ['trailing root', index, size, hash, [...proof, root(size)], root(size)],
      ['preceding garbage', index, size, hash, ['', ...proof], root(size)],
      ['preceding root', index, size, hash, [root(size), ...proof], root(size)],
      ['removed component', index, size, hash, proof.slice(0, -1), root(size)],
      ['inserted component', index, size, hash, [proof[0] as Hash, OTHER, ...proof.slice(1)], root(size)],
      ...proof.map((_, i): (typeof wrong)[number] => [
        `bit 3 of ${i}`,
        index,
        size,
        hash,
        flip(proof, i, 8),
        root(size),
      ]),
    ];
    for (const [name, ...args] of wrong)
      test(`leaf ${leaf} of ${size}: ${name} is refused`, () => assert.equal(verifyInclusion(...args), false));
  }
});

describe('consistency proofs of the published vectors', () => {
  for (const { first, second, proof: hex } of vectors.consistency) {
    const proof = hex.map(fromHex);
    const [a, b] = [root(first), root(second)];
    test(`${first} and ${second} are made and verify`, () => {
      assert.deepEqual(proofOf(consistencyRanges(first, second), nodeAt), proof);
      assert.equal(verifyConsistency(first, second, proof, a, b), true);
    });
    if (proof.length === 0) continue;
    // The corruptions of corruptConsistencyProof in the same source.
    const wrong: [name: string, first: number, second: number, proof: readonly Hash[], a: Hash, b: Hash][] = [
      ['size1 - 1', first - 1, second, proof, a, b],
      ['size1 + 1', first + 1, second, proof, a, b],
      ['size1 ^ 2', first ^ 2, second, proof, a, b],
      ['size2 * 2', first, second * 2, proof, a, b],
      ['size2 / 2', first, Math.floor(second / 2), proof, a, b],
      ['wrong root1', first, second, proof, 'WrongRoot', b],
      ['wrong root2', first, second, proof, a, 'WrongRoot'],
      ['swapped roots', first, second, proof, b, a],
      ['empty proof', first, second, [], a, b],
      ['trailing garbage', first, second, [...proof, ''], a, b],
      ['trailing root1', first, second, [...proof, a], a, b],
      ['trailing root2', first, second, [...proof, b], a, b],
      ['preceding garbage', first, second, ['', ...proof], a, b],
      ['preceding root1', first, second, [a, ...proof], a, b],
      ['preceding root2', first, second, [b, ...proof], a, b],
      ['preceding proof[0]', first, second, [proof[0] as Hash, ...proof], a, b],
      ['truncated proof', first, second, proof.slice(0, -1), a, b],
      ...proof.map((_, i): (typeof wrong)[number] => [`bit 4 of ${i}`, first, second, flip(proof, i, 16), a, b]),
    ];
    for (const [name, ...args] of wrong)
      test(`${first} and ${second}: ${name} is refused`, () => assert.equal(verifyConsistency(...args), false));
  }
  const edges: [number, number, Hash[], Hash, Hash, boolean][] = [
    [0, 0, [], OTHER, EMPTY_ROOT, false],
    [1, 1, [], OTHER, EMPTY_ROOT, false],
    [0, 0, [], OTHER, OTHER, true],
    [0, 1, [], EMPTY_ROOT, OTHER, true],
    [1, 1, [], OTHER, OTHER, true],
    [1, 0, [], OTHER, OTHER, false],
    [2, 1, [], OTHER, OTHER, false],
    [1, 2, [], OTHER, EMPTY_ROOT, false],
    [0, 0, [EMPTY_ROOT], EMPTY_ROOT, EMPTY_ROOT, false],
    [0, 1, [EMPTY_ROOT], EMPTY_ROOT, EMPTY_ROOT, false],
    [1, 1, [EMPTY_ROOT], EMPTY_ROOT, EMPTY_ROOT, false],
  ];
  for (const [i, [first, second, proof, a, b, want]] of edges.entries())
    test(`edge ${i}: ${first} and ${second}`, () => assert.equal(verifyConsistency(first, second, proof, a, b), want));
});

/** The tree of RFC 9162, 2.1.5, by the names that it gives: d0…d6 over 7 leaves. */
describe('the example of RFC 9162, 2.1.5', () => {
  const names: Record<string, string> = {
    '0-1': 'a',
    '1-2': 'b',
    '2-3': 'c',
    '3-4': 'd',
    '4-5': 'e',
    '5-6': 'f',
    '6-7': 'j',
    '0-2': 'g',
    '2-4': 'h',
    '4-6': 'i',
    '0-4': 'k',
    '4-7': 'l',
  };
  const named = (ranges: readonly { start: number; end: number }[]) => ranges.map((r) => names[`${r.start}-${r.end}`]);
  const cases: [string, () => unknown, string[]][] = [
    ['PATH(0, D[7])', () => named(inclusionRanges(0, 7)), ['b', 'h', 'l']],
    ['PATH(3, D[7])', () => named(inclusionRanges(3, 7)), ['c', 'g', 'l']],
    ['PATH(4, D[7])', () => named(inclusionRanges(4, 7)), ['f', 'j', 'k']],
    ['PATH(6, D[7])', () => named(inclusionRanges(6, 7)), ['i', 'k']],
    ['PROOF(3, D[7])', () => named(consistencyRanges(3, 7)), ['c', 'd', 'g', 'l']],
    ['PROOF(4, D[7])', () => named(consistencyRanges(4, 7)), ['l']],
    ['PROOF(6, D[7])', () => named(consistencyRanges(6, 7)), ['i', 'j', 'k']],
  ];
  for (const [name, make, want] of cases) test(name, () => assert.deepEqual(make(), want));
});

test('every proof of every size up to 600 verifies, over several tiles', () => {
  const many = Array.from({ length: 600 }, (_, i) => leafHash(`record ${i}`));
  const frontier = new Frontier();
  const at: Hash[] = [EMPTY_ROOT];
  let grown = new TileBuilder(0, []);
  const tiles = new Map<string, { level: number; number: number; hashes: string }>();
  for (const [i, leaf] of many.entries()) {
    frontier.append(leaf);
    at.push(frontier.root());
    grown.append(leaf);
    // Begun anew from its tiles now and then, as another process does.
    if (i % 97 === 0 || i === many.length - 1) {
      for (const tile of grown.take()) tiles.set(`${tile.level}/${tile.number}`, tile);
      grown = new TileBuilder(i + 1, [...tiles.values()]);
    }
  }
  const nodes = nodesFrom([...tiles.values()]);
  for (let size = 1; size <= 600; size += 7) {
    assert.equal(rootAt(size, nodes), at[size]);
    for (let index = 0; index < size; index += 13) {
      const proof = proofOf(inclusionRanges(index, size), nodes);
      assert.ok(verifyInclusion(index, size, many[index] as Hash, proof, at[size] as Hash), `${index} of ${size}`);
    }
    for (let first = 0; first <= size; first += 11) {
      const proof = proofOf(consistencyRanges(first, size), nodes);
      assert.ok(verifyConsistency(first, size, proof, at[first] as Hash, at[size] as Hash), `${first} of ${size}`);
    }
  }
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { joinPieces } from './join-pieces.ts';

test('the text stays the same, in fewer pieces', () => {
  const lines = Array.from({ length: 100_000 }, (_, n) => `line ${n} ${'é'.repeat(n % 50)}\n`);
  const pieces = [...joinPieces(lines)];
  assert.equal(pieces.join(''), lines.join(''));
  assert.ok(pieces.length < 10);
  assert.deepEqual([...joinPieces([])], []);
  assert.deepEqual([...joinPieces(['', ''])], []);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesGlob } from './glob.ts';

/** The same by a regular expression. */
function expected(pattern: string, text: string): boolean {
  const source = pattern
    .replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')
    .replaceAll('*', '[^]*')
    .replaceAll('?', '[^]');
  return new RegExp(`^${source}$`).test(text);
}

test('a glob matches what the regular expression of it matches', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '.', '*', '?'), maxLength: 8 });
  fc.assert(
    fc.property(text, text, (pattern, other) => {
      assert.equal(matchesGlob(pattern, other), expected(pattern, other), `${pattern} on ${other}`);
    }),
    { numRuns: 5_000 },
  );
});

test('a hostile pattern is not slow', () => {
  assert.equal(matchesGlob('*a'.repeat(2_000), 'a'.repeat(3_000)), true);
  assert.equal(matchesGlob(`${'*a'.repeat(500)}b`, 'a'.repeat(20_000)), false);
});

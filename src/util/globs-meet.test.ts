import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesGlob } from './glob.ts';
import { globsMeet } from './globs-meet.ts';

test('two patterns meet if some text matches both', () => {
  const texts = [''];
  for (const text of texts) if (text.length < 6) texts.push(`${text}a`, `${text}b`);
  const pattern = fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 3 });
  fc.assert(
    fc.property(pattern, pattern, (a, b) => {
      const meet = texts.some((text) => matchesGlob(a, text) && matchesGlob(b, text));
      assert.equal(globsMeet(a, b), meet, `${a} and ${b}`);
    }),
    { numRuns: 500 },
  );
});

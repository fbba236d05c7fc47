import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fileNameOf, identifierOf, nameOf, plainText, uniqueNames } from './safe-text.ts';

test('names that need nothing stay as they are', () => {
  assert.deepEqual(
    [nameOf('pg-orders'), fileNameOf('DB-1.example.org'), identifierOf('pg-orders')],
    ['pg-orders', 'DB-1.example.org', 'pg_orders'],
  );
});

for (const hostile of [
  '..',
  '.',
  '-rf',
  '',
  '../../etc/passwd',
  'a/b',
  'a b',
  '"',
  '\n',
  `$${'{'}x}`,
  'é',
  '0day',
  'x'.repeat(300),
])
  test(`a name made of ${JSON.stringify(hostile.slice(0, 20))} is safe`, () => {
    assert.match(nameOf(hostile), /^[a-z][a-z0-9_-]{0,39}$/);
    assert.match(fileNameOf(hostile), /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/);
    assert.match(identifierOf(hostile), /^[a-z][a-z0-9_]{0,63}$/);
    assert.match(plainText(hostile), /^[A-Za-z0-9 ._:/@=,+()-]{0,100}$/);
  });

test('two texts never become one name', () => {
  const text = fc.oneof(fc.string({ maxLength: 8 }), fc.constantFrom('a-b', 'a_b', 'a--b', 'A-B', 'a b', 'n-a', 'n_a'));
  fc.assert(
    fc.property(text, text, (a, b) => {
      fc.pre(a !== b);
      for (const make of [(t: string) => nameOf(t), fileNameOf, identifierOf]) assert.notEqual(make(a), make(b));
    }),
    { seed: 4, numRuns: 2000 },
  );
});

test('a name that is taken gets a number', () => {
  const name = uniqueNames();
  assert.deepEqual(['a', 'a', 'b', 'a'].map(name), ['a', 'a_2', 'b', 'a_3']);
});

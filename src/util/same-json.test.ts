import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { sameJson } from './same-json.ts';

test('agrees with deep equality on JSON data', () => {
  const json = fc.jsonValue({ maxDepth: 3 }).map((value) => JSON.parse(JSON.stringify(value)) as unknown);
  fc.assert(
    fc.property(json, json, (a, b) => {
      assert.equal(sameJson(a, b), isDeepStrictEqual(a, b));
      assert.ok(sameJson(a, structuredClone(a)));
    }),
  );
});

test('an undefined key is an absent one, an empty list is no empty object', () => {
  assert.ok(sameJson({ a: 1, b: undefined }, { a: 1 }));
  assert.ok(sameJson({ a: 1 }, { b: undefined, a: 1 }));
  assert.ok(!sameJson([], {}));
  assert.ok(!sameJson({ a: null }, {}));
  assert.ok(!sameJson([1], [1, 2]));
});

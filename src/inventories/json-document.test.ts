import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readJson } from './json-document.ts';

const TABLE: readonly { text: string; value: unknown; at: string; message: RegExp }[] = [
  { text: '', value: undefined, at: '1:1', message: /ends before/ },
  {
    text: '{"results": [{"id": 1}, {"id": 2, "ta',
    value: { results: [{ id: 1 }] },
    at: '1:35',
    message: /ends before/,
  },
  {
    text: '{"results": [{"id": 1},\n {"id": 2}',
    value: { results: [{ id: 1 }, { id: 2 }] },
    at: '2:11',
    message: /ends before/,
  },
  { text: '[{"a": [1, 2, ', value: [], at: '1:15', message: /ends before/ },
  { text: '[{"a": 1} {"a": 2}]', value: [{ a: 1 }], at: '1:11', message: /a comma or \]/ },
  { text: '[1, 2,]', value: [1, 2], at: '1:7', message: /a value/ },
  { text: '{"a": [1], "b": nope}', value: { a: [1] }, at: '1:17', message: /a value/ },
  { text: '{"a" 1}', value: undefined, at: '1:6', message: /a colon/ },
  { text: '{a: 1}', value: undefined, at: '1:2', message: /a key/ },
  { text: '[1] [2]', value: [1], at: '1:5', message: /the end/ },
  { text: '["tab\there"]', value: [], at: '1:6', message: /a value/ },
  { text: '[01]', value: [], at: '1:2', message: /a value/ },
  { text: 'name,ip\n', value: undefined, at: '1:1', message: /a value/ },
];

for (const { text, value, at, message } of TABLE)
  test(`of ${JSON.stringify(text)} it keeps what is complete`, () => {
    const read = readJson(text);
    assert.deepEqual(read.value, value);
    assert.equal(`${read.problem?.line}:${read.problem?.column}`, at);
    assert.match(read.problem?.message ?? '', message);
  });

test('a document cut anywhere gives a beginning of its list and never throws', () => {
  const item = fc.record({ id: fc.integer(), name: fc.string(), tags: fc.array(fc.string(), { maxLength: 3 }) });
  fc.assert(
    fc.property(fc.array(item, { maxLength: 6 }), fc.nat(), fc.boolean(), (items, cut, isSpaced) => {
      const whole = JSON.stringify({ count: items.length, results: items }, null, isSpaced ? 1 : undefined);
      const text = whole.slice(0, cut % whole.length);
      const read = readJson(text);
      assert.ok(read.problem);
      const kept = (read.value as { results?: unknown[] } | undefined)?.results ?? [];
      assert.deepEqual(kept, JSON.parse(JSON.stringify(items.slice(0, kept.length))));
    }),
  );
});

test('what is nested a million deep is a problem or a value, not a crash', () => {
  assert.ok(readJson('['.repeat(1_000_000)).problem);
  assert.ok(readJson('{"a":'.repeat(1_000_000)).problem);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { printableJson } from './printable.ts';

test('what is too long with blanks is laid out on one line', () => {
  // 90,000 lines with 6,000 blanks each: more than a string can hold
  let value: unknown = Array.from({ length: 90_000 }, () => 0);
  for (let i = 0; i < 3_000; i++) value = [value];
  assert.equal(printableJson(value, 2), JSON.stringify(value));
});

test('invisible characters of any text are spelled out', () => {
  assert.equal(printableJson({ a: '\u001b[2J\u202e' }, 1), '{\n "a": "\\u001b[2J\\u202e"\n}');
});

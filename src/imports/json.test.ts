import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { ImportProblem } from './import-format.ts';
import { readJson } from './json.ts';
import { splitJson } from './json-split.ts';

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

async function read(text: string | Uint8Array, size = 7) {
  const problems: ImportProblem[] = [];
  const records = [];
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  for await (const r of readJson(chunks(bytes, size), { report: (p) => problems.push(p), maxLength: 100_000 }))
    records.push(r);
  return { values: records.map((r) => r.value), records, problems };
}

const GOOD: readonly { name: string; text: string; values: readonly unknown[] }[] = [
  { name: 'an array', text: '[{"a":1}, {"a":[2,"]"]}]', values: [{ a: 1 }, { a: [2, ']'] }] },
  { name: 'a trailing comma', text: '[\n{"a":1},\n{"a":2},\n]\n', values: [{ a: 1 }, { a: 2 }] },
  { name: 'one object over lines', text: '{\n "a": {"b": "x\\"}"}\n}\n', values: [{ a: { b: 'x"}' } }] },
  { name: 'JSON lines', text: '{"a":1}\r\n\r\n{"a":2}', values: [{ a: 1 }, { a: 2 }] },
  { name: 'documents behind each other', text: '{\n"a":1}\n{\n"a":2\n}', values: [{ a: 1 }, { a: 2 }] },
  { name: 'scalars', text: '[1, "two", null, true]', values: [1, 'two', null, true] },
  { name: 'a byte order mark', text: '\ufeff[{"a":1}]', values: [{ a: 1 }] },
  { name: 'nothing', text: ' \n', values: [] },
];
for (const { name, text, values } of GOOD)
  test(`JSON: ${name}`, async () => {
    for (const size of [1, 7, 1000])
      assert.deepEqual(await read(text, size).then((r) => [r.values, r.problems]), [values, []]);
  });

test('JSON: a long record in many pieces is not copied for each', async () => {
  const text = JSON.stringify([{ a: Array.from({ length: 400_000 }, (_, i) => i) }, { b: 1 }]);
  const records = [];
  const pieces = async function* () {
    for (let i = 0; i < text.length; i += 16) yield text.slice(i, i + 16);
  };
  for await (const { text: record, problem } of splitJson(pieces(), { maxLength: 10_000_000, maxDepth: 10 }))
    records.push(problem ?? record);
  assert.equal(`[${records.join()}]`, text);
});

test('JSON: UTF-16 with a byte order mark', async () => {
  assert.deepEqual((await read(Buffer.from('\ufeff[{"a":"ü"}]', 'utf16le'))).values, [{ a: 'ü' }]);
  assert.deepEqual((await read(Buffer.from('\ufeff[{"a":"ü"}]', 'utf16le').swap16())).values, [{ a: 'ü' }]);
});

const BROKEN: readonly { name: string; text: string; values: readonly unknown[]; at: readonly string[] }[] = [
  { name: 'a broken line', text: '{"a":1}\n{"a":\n{"a":3}\n', values: [{ a: 1 }, { a: 3 }], at: ['2:1'] },
  { name: 'a wrong value', text: '[{"a":1},\n{"a" 2},\n{"a":3}]', values: [{ a: 1 }, { a: 3 }], at: ['2:6'] },
  { name: 'a wrong bracket', text: '[\n{"a":[},\n{"a":3}\n]', values: [{ a: 3 }], at: ['2:1'] },
  { name: 'a text without end', text: '[\n {"a":"b},\n {"a":3}\n]', values: [{ a: 3 }], at: ['2:2'] },
  { name: 'a cut array', text: '[{"a":1},{"a":', values: [{ a: 1 }], at: ['1:10'] },
  { name: 'an array without end', text: '[{"a":1},', values: [{ a: 1 }], at: ['1:10'] },
  {
    name: 'a cut document',
    text: '{"s":{"rows":[{"a":1,"l":[1]},{"a":2},{"a":3,"b":[4',
    values: [{ s: { rows: [{ a: 1, l: [1] }, { a: 2 }] } }],
    at: ['1:1'],
  },
  { name: 'deep nesting', text: `[\n${'['.repeat(10_000)},\n{"a":1}]`, values: [{ a: 1 }], at: ['2:1'] },
  {
    name: 'deep nesting, a record behind',
    text: `[\n${'{"a":'.repeat(99)},\n{"a":1}]`,
    values: [{ a: 1 }],
    at: ['2:1'],
  },
  { name: 'deep line', text: `{"a":1}\n${'{"a":'.repeat(9999)}\n{"a":2}`, values: [{ a: 1 }, { a: 2 }], at: ['2:1'] },
  { name: 'a long record', text: `[\n{"a":"${'x'.repeat(200_000)}"},\n{"a":1}]`, values: [{ a: 1 }], at: ['2:1'] },
  { name: 'no JSON at all', text: 'hello\nworld', values: [], at: ['1:1', '2:1'] },
];
for (const { name, text, values, at } of BROKEN)
  test(`JSON: ${name} is reported, the rest is read`, async () => {
    for (const size of [1, 13, 65_536]) {
      if (size === 1 && text.length > 50_000) continue;
      const result = await read(text, size);
      assert.deepEqual(result.values, values);
      assert.deepEqual(
        result.problems.map((p) => `${p.line}:${p.column}`),
        at,
      );
    }
  });

test('JSON: positions and numbers of records', async () => {
  const { records } = await read('[\n  {"a":1},\n  {"a":2}]');
  assert.deepEqual(
    records.map(({ line, column, number }) => [line, column, number]),
    [
      [2, 3, 1],
      [3, 3, 2],
    ],
  );
});

test('JSON: any array of objects comes back, however it is cut into pieces', async () => {
  const values = fc.array(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })), { maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(values, fc.integer({ min: 1, max: 9 }), fc.boolean(), async (array, size, pretty) => {
      const text = JSON.stringify(array, null, pretty ? 2 : undefined);
      const result = await read(text, size);
      assert.deepEqual(result.values, JSON.parse(text));
      assert.deepEqual(result.problems, []);
    }),
    { numRuns: 60 },
  );
});

test('JSON: no bytes make it throw', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...'[]{},:"\\\n a1')),
      fc.integer({ min: 1, max: 5 }),
      async (parts, size) => {
        await read(parts.join(''), size);
      },
    ),
    { numRuns: 300 },
  );
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (bytes) => {
      await read(bytes, 3);
    }),
    { numRuns: 100 },
  );
});

import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { createJsonReader, JSON_KIND } from './json-reader.ts';

const PATHS = ['a', 'id.x', ['flow', 'n'], ['flow', 's'], 'list'] as const;
const reader = createJsonReader(PATHS);
const encoder = new TextEncoder();

/** Decimals are read to the ninth. */
const rounded = (value: unknown) =>
  typeof value === 'number' && Math.abs(value) < 1e15 ? Math.round(value * 1e6) / 1e6 + 0 : value;

/** What was read, as JSON.parse would give it; text where it was a text. */
function read(text: string): unknown {
  const inner = encoder.encode(text);
  const bytes = new Uint8Array(inner.length + 2).fill(0x22); // what is around must not be looked at
  bytes.set(inner, 1);
  if (!reader.read(bytes, 1, 1 + inner.length)) return { problem: reader.problem, at: reader.problemAt - 1 };
  return PATHS.map((_, n) => {
    const kind = reader.kind[n];
    const value = new TextDecoder().decode(reader.source.subarray(reader.from[n], reader.to[n]));
    if (kind === JSON_KIND.missing) return undefined;
    if (kind === JSON_KIND.text) return value;
    if (kind === JSON_KIND.number) return reader.number(n);
    return JSON.parse(value);
  });
}

suite('JSON records', () => {
  const cases: { text: string; want: unknown }[] = [
    { text: '{}', want: [undefined, undefined, undefined, undefined, undefined] },
    { text: '{"a":"x","id.x":1,"flow":{"n":2,"s":"y"},"list":[1]}', want: ['x', 1, 2, 'y', [1]] },
    { text: ' { "list" : { } , "a" : null } ', want: [null, undefined, undefined, undefined, {}] },
    { text: '{"a":"q\\"\\u00e9\\ud83d\\ude00\\n"}', want: ['q"é😀\n', undefined, undefined, undefined, undefined] },
    { text: '{"\\u0061":true}', want: [true, undefined, undefined, undefined, undefined] },
    { text: '{"a":1,"a":"2"}', want: ['2', undefined, undefined, undefined, undefined] },
    { text: '{"flow":{"n":1},"flow":{"s":"t"}}', want: [undefined, undefined, undefined, 't', undefined] },
    { text: '{"flow":{"n":1},"flow":7}', want: [undefined, undefined, undefined, undefined, undefined] },
    { text: '{"x":{"a":1,"flow":{"n":9}}}', want: [undefined, undefined, undefined, undefined, undefined] },
    {
      text: '{"a":-1.5e3,"id.x":12345678901234567890}',
      want: [-1500, 12345678901234567000, undefined, undefined, undefined],
    },
    { text: '', want: { problem: 'a JSON object', at: 0 } },
    { text: '[]', want: { problem: 'a JSON object', at: 0 } },
    { text: '{"a":1', want: { problem: 'a comma or a closing brace', at: 6 } },
    { text: '{"a":"x', want: { problem: 'the closing quote', at: 7 } },
    { text: '{"a":01}', want: { problem: 'no digit behind a leading zero', at: 6 } },
    { text: '{"a":tru}', want: { problem: 'a value', at: 5 } },
    { text: '{"a":1,}', want: { problem: 'a key in quotes', at: 7 } },
    { text: '{"a" 1}', want: { problem: 'a colon', at: 5 } },
    { text: '{"b":[1 2]}', want: { problem: 'a comma or a closing bracket', at: 8 } },
    { text: '{"b":"\\x"}', want: { problem: 'an escape of JSON', at: 7 } },
    { text: '{"b":"\\u12g4"}', want: { problem: 'four hexadecimal digits', at: 8 } },
    { text: '{"b":"\t"}', want: { problem: 'no control character in a text', at: 6 } },
    { text: '{} x', want: { problem: 'nothing behind the closing brace', at: 3 } },
  ];
  for (const { text, want } of cases) test(JSON.stringify(text), () => assert.deepEqual(read(text), want));

  test('64 levels of nesting and no more', () => {
    const nested = (levels: number) => `{"b":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    assert.ok(Array.isArray(read(nested(64))));
    assert.deepEqual(read(nested(65)), { problem: 'nothing deeper than 64 levels', at: 5 + 64 });
    assert.deepEqual(read(`{"b":${'['.repeat(1_000_000)}`), { problem: 'nothing deeper than 64 levels', at: 69 });
  });

  test('the same values as JSON.parse', () => {
    const name = fc.oneof(fc.constantFrom('a', 'id.x', 'flow', 'n', 's', 'list'), fc.string());
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 3 },
        fc.string({ unit: 'binary' }),
        fc.double({ noNaN: true, noDefaultInfinity: true }),
        fc.nat(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(name, tie('value'), { maxKeys: 4 }),
      ),
    }));
    fc.assert(
      fc.property(fc.dictionary(name, value, { maxKeys: 6 }), fc.boolean(), (object, isSpaced) => {
        const text = JSON.stringify(object, null, isSpaced ? 1 : 0);
        const parsed = JSON.parse(text);
        const own = (from: unknown, key: string) =>
          typeof from === 'object' && from !== null && !Array.isArray(from) && Object.hasOwn(from, key)
            ? (from as Record<string, unknown>)[key]
            : undefined;
        const want = PATHS.map((path) => {
          const found = typeof path === 'string' ? own(parsed, path) : own(own(parsed, path[0]), path[1]);
          return rounded(found);
        });
        const got = (read(text) as unknown[]).map(rounded);
        // Halves of a surrogate pair are no characters: UTF-8 has none.
        assert.deepEqual(
          got,
          JSON.parse(JSON.stringify(want).replace(/\\ud[89a-f][0-9a-f]{2}/g, '\uFFFD')).map((v: unknown, n: number) =>
            want[n] === undefined ? undefined : v,
          ),
        );
      }),
      { numRuns: 500 },
    );
  });

  test('takes and refuses the same texts as JSON.parse', () => {
    const sample = '{"a":"x\\u00e9","id.x":-1.5e+3,"flow":{"n":[1,{"b":null}],"s":true},"list":[]}';
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(sample.length - 1), fc.constantFrom(...'{}[]",:0-.eE+\\u9 tn')), {
          minLength: 1,
          maxLength: 3,
        }),
        (changes) => {
          const letters = [...sample];
          for (const [at, letter] of changes) letters[at] = letter;
          const text = letters.join('');
          let isJson = true;
          try {
            JSON.parse(text);
          } catch {
            isJson = false;
          }
          assert.equal(Array.isArray(read(text)), isJson, text);
        },
      ),
      { numRuns: 3000 },
    );
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { canonicalJson, type Json } from './canonical-json.ts';

const CASES: { name: string; input: Json; want: string }[] = [
  { name: 'scalars', input: [null, true, false, 0, -0, ''], want: '[null,true,false,0,0,""]' },
  {
    name: 'the numbers of RFC 8785, 3.2.2.3',
    input: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
    want: '[333333333.3333333,1e+30,4.5,0.002,1e-27]',
  },
  {
    name: 'the strings of RFC 8785, 3.2.2.2',
    input: '€$\u000f\nA\'B"\\\\"/',
    want: '"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"',
  },
  {
    name: 'the keys of RFC 8785, 3.2.3',
    input: {
      '€': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '😀': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      ö: 'Latin Small Letter O With Diaeresis',
    },
    want: '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
  },
  { name: 'keys that are numbers, in the order of text', input: { 9: 1, 10: 2, a: 3 }, want: '{"10":2,"9":1,"a":3}' },
  { name: 'keys in order', input: { a: 1, b: { c: [2], d: undefined } }, want: '{"a":1,"b":{"c":[2]}}' },
  { name: 'nested keys out of order', input: { a: 1, b: { d: 2, c: undefined } }, want: '{"a":1,"b":{"d":2}}' },
];
for (const { name, input, want } of CASES) {
  test(`writes ${name}`, () => assert.equal(canonicalJson(input), want));
}

for (const input of [
  Number.NaN,
  Infinity,
  'a\ud800',
  '\udc00',
  { '\ud800': 1 },
  { a: ['\ud800b'] },
  { b: 1, a: Number.NaN },
]) {
  test(`refuses ${JSON.stringify(input)}`, () => assert.throws(() => canonicalJson(input), TypeError));
}

test('any order of keys gives one text, which reads back as the value', () => {
  const keyed = fc.dictionary(
    fc.string({ unit: 'binary' }).filter((key) => key !== '__proto__'),
    fc.jsonValue({ maxDepth: 2 }),
  );
  fc.assert(
    fc.property(keyed, (object) => {
      const reversed = Object.fromEntries(Object.entries(object).reverse()) as Json;
      const text = canonicalJson(object as Json);
      assert.equal(canonicalJson(reversed), text);
      assert.deepEqual(JSON.parse(text), JSON.parse(JSON.stringify(object)));
      const sorted = Object.keys(object)
        .sort()
        .map((key) => JSON.stringify(key));
      assert.equal(text.startsWith(`{${sorted[0] ?? '}'}`), true);
    }),
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { FAILSAFE_SCHEMA, load, nullCoreTag } from 'js-yaml';
import { itemsOf, parseYamlParts } from './yaml-parts.ts';

const SCHEMA = FAILSAFE_SCHEMA.withTags(nullCoreTag);

/** Forms of an item that could be taken for several ones, at the indentation of the dash. */
const ITEMS = [
  'id: x',
  '{ id: x, list: [a, b] }',
  '\n{i}  id: x',
  'id: x\n{i}  list:\n{i}  - a\n{i}  - b',
  'id: x\n{i}  text: |\n{i}    - not an item\n{i}    ports:\n{i}    # not a comment\n',
  'id: x\n{i}  text: >-\n{i}    folded\n\n{i}    - more',
  'id: x\n{i}  text: "over\n{i}    - two lines"',
  'id: x\n{i}  text: plain\n{i}    - goes on',
  '- a\n{i}  - b',
  '# why\n{i}  id: x',
  '',
  'text',
];
const GAPS = ['', '\n', '# at the margin\n', '      # deep\n'];

test('cutting a file into items gives what parsing it at once gives', () => {
  const item = fc.tuple(fc.constantFrom(...ITEMS), fc.constantFrom(...GAPS));
  const file = fc.record({
    head: fc.constantFrom('', '---\n', '# head\nname: x\n', '%YAML 1.2\n---\n'),
    header: fc.constantFrom('ports:\n', 'ports:  # all\n', 'ports:\n\n# c\n'),
    indent: fc.constantFrom('', '  ', '    '),
    items: fc.array(item, { minLength: 1, maxLength: 6 }),
    tail: fc.constantFrom('', 'more: 1\n', '# end\n', 'more:\n  - a\n'),
    eol: fc.constantFrom('\n', '\r\n'),
  });
  fc.assert(
    fc.property(file, ({ head, header, indent, items, tail, eol }) => {
      const body = items.map(([text, gap]) => `${indent}- ${text.replaceAll('{i}', indent)}\n${gap}`).join('');
      const text = `${head}${header}${body}${tail}`.replaceAll('\n', eol);
      const whole = load(text, { schema: SCHEMA }) as { ports: unknown };
      const parts = parseYamlParts(text, ['ports']);
      assert.deepEqual(parts.errors, []);
      assert.deepEqual(
        itemsOf(parts, 'ports').map((part) => part.value),
        whole.ports,
      );
      const around = Object.assign({}, ...parts.sections.map((section) => section.value as object));
      assert.deepEqual({ ...around, ports: null }, { ...whole, ports: null });
    }),
    { numRuns: 300 },
  );
});

test('a path leads to its place in the file, also behind other items', () => {
  const text = 'name: x\nports:\n  - a: 1\n  - b:\n      - c: "two"\n    d:\nlast: { e: 3 }\n';
  const parts = parseYamlParts(text, ['ports']);
  const [, second] = itemsOf(parts, 'ports');
  const [around] = parts.sections;
  assert.equal(second?.start(), text.indexOf('b:'));
  assert.equal(second?.locate(['b', 0, 'c'], 'value'), text.indexOf('"two"'));
  assert.equal(second?.locate(['b', 0, 'c'], 'key'), text.indexOf('c:'));
  assert.equal(second?.locate(['d'], 'value'), text.indexOf('d:'), 'a blank value is missing at its key');
  assert.equal(around?.locate(['last', 'e'], 'value'), text.indexOf('3'));
});

test('a broken section costs only itself', () => {
  const parts = parseYamlParts('a: 1\nb: [1\nc: 3\nports:\n  - d: 1\n', ['ports']);
  assert.deepEqual(
    parts.sections.map((section) => section.value),
    [{ a: '1' }, { c: '3' }, { ports: null }],
  );
  assert.deepEqual(
    parts.errors.map((error) => [error.code, error.list]),
    [['yaml-syntax', null]],
  );
  assert.equal(parts.items.length, 1);
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertGolden } from '../../test/golden.ts';
import { manifestFormats } from './index.ts';

const fixtures = resolve(import.meta.dirname, '../../fixtures/manifests');
const FILES: Readonly<Record<string, string>> = {
  'compose.yaml': 'compose',
  'kubernetes.yaml': 'kubernetes',
  Dockerfile: 'dockerfile',
  'example.socket': 'systemd-socket',
  'terraform.json': 'terraform',
  'ssp.json': 'oscal',
  'component-definition.yaml': 'oscal',
};

const textOf = (name: string) => readFileSync(join(fixtures, name), 'utf8');

function formatOf(name: string, text: string) {
  return manifestFormats.find((format) => format.detect({ name, text }));
}

for (const [name, want] of Object.entries(FILES)) {
  test(`${name} is read as ${want}`, () => {
    const text = textOf(name);
    const format = formatOf(name, text);
    assert.equal(format?.name, want);
    assert.equal(formatOf('-', text)?.name, want, 'by its content alone');
    const { declarations, problems } = format.read(text, `deploy/${name}`);
    assertGolden(`manifests/golden/${name}.json`, `${JSON.stringify({ declarations, problems }, null, 2)}\n`);
  });

  test(`any beginning of ${name} is read without a fault`, () => {
    const text = textOf(name);
    const format = formatOf(name, text);
    for (let end = 0; end < text.length; end += 7) format?.read(text.slice(0, end), name);
  });
}

test('every fixture has a test', () => {
  const files = readdirSync(fixtures).filter((name) => name !== 'golden');
  assert.deepEqual(files.sort(), Object.keys(FILES).sort());
});

const HOSTILE: Readonly<Record<string, string>> = {
  empty: '',
  'a NUL': '\u0000',
  'brackets without end': '['.repeat(100_000),
  'dashes without end': `a:\n${'- '.repeat(50_000)}`,
  'blanks without end': Array.from({ length: 3000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
  'aliases that multiply': `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((c, i) => `${c}: &${c} [${Array(9).fill(`*${'abcdefghi'[i]}`).join(',')}]`).join('\n')}\nservices: *i\n`,
  'a key of the prototype': 'services:\n  __proto__:\n    ports: ["1:1"]\n  constructor: { ports: [toString] }\n',
  'types that nobody expects':
    'services: [1, null]\n---\nservices: { a: null, b: 7, c: { ports: { x: 1 }, expose: 7 } }\n',
  'objects of no kind': '[{"kind":[],"apiVersion":1}]',
  'an SSP of other shapes':
    '{"system-security-plan":{"system-implementation":{"components":{"x":{"protocols":[null,{"port-ranges":[null,7]}]}}}}}',
  'a plan of other shapes':
    '{"format_version":1,"terraform_version":2,"values":{"root_module":{"resources":[null,{"type":"aws_security_group","values":{"ingress":[null]}}],"child_modules":[7]}}}',
};
for (const [name, text] of Object.entries(HOSTILE))
  test(`${name}: read in no time, by every format`, () => {
    for (const format of manifestFormats) {
      format.detect({ name: 'x', text });
      const { declarations, problems } = format.read(text, 'x');
      assert.ok(declarations.length < 10 && problems.length < 20, format.name);
    }
  });

test('whatever a file says, a declaration has ports from 1 to 65535, and nothing throws', () => {
  const value = fc.oneof(
    fc.integer({ min: -10, max: 70_000 }),
    fc.string(),
    fc.constantFrom('80:80', '1-2:3-4', '[::1]:1:1/udp', null),
  );
  const item = fc.oneof(
    value,
    fc.dictionary(fc.constantFrom('target', 'published', 'protocol', 'containerPort', 'start', 'end'), value),
  );
  fc.assert(
    fc.property(fc.array(item, { maxLength: 5 }), fc.string(), (items, junk) => {
      const texts = [
        junk,
        JSON.stringify({ services: { a: { ports: items, expose: items } } }),
        JSON.stringify({ apiVersion: 'v1', kind: 'Pod', spec: { containers: [{ ports: items }] } }),
        JSON.stringify({ 'component-definition': { components: [{ protocols: [{ 'port-ranges': items }] }] } }),
        `FROM a\nEXPOSE ${items.map((i) => JSON.stringify(i)).join(' ')}`,
        `[Socket]\n${items.map((i) => `ListenStream=${JSON.stringify(i)}`).join('\n')}`,
      ];
      for (const text of texts)
        for (const format of manifestFormats)
          for (const d of format.read(text, 'x').declarations)
            for (const { from, to } of d.ports) assert.ok(from >= 1 && from <= to && to <= 65535);
    }),
  );
});

test('an unrendered Helm template is told apart', () => {
  const text = 'apiVersion: v1\nkind: Service\nspec:\n  ports:\n    - port: {{ .Values.port }}\n';
  const format = formatOf('service.yaml', text);
  assert.equal(format?.name, 'kubernetes');
  const { declarations, problems } = format.read(text, 'service.yaml');
  assert.deepEqual(declarations, []);
  assert.match(problems[0]?.message ?? '', /helm template/);
  assert.equal(problems[0]?.line, 5);
});

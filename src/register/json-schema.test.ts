import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { CORE_SCHEMA, load } from 'js-yaml';
import { configJsonSchema, exceptionsJsonSchema, registerJsonSchema } from './json-schema.ts';
import { memorySource } from './memory-source.ts';
import { loadWorkspace } from './workspace.ts';

const root = join(import.meta.dirname, '../../fixtures/register/full');
const read = (path: string) => readFileSync(join(root, path), 'utf8');
const FILES = {
  'quietdoor.yaml': configJsonSchema(),
  'exceptions.yaml': exceptionsJsonSchema(),
  'register/orders.yaml': registerJsonSchema(),
};

for (const [path, schema] of Object.entries(FILES)) {
  const validate = new Ajv2020({ strict: false }).compile(schema);

  test(`the published schema accepts ${path} as an editor sees it`, () => {
    assert.equal(validate(load(read(path), { schema: CORE_SCHEMA })), true, JSON.stringify(validate.errors));
  });

  test(`the published schema of ${path} refuses an unknown key and describes every key`, () => {
    assert.equal(validate({ nmae: 'x' }), false);
    const bare: string[] = [];
    const walk = (node: unknown, at: string): void => {
      if (node === null || typeof node !== 'object') return;
      for (const [key, member] of Object.entries((node as { properties?: object }).properties ?? {}))
        if (!(member as { description?: string }).description) bare.push(`${at}/${key}`);
      for (const [key, member] of Object.entries(node)) walk(member, `${at}/${key}`);
    };
    walk(schema, '');
    assert.deepEqual(
      bare.filter((at) => !/\/(transport|port|id)$/.test(at) || at.split('/').length < 4),
      [],
    );
  });
}

test('the fixture with every key loads without a problem', async () => {
  const files = Object.fromEntries(Object.keys(FILES).map((path) => [path, read(path)]));
  const { register } = await loadWorkspace(memorySource(files), { now: Date.UTC(2026, 10, 1) });
  assert.deepEqual(register.problems, []);
  assert.deepEqual([register.entries.length, register.exceptions.length], [2, 1]);
});

// Writes docs/reference from the code: the command line, the JSON Schemas, the rules. test/reference.test.ts fails when
// what is committed differs from what this writes. With --check it writes nothing and exits 1 on a difference.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { cliReference } from './reference/cli.ts';
import { schemaReference } from './reference/schemas.ts';

const root = resolve(import.meta.dirname, '..');
const files = { ...(await cliReference()), ...schemaReference() };
const check = process.argv.includes('--check');
let different = 0;
for (const [path, text] of Object.entries(files)) {
  const file = join(root, path);
  if (existsSync(file) && readFileSync(file, 'utf8') === text) continue;
  different++;
  process.stderr.write(`${check ? 'differs' : 'wrote'}: ${path}\n`);
  if (check) continue;
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}
if (check && different > 0) process.exitCode = 1;

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { test } from 'node:test';

test('docs/reference is what the code generates', () => {
  const script = join(resolve(import.meta.dirname, '..'), 'scripts/generate-reference.ts');
  assert.doesNotThrow(
    () => execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' }),
    'run: sh scripts/node24.sh scripts/generate-reference.ts',
  );
});

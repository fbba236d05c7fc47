import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { packageFile } from './package-root.ts';

test('files of the package are found from its root', () => {
  assert.ok(existsSync(packageFile('package.json')));
  assert.ok(existsSync(packageFile('src/util/package-root.ts')));
});

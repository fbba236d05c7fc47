import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const ROOT = join(import.meta.dirname, '..', 'fixtures');

/** Compares a text with a file under fixtures/. With UPDATE_GOLDEN=1 the file is rewritten: read the difference. */
export function assertGolden(path: string, text: string): void {
  const file = join(ROOT, path);
  if (process.env.UPDATE_GOLDEN === '1') {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    return;
  }
  assert.equal(text, readFileSync(file, 'utf8'), `${path} differs; UPDATE_GOLDEN=1 rewrites it`);
}

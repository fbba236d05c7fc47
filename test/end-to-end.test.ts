import assert from 'node:assert/strict';
import { cpSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { type TestContext, test } from 'node:test';
import { observe } from '../src/app/scan.ts';
import { openStore } from '../src/store/store.ts';
import { assertGolden } from './golden.ts';
import { quietdoor, temporaryFolder } from './run-quietdoor.ts';

// A captured machine and a register in, the bytes of what people read out. fixtures/end-to-end/workspace is the register,
// fixtures/collectors/mixed-host the machine.

const fixtures = resolve(import.meta.dirname, '../fixtures');
const LOOKED = Date.UTC(2026, 10, 21, 12);
const env = { SOURCE_DATE_EPOCH: String(LOOKED / 1000 + 600), QUIETDOOR_HOST: 'db-1' };
const skip = process.platform !== 'linux' && 'reads a captured tree through /proc/self/fd, which only Linux has';

async function workspace(t: TestContext): Promise<string> {
  const dir = join(temporaryFolder(t), 'workspace');
  cpSync(join(fixtures, 'end-to-end/workspace'), dir, { recursive: true });
  const options = { collector: 'local', hashes: true, root: join(fixtures, 'collectors/mixed-host') };
  const seen = await observe(options, {}, () => LOOKED);
  const store = await openStore({ dir: join(dir, '.quietdoor'), mode: 'write' });
  await store.recordObservation({ ...seen, id: '01234567-89ab-7def-8123-456789abcdef', durationMs: 12 }, LOOKED);
  await store.close();
  return dir;
}

test('the check of a captured machine', { skip }, async (t) => {
  const cwd = await workspace(t);
  for (const [format, code] of [
    ['table', 1],
    ['json', 1],
  ] as const) {
    const run = await quietdoor(['check', '--format', format], { cwd, env });
    assert.equal(run.code, code, run.stderr);
    assertGolden(`end-to-end/check.${format}.golden.txt`, run.stdout);
  }
});

test('explain of ports of a captured machine', { skip }, async (t) => {
  const cwd = await workspace(t);
  const texts: string[] = [];
  for (const port of ['db-1:5432', 'db-1:9100', 'db-1:80', 'db-1:25', 'db-1:2049', 'db-2:22']) {
    const { stdout, stderr } = await quietdoor(['explain', port], { cwd, env });
    assert.equal(stderr, '');
    texts.push(`$ quietdoor explain ${port}\n${stdout}`);
  }
  assertGolden('end-to-end/explain.golden.txt', texts.join('\n'));
});

test('the report of a captured machine, twice the same', { skip }, async (t) => {
  const cwd = await workspace(t);
  await quietdoor(['check', '--quiet'], { cwd, env });
  for (const name of ['a.html', 'b.html']) {
    const { code, stderr } = await quietdoor(['report', '-o', name], { cwd, env });
    assert.equal(code, 0, stderr);
  }
  const [a, b] = ['a.html', 'b.html'].map((name) => readFileSync(join(cwd, name), 'utf8'));
  assert.equal(a, b);
  for (const words of ['Example Ltd', 'pg-orders', 'EXC-1', 'CM-7', '8.20', '01.l', 'netns:vpn'])
    assert.ok(a?.includes(words), words);
});

import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { writeFileAsItComes, writeFileWhole } from './write-file.ts';

function folder(t: TestContext): string {
  const made = mkdtempSync(join(tmpdir(), 'qd-write-'));
  t.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

async function* pieces() {
  yield 'text';
}

test('a scheduled run writes into its workspace only, whatever links lie there', async (t) => {
  const [workspace, elsewhere] = [folder(t), folder(t)];
  writeFileSync(join(elsewhere, 'victim'), 'before');
  symlinkSync(join(elsewhere, 'victim'), join(workspace, 'file'));
  symlinkSync(elsewhere, join(workspace, 'site'));
  mkdirSync(join(workspace, 'own'));
  const { QUIETDOOR_DUE, QUIETDOOR_WORKSPACE } = process.env;
  t.after(() => {
    for (const [name, value] of Object.entries({ QUIETDOOR_DUE, QUIETDOOR_WORKSPACE }))
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
  });
  Object.assign(process.env, { QUIETDOOR_DUE: '1', QUIETDOOR_WORKSPACE: workspace });
  for (const path of ['file', 'site/x', '../x', 'own/../../x'].map((name) => `${workspace}/${name}`)) {
    assert.throws(() => writeFileWhole(path, 'text'), /a scheduled run writes into its workspace only/, path);
    await assert.rejects(writeFileAsItComes(path, pieces()), /a scheduled run writes into its workspace only/, path);
  }
  assert.deepEqual(readdirSync(elsewhere), ['victim']);
  assert.equal(readFileSync(join(elsewhere, 'victim'), 'utf8'), 'before');
  writeFileWhole(join(workspace, 'own/x'), 'text');
  await writeFileAsItComes(join(workspace, '..x'), pieces());
  assert.deepEqual(readdirSync(workspace).sort(), ['..x', 'file', 'own', 'site']);
  delete process.env.QUIETDOOR_DUE;
  writeFileWhole(join(workspace, 'file'), 'after');
  assert.equal(readFileSync(join(elsewhere, 'victim'), 'utf8'), 'after');
});

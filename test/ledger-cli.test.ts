import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../src/store/store.ts';
import { quietdoor } from './run-quietdoor.ts';

test('what `ledger verify` says, and its exit code, by what was known from elsewhere', async (t) => {
  const cwd = mkdtempSync(join(tmpdir(), 'quietdoor-ledger-cli-'));
  t.after(() => rmSync(cwd, { recursive: true, force: true }));
  writeFileSync(join(cwd, 'quietdoor.yaml'), 'name: example\n');
  const append = async (): Promise<void> => {
    await using store = await openStore({ dir: join(cwd, '.quietdoor'), mode: 'write' });
    const draft = { type: 'exception.added', observedAt: 1, actor: 'user:a', subject: 'x', body: {} } as const;
    await store.appendEvents([draft], Date.now());
  };
  const verify = async (...args: readonly string[]) => {
    const { code, stdout, stderr } = await quietdoor(['ledger', 'verify', ...args], { cwd });
    return { code, says: (stdout || stderr).split('\n')[0] ?? '' };
  };
  await append();
  // Nothing stands behind it, and nothing contradicts it: the code is 0, and the word "holds" is not said.
  assert.deepEqual(await verify(), {
    code: 0,
    says: 'internally consistent only (nothing was ever signed: quietdoor ledger checkpoint)',
  });
  assert.equal((await verify('--strict')).code, 3);

  const made = await quietdoor(['ledger', 'checkpoint', '--witness', 'file:kept.txt'], { cwd });
  assert.equal(made.code, 0, made.stderr);
  const key = /sha256:[0-9a-f]{64}/.exec(made.stderr)?.[0] as string;
  assert.match((await verify()).says, /^internally consistent only \(no --key/);
  assert.equal((await verify('--strict', '--key', key)).code, 3);
  assert.deepEqual(await verify('--strict', '--key', key, '--witnessed', 'kept.txt'), {
    code: 0,
    says: 'holds: signed by the key that was named, and continues the checkpoint that was kept elsewhere',
  });
  await append();
  assert.equal((await verify('--strict', '--key', key, '--witnessed', 'kept.txt')).code, 3, 'a record after it');
  assert.equal((await verify('--key', `sha256:${'0'.repeat(64)}`)).code, 1);

  await quietdoor(['ledger', 'prove', '1', '-o', 'one.tlog-proof'], { cwd });
  await quietdoor(['ledger', 'export', 'out'], { cwd });
  const unchecked = await verify('--proof', 'one.tlog-proof');
  assert.equal(unchecked.code, 3);
  assert.match(unchecked.says, /^the record leads to its checkpoint; who signed that was not checked/);
  assert.equal((await verify('--proof', 'one.tlog-proof', '--key', key)).code, 2);
  assert.deepEqual(await verify('--proof', 'one.tlog-proof', '--public-key', 'out/public-key.pem', '--key', key), {
    code: 0,
    says: 'holds: the record is under a checkpoint that was signed by the key that was named',
  });
  writeFileSync(join(cwd, 'forged'), readFileSync(join(cwd, 'one.tlog-proof'), 'utf8').replace(/index \d+/, 'index 1'));
  assert.equal((await verify('--proof', 'forged', '--public-key', 'out/public-key.pem')).code, 1);
});

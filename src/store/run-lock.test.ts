import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { UserError } from '../model/errors.ts';
import { takeRunLock } from './run-lock.ts';

function folder(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), 'quietdoor-lock-'));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test('one holds the lock of a name, others get it when it is released', (t) => {
  const dir = folder(t);
  const lock = takeRunLock(dir, 'scan');
  assert.ok(lock);
  assert.equal(takeRunLock(dir, 'scan'), null);
  const other = takeRunLock(dir, 'check');
  assert.ok(other, 'the lock of another name is free');
  lock.release();
  const again = takeRunLock(dir, 'scan');
  assert.ok(again);
  again.release();
  other.release();
});

test('the lock of a process that is killed is free at once', async (t) => {
  const dir = folder(t);
  const module = JSON.stringify(join(import.meta.dirname, 'run-lock.ts'));
  const script = `
    const { takeRunLock } = await import(${module});
    // held on to, or the collector of garbage closes the database and gives the lock back
    globalThis.lock = takeRunLock(${JSON.stringify(dir)}, 'scan');
    console.log(globalThis.lock !== null);
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const took = await new Promise((resolve) =>
    child.stdout.once('data', (data: Buffer) => resolve(data.toString().trim())),
  );
  assert.equal(took, 'true');
  assert.equal(takeRunLock(dir, 'scan'), null);
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await ended;
  const lock = takeRunLock(dir, 'scan');
  assert.ok(lock);
  lock.release();
});

test('a link is not followed', (t) => {
  const dir = folder(t);
  symlinkSync('/etc/passwd', join(dir, 'run-scan.lock'));
  assert.throws(() => takeRunLock(dir, 'scan'), UserError);
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { hclBlock } from '../src/enforce/hcl.ts';
import { terraform } from '../src/enforce/terraform.ts';
import { address, HOST_ACCESS, inputOf } from './enforce-sample.ts';

const skip = spawnSync('terraform', ['version']).status === 0 ? false : 'needs terraform';
const ADDRESSES = [address('10.20.0.5'), address('fd00:20::5')];
const ACCESS = HOST_ACCESS.filter((access) => access.transport !== 'sctp');

function write(t: TestContext, host = 'db-1'): string {
  const dir = mkdtempSync(join(tmpdir(), 'qd-terraform-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const { files, cannot } = terraform.generate(inputOf(ACCESS, { host, addresses: ADDRESSES }));
  assert.deepEqual(cannot, []);
  for (const file of files) writeFileSync(join(dir, file.path), file.text);
  return dir;
}

function run(dir: string, ...args: string[]) {
  const env = { PATH: process.env.PATH, HOME: dir, CHECKPOINT_DISABLE: '1', TF_IN_AUTOMATION: '1' };
  return spawnSync('terraform', [`-chdir=${dir}`, ...args], { encoding: 'utf8', env });
}

test('terraform fmt takes every file as it is', { skip }, (t) => {
  const { status, stdout, stderr } = run(write(t, `a host: "$${'{'}path.root}" %{ if } \\`), 'fmt', '-check', '-diff');
  assert.equal(status, 0, stdout + stderr);
});

test('terraform reads texts as they were meant, template marks too', { skip }, (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'qd-terraform-'));
  t.after(() => rmSync(dir, { recursive: true }));
  const text = `$${'{'}1+1} %{ if true } "quoted" \\ é \u0007`;
  writeFileSync(join(dir, 'main.tf'), hclBlock({ head: 'output "text"', attributes: [['value', text]] }));
  const { status, stderr } = run(dir, 'apply', '-auto-approve', '-input=false');
  assert.equal(status, 0, stderr);
  assert.equal(JSON.parse(run(dir, 'output', '-json', 'text').stdout), text);
});

test('terraform validate', { skip }, (t) => {
  const dir = write(t);
  const init = run(dir, 'init', '-input=false', '-backend=false');
  // Without the provider's schema only the syntax can be judged: `fmt` above.
  if (init.status !== 0 && /registry\.terraform\.io/.test(init.stderr))
    return t.skip('the provider of AWS is not at hand');
  assert.equal(init.status, 0, init.stderr);
  const { status, stdout, stderr } = run(dir, 'validate');
  assert.equal(status, 0, stdout + stderr);
});

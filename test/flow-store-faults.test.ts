import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import * as fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { UserError } from '../src/model/errors.ts';
import { batchOf, partOf, START } from '../src/store/flow-sample.ts';
import { filesIn, flowFolder } from '../src/store/flows/folder.ts';
import { openFlowStore } from '../src/store/flows.ts';
import { openStore } from '../src/store/store.ts';

const KILLS = 6;
const ROWS = 7;
const ALL = { from: 0, until: 2 ** 32 };
const WRITER = join(import.meta.dirname, 'flow-writer.ts');

/** Lets a child append until a random moment after its first acknowledgement, then kills it; returns what it acknowledged. */
async function appendAndKill(dir: string, first: number): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, dir, String(first)], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.on('data', (data: Buffer) => {
    if (output === '') setTimeout(() => child.kill('SIGKILL'), Math.random() * 400);
    output += data.toString();
  });
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals | null>();
  child.on('close', (_, signal) => resolve(signal));
  assert.equal(await promise, 'SIGKILL');
  return output.split('\n').slice(0, -1);
}

test(`flows that are killed ${KILLS} times keep all that was acknowledged, whole and once`, async () => {
  const dir = fs.mkdtempSync(join(tmpdir(), 'quietdoor-flow-kill-'));
  const acknowledged = new Set<string>();
  try {
    for (let kill = 0; kill < KILLS; kill++) {
      for (const digest of await appendAndKill(dir, kill * 1_000_000)) acknowledged.add(digest);
      await using store = await openStore({ dir, mode: 'write' });
      await using flows = await openFlowStore(dir, store, 'write');
      for (const digest of acknowledged) assert.ok(await store.flows.hasInput(digest), digest);
      const { connections } = await flows.totals(ALL);
      assert.equal(connections % ROWS, 0, 'inputs are there as a whole');
      const inputs = connections / ROWS;
      assert.ok(
        inputs >= acknowledged.size && inputs <= acknowledged.size + kill + 1,
        'at most one more for each kill',
      );
      assert.deepEqual(await flows.damaged(), []);
      const { staged, parts, spills } = filesIn(flowFolder(dir));
      assert.deepEqual({ staged, spills }, { staged: [], spills: [] });
      assert.deepEqual([...parts].sort(), [...(await store.flows.files())].sort(), 'no file that nobody knows');
    }
  } finally {
    fs.rmSync(dir, { recursive: true, force: true });
  }
});

test('a full disk: the append fails and says so, nothing of it counts, the next one works', {
  skip: process.getuid?.() === 0 ? false : 'needs root: mounts a small file system',
}, async (t) => {
  const dir = fs.mkdtempSync(join(tmpdir(), 'quietdoor-full-'));
  const state = fs.mkdtempSync(join(tmpdir(), 'quietdoor-full-state-'));
  const folder = flowFolder(state);
  fs.mkdirSync(folder, { mode: 0o700 });
  try {
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=600k', 'tmpfs', folder]).status !== 0)
      return t.skip('mounting is not allowed here');
    try {
      await using store = await openStore({ dir: state, mode: 'write' });
      await using flows = await openFlowStore(state, store, 'write', { partRows: 20_000 });
      const small = { bucket: START, src: '10.0.0.9', dst: '10.0.0.1', port: 443 };
      await flows.append(partOf([small]));
      const many = Array.from({ length: 100_000 }, (_, i) => {
        return {
          ...small,
          src: `10.${i % 251}.${(i * 7) % 249}.${(i * 31) % 247}`,
          bytes: (i * 2_654_435_761_357) % 4_398_046_511_093,
          packets: (i * 40_503_000_017) % 2_147_483_647,
        };
      });
      await assert.rejects(flows.append(partOf([], { batches: [batchOf(many)] })), (error) => {
        assert.ok(error instanceof UserError, String(error));
        assert.match(error.message, /^the disk is full: flows could not be written in /);
        assert.match(error.hint ?? '', /What was taken in before is safe/);
        return true;
      });
      assert.equal((await flows.totals(ALL)).rows, 1);
      assert.equal(filesIn(folder).parts.length + filesIn(folder).staged.length, 1, 'nothing half is left');
      assert.deepEqual(await flows.append(partOf([small])), { isNew: true, rows: 1 });
      assert.equal((await flows.totals(ALL)).rows, 2);
    } finally {
      assert.equal(spawnSync('umount', [folder]).status, 0);
    }
  } finally {
    fs.rmSync(dir, { recursive: true });
    fs.rmSync(state, { recursive: true });
  }
});

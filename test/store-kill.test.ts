import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '../src/store/store.ts';
import { assertLedgerLeadsToState } from './store-replay.ts';
import { nthLook } from './store-writer.ts';

const KILLS = 50;
/** Children at once; each has its own store, killed again and again. */
const LANES = 5;
const WRITER = join(import.meta.dirname, 'store-writer.ts');

/** Lets a child write until a random moment, then kills it with SIGKILL; returns the ids that it had acknowledged. */
async function writeAndKill(dir: string, host: string, cache: string): Promise<string[]> {
  const child = spawn(process.execPath, [WRITER, dir, host, '1000000'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, NODE_COMPILE_CACHE: cache },
  });
  let output = '';
  let isScheduled = false;
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
    if (isScheduled) return;
    isScheduled = true;
    // From the first acknowledgement on, so that the moment falls into the work and not into the start of node.
    setTimeout(() => child.kill('SIGKILL'), Math.random() * 50);
  });
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals | null>();
  child.on('close', (_, signal) => resolve(signal));
  assert.equal(await promise, 'SIGKILL');
  return output.split('\n').slice(0, -1);
}

test(`a store that is killed ${KILLS} times keeps every acknowledged observation and can be opened`, async () => {
  // A killed process leaves no compile cache behind: one run to its end does, and halves the start of the fifty.
  const cache = await mkdtemp(join(tmpdir(), 'quietdoor-cache-'));
  const env = { ...process.env, NODE_COMPILE_CACHE: cache };
  assert.equal(spawnSync(process.execPath, [WRITER, join(cache, 'state'), 'db-1', '1'], { env }).status, 0);
  const lanes = Array.from({ length: LANES }, async (_, lane) => {
    const dir = await mkdtemp(join(tmpdir(), 'quietdoor-kill-'));
    const host = `db-${lane}`;
    let acknowledged = 0;
    try {
      for (let kill = 0; kill < KILLS / LANES; kill++) {
        const ids = await writeAndKill(dir, host, cache);
        assert.ok(ids.length > 0);
        await using store = await openStore({ dir, mode: 'write' });
        const events = await assertLedgerLeadsToState(store);
        const recorded = events.filter((e) => e.type === 'observation.recorded').map((e) => String(e.body.id));
        // Each observation is there once and in order, and none of those acknowledged is missing: the one in flight may be either.
        assert.deepEqual(
          recorded,
          recorded.map((_id, n) => nthLook(host, n).id),
        );
        acknowledged = recorded.indexOf(ids.at(-1) ?? '') + 1;
        assert.ok(acknowledged > 0, 'the last acknowledged observation is there');
        assert.ok(recorded.length - acknowledged <= 1, 'at most one was in flight');
        assert.equal((await store.stats()).observations, recorded.length);
        const last = nthLook(host, recorded.length - 1);
        const states = await store.listenerStates({ openOnly: true });
        assert.deepEqual(
          states.map((s) => s.listener),
          last.listeners,
        );
      }
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  });
  try {
    await Promise.all(lanes);
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
});

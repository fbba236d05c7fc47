import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { test } from 'node:test';
import { UserError } from '../src/model/errors.ts';
import { openStore } from '../src/store/store.ts';
import { assertLedgerLeadsToState } from './store-replay.ts';
import { nthLook } from './store-writer.ts';

async function inDirectory(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'quietdoor-two-'));
  try {
    await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Runs a writer to its end; returns the ids it had acknowledged. */
async function write(dir: string, host: string, count: number): Promise<string[]> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'store-writer.ts'), dir, host, String(count)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
  });
  const { promise, resolve } = Promise.withResolvers<number | null>();
  child.on('close', resolve);
  assert.equal(await promise, 0);
  return output.split('\n').slice(0, -1);
}

test('two processes that make a store and write to it at once lose nothing', () =>
  inDirectory(async (dir) => {
    const acknowledged = (await Promise.all([write(dir, 'db-1', 40), write(dir, 'web-1', 40)])).flat();
    assert.equal(acknowledged.length, 80);
    await using store = await openStore({ dir, mode: 'read' });
    const events = await assertLedgerLeadsToState(store);
    const recorded = events.filter((e) => e.type === 'observation.recorded').map((e) => String(e.body.id));
    assert.deepEqual(recorded.sort(), acknowledged.sort());
  }));

test('a reader works while another process holds the write lock', () =>
  inDirectory(async (dir) => {
    await using store = await openStore({ dir, mode: 'write' });
    await store.recordObservation(nthLook('db-1', 0), 1000);
    const holder = new DatabaseSync(join(dir, 'quietdoor.db'));
    holder.exec('begin immediate');
    await using reader = await openStore({ dir, mode: 'read' });
    assert.ok((await reader.listenerStates()).length > 0);
    await using another = await openStore({ dir, mode: 'write' });
    assert.equal((await another.stats()).observations, 1);
    holder.exec('rollback');
    holder.close();
  }));

test('a writer waits for the lock, says so when it stays, and goes on when it is free', () =>
  inDirectory(async (dir) => {
    await using store = await openStore({ dir, mode: 'write', lockTimeoutMs: 300 });
    const holder = new DatabaseSync(join(dir, 'quietdoor.db'));
    holder.exec('begin immediate');
    let ticks = 0;
    const timer = setInterval(() => ticks++, 10);
    await assert.rejects(store.recordObservation(nthLook('db-1', 0), 1000), (error) => {
      assert.ok(error instanceof UserError);
      assert.match(error.message, /quietdoor\.db is busy: another process/);
      assert.match(error.hint ?? '', /Wait/);
      return true;
    });
    clearInterval(timer);
    assert.ok(ticks > 0, 'the event loop went on meanwhile');
    assert.equal((await store.stats()).observations, 0);
    const waiting = store.recordObservation(nthLook('db-1', 0), 1000);
    holder.exec('rollback');
    holder.close();
    assert.ok((await waiting).length > 0);
  }));

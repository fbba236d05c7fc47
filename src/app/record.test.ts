import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { UnnamedObservation } from '../model/observation.ts';
import { sampleListener, sampleObservation } from '../store/sample.ts';
import { openStore } from '../store/store.ts';
import type { Context } from './context.ts';
import { noCounts, recordAll } from './record.ts';

async function withContext(use: (context: Context) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'quietdoor-record-'));
  const context = { workspace: dir, state: dir, now: () => 2_000, actor: 'user:test', env: {}, settings: [] };
  try {
    await use(context);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** One address with one open port each. */
async function* addresses(from: number, to: number, observedAt = 1_000): AsyncIterable<UnnamedObservation> {
  for (let i = from; i < to; i++) {
    const host = `10.0.${i >> 8}.${i & 255}`;
    const { id: _, ...seen } = sampleObservation(host, observedAt, [sampleListener(host, 22)]);
    yield seen;
  }
}

const hostsIn = async (context: Context) => {
  await using store = await openStore({ dir: context.state, mode: 'read' });
  return (await store.hostStates()).length;
};

test('records every host, and passes it on once it is durable', async () => {
  await withContext(async (context) => {
    const counts = noCounts();
    let passed = 0;
    for await (const _ of recordAll(context, addresses(0, 600), counts))
      if (passed++ === 0) assert.ok((await hostsIn(context)) >= 256);
    assert.equal(passed, 600);
    assert.deepEqual(counts, { ...noCounts(), hosts: 600, listeners: 600, found: 600 });
    assert.equal(await hostsIn(context), 600);
    const again = noCounts();
    for await (const _ of recordAll(context, addresses(0, 3, 500), again)) passed++;
    assert.equal(again.late, 3, 'an older look changes nothing');
  });
});

test('a source that breaks off leaves recorded what came before', async () => {
  await withContext(async (context) => {
    async function* broken() {
      yield* addresses(0, 10);
      throw new Error('the connection is gone');
    }
    await assert.rejects(async () => {
      for await (const _ of recordAll(context, broken(), noCounts()));
    }, /the connection is gone/);
    assert.equal(await hostsIn(context), 10);
  });
});

test('what is seen is recorded soon, however long the next host takes', async () => {
  await withContext(async (context) => {
    const { promise: others, resolve } = Promise.withResolvers<void>();
    async function* slow() {
      yield* addresses(0, 1);
      await others;
      yield* addresses(1, 2);
    }
    let passed = 0;
    for await (const _ of recordAll({ ...context, now: Date.now }, slow(), noCounts())) {
      if (passed++ === 0) assert.equal(await hostsIn(context), 1);
      resolve();
    }
    assert.equal(passed, 2);
  });
});

test('a reader that stops early leaves recorded what was seen', async () => {
  await withContext(async (context) => {
    for await (const _ of recordAll(context, addresses(0, 300), noCounts())) break;
    assert.ok((await hostsIn(context)) >= 256);
  });
});

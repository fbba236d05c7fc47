import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeCheckpoint, openSequencer } from '../src/app/ledger-checkpoint.ts';
import { verifyLedger } from '../src/app/ledger-verify.ts';
import { type Checkpoint, parseCheckpoint } from '../src/ledger/checkpoint.ts';
import { openLedgerReader } from '../src/store/ledger-reader.ts';

const KILLS = 20;
const WRITER = join(import.meta.dirname, 'ledger-writer.ts');

/** Lets a child record, sign and rotate keys until a random moment; returns what it had acknowledged. */
async function writeAndKill(dir: string): Promise<{ sequence?: number; at?: number; signed?: string }[]> {
  const child = spawn(process.execPath, [WRITER, dir], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.once('data', () => setTimeout(() => child.kill('SIGKILL'), Math.random() * 250));
  child.stdout.on('data', (data: Buffer) => {
    output += data.toString();
  });
  const { promise, resolve } = Promise.withResolvers<NodeJS.Signals | null>();
  child.on('close', (_, signal) => resolve(signal));
  assert.equal(await promise, 'SIGKILL');
  return output
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line));
}

test(`a ledger that is killed ${KILLS} times has every acknowledged record, and every checkpoint still holds`, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'quietdoor-ledger-kill-'));
  try {
    const witnessed: Checkpoint[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const acknowledged = await writeAndKill(dir);
      assert.ok(acknowledged.length > 0);
      using reader = await openLedgerReader(dir);
      for (const { sequence, at, signed } of acknowledged) {
        if (sequence !== undefined) assert.equal(reader.rows(sequence, sequence)[0]?.[2], at);
        const checkpoint = signed === undefined ? undefined : parseCheckpoint(signed);
        if (checkpoint) witnessed.push(checkpoint);
      }
      const { problems } = await verifyLedger({ state: dir, witnessed });
      assert.deepEqual(problems, []);
      const context = { workspace: dir, state: dir, now: Date.now, actor: 'user:alice', env: {}, settings: [] };
      await using sequencer = await openSequencer(context);
      witnessed.push(await makeCheckpoint(context, sequencer));
    }
    const { keys, problems } = await verifyLedger({ state: dir, witnessed });
    assert.deepEqual(problems, []);
    assert.ok(keys.length > 1, 'keys were rotated on the way');
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

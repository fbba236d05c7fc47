/**
 * A process that records and signs until it is killed: node test/ledger-writer.ts DIR. Prints each record once it is
 * acknowledged, and each checkpoint once it is signed.
 */
import { writeSync } from 'node:fs';
import type { Context } from '../src/app/context.ts';
import { makeCheckpoint, openSequencer } from '../src/app/ledger-checkpoint.ts';
import { rotateKey } from '../src/app/ledger-rotate.ts';
import { openStore } from '../src/store/store.ts';
import { sampleEvent } from './ledger-sample.ts';

const [dir = ''] = process.argv.slice(2);
const context: Context = { workspace: dir, state: dir, now: Date.now, actor: 'user:alice', env: {}, settings: [] };
await using store = await openStore({ dir, mode: 'write', lockTimeoutMs: 60_000 });
for (let round = 0; ; round++) {
  const appends = Array.from({ length: 50 }, (_, i) => store.appendEvents([sampleEvent(i)], Date.now()));
  for (const append of appends)
    void append.then(([event]) =>
      writeSync(1, `${JSON.stringify({ sequence: event?.sequence, at: event?.recordedAt })}\n`),
    );
  await Promise.all(appends);
  if (round % 4 === 3) await rotateKey(context);
  await using sequencer = await openSequencer(context);
  const { signed } = await makeCheckpoint(context, sequencer);
  writeSync(1, `${JSON.stringify({ signed })}\n`);
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Context } from '../src/app/context.ts';
import { makeCheckpoint, openSequencer } from '../src/app/ledger-checkpoint.ts';
import { type Checkpoint, parseCheckpoint } from '../src/ledger/checkpoint.ts';
import type { EventDraft } from '../src/model/event.ts';
import { openStore } from '../src/store/store.ts';

const START = 1_790_000_000_000;

/** A ledger in a folder of its own. */
export interface SampleLedger {
  readonly context: Context;
  readonly dir: string;
  readonly state: string;
  /** Records so many events. */
  record(count: number): Promise<void>;
  checkpoint(): Promise<Checkpoint>;
  /** Does something to the database behind the program's back. */
  tamper(change: (db: DatabaseSync) => void): void;
  /** Writes checkpoints to a file, as a witness keeps them. */
  witness(...checkpoints: readonly Checkpoint[]): string;
}

export function sampleEvent(n: number): EventDraft {
  const body = {
    address: '127.0.0.1',
    endpoint: { host: 'db-1', port: n % 5_000, scope: 'host', transport: 'tcp' },
    n,
  };
  const type = n % 2 === 0 ? 'listener.opened' : 'listener.closed';
  return { type, observedAt: START + n, actor: 'collector:local', subject: `db-1:${n % 5_000}/tcp`, body };
}

export async function withLedger(use: (ledger: SampleLedger) => Promise<void>): Promise<void> {
  const dir = mkdtempSync(join(tmpdir(), 'quietdoor-ledger-'));
  const state = join(dir, 'state');
  writeFileSync(join(dir, 'quietdoor.yaml'), 'name: example\n');
  let now = START;
  const context: Context = {
    workspace: dir,
    state,
    now: () => now++,
    actor: 'user:alice',
    env: { PATH: process.env.PATH, HOME: dir },
    settings: [],
  };
  let recorded = 0;
  try {
    await use({
      context,
      dir,
      state,
      async record(count) {
        await using store = await openStore({ dir: state, mode: 'write' });
        const drafts = Array.from({ length: count }, () => sampleEvent(recorded++));
        await store.appendEvents(drafts, context.now());
      },
      async checkpoint() {
        await using sequencer = await openSequencer(context);
        return await makeCheckpoint(context, sequencer);
      },
      tamper(change) {
        const db = new DatabaseSync(join(state, 'quietdoor.db'));
        change(db);
        db.close();
      },
      witness(...checkpoints) {
        const path = join(dir, 'witness.txt');
        writeFileSync(path, checkpoints.map(({ signed }) => `${signed}\n`).join(''));
        return path;
      },
    });
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** A checkpoint as it is read. Throws where it is none. */
export function readCheckpoint(text: string): Checkpoint {
  const checkpoint = parseCheckpoint(text);
  if (!checkpoint) throw new Error('no checkpoint');
  return checkpoint;
}

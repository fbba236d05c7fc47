import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatAddress } from '../model/address.ts';
import { ACTION, emptyBatch, PROTOCOL } from '../model/flow.ts';
import { putWords } from '../model/flow-address.ts';
import { openFlowStore } from '../store/flows.ts';
import { openStore } from '../store/store.ts';
import type { Context } from './context.ts';
import { withFlowPeers } from './tighten-flows.ts';

const NONE = { since: 2_000_000_000_000, until: 2_000_000_100_000, looks: 1, peers: new Map() };

test('who connected by flows counts beside who was seen; who was refused, and the host itself, do not', async () => {
  const dir = mkdtempSync(join(tmpdir(), 'quietdoor-tighten-'));
  const context = { workspace: dir, state: dir } as Context;
  try {
    assert.equal(await withFlowPeers(context, NONE, ['10.0.0.1']), NONE);
    {
      await using store = await openStore({ dir, mode: 'write' });
      await using flows = await openFlowStore(dir, store, 'write');
      const batch = emptyBatch(5);
      batch.length = 5;
      for (const [i, [src, port, action]] of (
        [
          ['10.0.9.1', 22, ACTION.accepted],
          ['10.0.9.2', 22, ACTION.denied],
          ['10.0.0.1', 22, ACTION.accepted],
          ['fd00::9', 443, ACTION.unknown],
          ['10.0.9.1', 443, ACTION.accepted],
        ] as const
      ).entries()) {
        putWords(batch.src, i, src);
        putWords(batch.dst, i, i === 4 ? '10.0.0.7' : '10.0.0.1');
        batch.port[i] = port;
        batch.action[i] = action;
        batch.bucket[i] = 1_700_000_100;
        batch.protocol[i] = PROTOCOL.tcp;
        batch.directed[i] = 1;
        batch.connections[i] = 1;
      }
      const part = { feeds: [{ name: 'a', format: 'csv' }], coverage: [], source: 'a', recordedAt: 1 };
      await flows.append({ ...part, batches: [batch], digest: 'a' });
    }
    const seen = await withFlowPeers(context, NONE, ['10.0.0.1']);
    assert.equal(seen.since, 1_700_000_100_000);
    assert.equal(seen.until, NONE.until);
    assert.deepEqual(
      [...seen.peers].map(([port, peers]) => [port, peers.map(formatAddress)]),
      [
        [22, ['10.0.9.1']],
        [443, ['fd00::9']],
      ],
    );
    assert.equal(await withFlowPeers(context, NONE, ['10.0.0.99']), NONE);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});

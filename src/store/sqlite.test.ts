import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { conformance } from './conformance.ts';
import { openStore } from './store.ts';

conformance('SQLite', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'quietdoor-store-'));
  return {
    open: () => openStore({ dir, mode: 'write' }),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
});

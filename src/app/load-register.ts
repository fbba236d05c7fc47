import type { Register } from '../model/register.ts';
import { directorySource } from '../register/source.ts';
import { type LoadedWorkspace, loadWorkspace, type WorkspaceCache } from '../register/workspace.ts';
import type { Store } from '../store/store.ts';
import { canonicalJson } from '../util/canonical-json.ts';
import { sha256 } from '../util/sha256.ts';
import type { Context } from './context.ts';

/**
 * Reads the workspace. Parsed files are remembered in the store by content hash; `mayWrite` says whether new ones are
 * added (a store that is open for reading only gives what it has).
 */
export async function loadRegister(context: Context, store: Store | null, mayWrite = false): Promise<LoadedWorkspace> {
  const source = directorySource(context.workspace);
  return loadWorkspace(source, store === null ? {} : { cache: registerCache(store, mayWrite) });
}

/** What the register's room remembers from run to run, in the store. `mayWrite`: as for `loadRegister`. */
export function registerCache(store: Store, mayWrite: boolean): WorkspaceCache {
  return {
    get: async (key) => (await store.cacheGet(key)) ?? null,
    put: async (key, value) => {
      if (mayWrite) await store.cachePut(key, value);
    },
  };
}

/**
 * Keeps the register as it is by content hash, with an event when it differs from the one before, so that any past date
 * can be shown. Does nothing where it did not change.
 */
export async function keepRegister(context: Context, store: Store, loaded: LoadedWorkspace): Promise<void> {
  const [last] = await store.events({ types: ['register.changed'], limit: 1 });
  if (last?.body.digest === loaded.register.digest) return;
  const bytes = Buffer.from(canonicalJson({ files: loaded.files.map(({ path, text }) => ({ path, text })) }));
  const document = sha256(bytes);
  await store.keepDocument('register', document, bytes);
  const now = context.now();
  await store.appendEvents(
    [
      {
        type: 'register.changed',
        observedAt: now,
        actor: context.actor,
        subject: loaded.register.name,
        body: { digest: loaded.register.digest, document, ...summaryOf(loaded.register) },
      },
    ],
    now,
  );
}

function summaryOf(register: Register): { entries: number; exceptions: number; problems: number } {
  return {
    entries: register.entries.length,
    exceptions: register.exceptions.length,
    problems: register.problems.filter((problem) => problem.severity === 'error').length,
  };
}

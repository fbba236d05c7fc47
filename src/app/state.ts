import { statSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../model/errors.ts';
import type { Store, StoreOptions } from '../store/store.ts';
import type { Context } from './context.ts';

/** Opens the store for writing; makes it where there is none. Throws UserError where it cannot be written. */
export async function openStateToWrite(context: Context, options: Pick<StoreOptions, 'cacheKb'> = {}): Promise<Store> {
  const { openStore } = await import('../store/store.ts');
  return openStore({ dir: context.state, mode: 'write', ...options });
}

/** Opens the store for reading; null where nothing was ever recorded. Throws UserError where it cannot be used. */
export async function openStateToRead(context: Context): Promise<Store | null> {
  const database = join(context.state, 'quietdoor.db');
  try {
    if (!statSync(database, { throwIfNoEntry: false })) return null;
  } catch (error) {
    // May not be looked at: that is not "nothing was recorded".
    throw new UserError(`the store ${database} cannot be read: ${(error as Error).message}`, {
      hint: 'Run this as the user who scanned (with sudo, if the scan was), or name another store with --state.',
      cause: error,
    });
  }
  const { openStore } = await import('../store/store.ts');
  return openStore({ dir: context.state, mode: 'read' });
}

/** The store, and why it can only be read (a sentence; null where it can be written). */
export interface OpenedState {
  readonly store: Store | null;
  readonly readOnly: string | null;
}

/** Opens the store for writing where that works, else for reading, so that a check on a read-only mount still answers. */
export async function openState(context: Context): Promise<OpenedState> {
  try {
    return { store: await openStateToWrite(context), readOnly: null };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { store: await openStateToRead(context), readOnly: error.message };
  }
}

/** Runs something with the store open for reading (null: there is none), and closes it. */
export async function withStateToRead<T>(context: Context, use: (store: Store | null) => Promise<T>): Promise<T> {
  const store = await openStateToRead(context);
  try {
    return await use(store);
  } finally {
    await store?.close();
  }
}

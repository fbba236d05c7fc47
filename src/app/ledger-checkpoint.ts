import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Checkpoint, checkpointText, parseCheckpoint } from '../ledger/checkpoint.ts';
import { leafHash } from '../ledger/hash.ts';
import { KEY_EVENTS, readKeyChain } from '../ledger/key-chain.ts';
import { signNote } from '../ledger/note.ts';
import { openTiles, TileBuilder } from '../ledger/tiles.ts';
import { UserError } from '../model/errors.ts';
import { type LedgerReader, openLedgerReader } from '../store/ledger-reader.ts';
import type { Store } from '../store/store.ts';
import type { Context } from './context.ts';
import {
  keyFile,
  makeKey,
  newOrigin,
  nextKeyFile,
  readKey,
  type SigningKey,
  takeOverKey,
  wantedKind,
} from './ledger-key.ts';
import { storedRoot } from './ledger-tree.ts';
import { openStateToWrite } from './state.ts';

/** Records read and hashed at once. */
const ROUND = 8_192;
const LOCK_WAIT_MS = 30_000;

/** The one who adds records to the tree and signs: holds the lock of the ledger as long as it is open. */
export interface Sequencer extends AsyncDisposable {
  readonly store: Store;
  readonly reader: LedgerReader;
  readonly signing: SigningKey;
}

/**
 * Opens the ledger for signing; makes its key where there is none. `kind`: of a key that is made. Throws UserError where
 * the key is not the one that the records name, or another process is at it.
 */
export async function openSequencer(context: Context, kind?: string): Promise<Sequencer> {
  const store = await openStateToWrite(context);
  let release = (): void => {};
  let reader: LedgerReader | undefined;
  try {
    release = await takeLedgerLock(context);
    reader = await openLedgerReader(context.state);
    const signing = await signingKey(context, store, reader, kind);
    const opened = reader;
    return {
      store,
      reader: opened,
      signing,
      async [Symbol.asyncDispose]() {
        opened[Symbol.dispose]();
        release();
        await store.close();
      },
    };
  } catch (error) {
    reader?.[Symbol.dispose]();
    release();
    await store.close();
    throw error;
  }
}

async function takeLedgerLock(context: Context): Promise<() => void> {
  const { takeRunLock } = await import('../store/run-lock.ts');
  // The `@` keeps it from the names of scheduled runs.
  const until = performance.now() + LOCK_WAIT_MS;
  for (;;) {
    const lock = takeRunLock(context.state, '@ledger');
    if (lock) return () => lock.release();
    if (performance.now() >= until)
      throw new UserError('another process is signing, exporting or archiving the ledger', {
        hint: 'Nothing was done. Wait until it is through, and run this again.',
      });
    await sleep(50);
  }
}

async function signingKey(context: Context, store: Store, reader: LedgerReader, kind?: string): Promise<SigningKey> {
  const { state } = context;
  const file = keyFile(state);
  if (reader.head().origin === null) return firstKey(context, store, kind);
  const chain = readKeyChain(reader.keptRecords(KEY_EVENTS));
  const current = chain.keys.at(-1)?.key;
  const [problem] = chain.problems;
  if (problem || chain.origin === undefined || !current)
    throw new UserError(`the ledger cannot be signed: ${problem?.message ?? 'no record names its key'}`, {
      hint: 'Look at it with: quietdoor ledger verify',
    });
  const next = readKey(nextKeyFile(state), chain.origin);
  // A rotation that was broken off: the record decides whether it happened.
  if (next?.key.fingerprint === current.fingerprint) takeOverKey(state);
  else if (next) rmSync(nextKeyFile(state));
  const found = readKey(file, chain.origin);
  if (found?.key.fingerprint === current.fingerprint) return found;
  const what = found ? `holds another key (${found.key.fingerprint})` : 'is not there';
  throw new UserError(`the ledger is signed with the key ${current.fingerprint}, and ${file} ${what}`, {
    hint: 'Nothing was signed. Restore the key from a backup of the state directory.',
  });
}

async function firstKey(context: Context, store: Store, kind?: string): Promise<SigningKey> {
  const now = context.now();
  const origin = newOrigin(now);
  // A key without a record is one whose making was broken off: nothing was signed with it.
  const signing =
    readKey(keyFile(context.state), origin) ?? makeKey(context.state, keyFile(context.state), origin, wantedKind(kind));
  const { fingerprint, spki, kind: algorithm } = signing.key;
  const body = { algorithm, fingerprint, origin, publicKey: spki };
  const event = { type: 'ledger.key-made', observedAt: now, actor: context.actor, subject: 'ledger', body } as const;
  if (!(await store.ledger.begin(origin, event, now))) throw new Error('the ledger got a key meanwhile');
  return signing;
}

/** Adds every record to the tree that is not in it yet. Returns how many are in it now. */
export async function sequence({ store, reader }: Pick<Sequencer, 'store' | 'reader'>): Promise<number> {
  const { size, newest, archived } = reader.head();
  if (newest < size)
    throw new UserError(`records ${newest + 1} to ${size} are in the tree and no longer in the store`, {
      hint: 'Nothing was signed. Look at it with: quietdoor ledger verify',
    });
  const open = openTiles(size).flatMap(({ level, number }) => reader.tiles(level, number, number));
  const builder = new TileBuilder(size, open);
  while (builder.size < newest) {
    const from = builder.size;
    const rows = reader.rows(from + 1, Math.min(newest, from + ROUND));
    for (const row of rows) {
      if (row[0] !== builder.size + 1) break;
      builder.append(leafHash(row[6]));
    }
    if (builder.size === from)
      throw new UserError(`record ${from + 1} is missing in the store (archived: up to ${archived})`, {
        hint: 'Nothing was signed. Look at it with: quietdoor ledger verify',
      });
    if (!(await store.ledger.grow(from, builder.size, builder.take()))) throw new Error('the tree grew meanwhile');
  }
  return builder.size;
}

/**
 * Brings every record under a signed checkpoint; the last one is given back where nothing was recorded since. Never signs
 * a tree that does not continue the one that was signed before.
 */
export async function makeCheckpoint(context: Context, sequencer: Sequencer): Promise<Checkpoint> {
  const { store, reader, signing } = sequencer;
  const size = await sequence(sequencer);
  const last = reader.checkpoints().at(-1);
  const before = last === undefined ? undefined : parseCheckpoint(last.note);
  if (last !== undefined && (!before || before.size > size || storedRoot(reader, before.size) !== before.root))
    throw new UserError(`the stored tree does not continue the checkpoint of ${last.size} records`, {
      hint: 'Nothing was signed. Look at it with: quietdoor ledger verify',
    });
  if (before?.size === size) return before;
  const root = storedRoot(reader, size);
  if (root === undefined) throw new Error(`the tree of ${size} records lacks a node`);
  const signed = signNote(checkpointText(signing.key.name, size, root), [signing]);
  await store.ledger.addCheckpoint({ size, signedAt: context.now(), note: signed });
  return parseCheckpoint(signed) as Checkpoint;
}

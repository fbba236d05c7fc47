import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  getFips,
  type KeyObject,
  randomBytes,
} from 'node:crypto';
import {
  closeSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { KEY_KINDS, type KeyKind, type LedgerKey, ledgerKey } from '../ledger/key.ts';
import { UserError } from '../model/errors.ts';
import { makeFileBeside } from '../store/sqlite-file.ts';
import { uuidv7 } from '../util/uuid.ts';

/** A key that can sign. */
export interface SigningKey {
  readonly key: LedgerKey;
  readonly secret: KeyObject;
}

/** Where the private key lies: in the state directory, for its owner only. */
export function keyFile(state: string): string {
  return join(state, 'ledger-key.pem');
}

/** Where a new key waits while the event about it is written. */
export function nextKeyFile(state: string): string {
  return join(state, 'ledger-key.next.pem');
}

/** A name for a new ledger that no other has. */
export function newOrigin(now: number): string {
  return `quietdoor/${uuidv7(now, randomBytes(10))}`;
}

/** Reads the kind of key that is wanted; Ed25519 where nothing is said, and P-256 where Node runs in FIPS mode. */
export function wantedKind(text: string | undefined): KeyKind {
  const kind = text ?? (getFips() === 1 ? 'ecdsa-p256' : 'ed25519');
  const known = KEY_KINDS.find((k) => k === kind);
  if (known) return known;
  throw new UserError(`"${text}" is no kind of key; expected: ${KEY_KINDS.join(', ')}`);
}

/** Reads a private key; null where there is none. Throws UserError where others could read it, or it is no key of ours. */
export function readKey(file: string, origin: string): SigningKey | null {
  const status = lstatSync(file, { throwIfNoEntry: false });
  if (!status) return null;
  if (!status.isFile()) throw new UserError(`${file} is no regular file`);
  if ((status.mode & 0o077) !== 0)
    throw new UserError(`others than its owner may read ${file}, the key of the ledger`, {
      hint: `Take that away (chmod 600 ${file}), and replace the key if somebody may have: quietdoor ledger rotate`,
    });
  try {
    const secret = createPrivateKey(readFileSync(file));
    return { secret, key: ledgerKey(origin, createPublicKey(secret)) };
  } catch (error) {
    throw new UserError(`${file} holds no key of a ledger: ${(error as Error).message}`, {
      hint: 'Restore it from a backup of the state directory.',
      cause: error,
    });
  }
}

/** Makes a private key with mode 0600; whole or not there. An existing one is never overwritten. */
export function makeKey(state: string, file: string, origin: string, kind: KeyKind): SigningKey {
  const secret =
    kind === 'ed25519'
      ? generateKeyPairSync('ed25519').privateKey
      : generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey;
  const part = `${file}.${process.pid}.part`;
  rmSync(part, { force: true });
  makeFileBeside(part, state);
  try {
    const fd = openSync(part, 'r+');
    try {
      writeSync(fd, secret.export({ format: 'pem', type: 'pkcs8' }) as string);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    linkSync(part, file);
  } finally {
    rmSync(part, { force: true });
  }
  syncFolder(state);
  return { secret, key: ledgerKey(origin, createPublicKey(secret)) };
}

/** Puts the new key in the place of the old one, which is gone then. */
export function takeOverKey(state: string): void {
  renameSync(nextKeyFile(state), keyFile(state));
  syncFolder(state);
}

/** A name is on disk when its folder is. */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

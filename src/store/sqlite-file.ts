import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { UserError } from '../model/errors.ts';
import { networkFileSystem } from './mounts.ts';
import { damaged, foreign } from './sqlite-errors.ts';
import type { StoreOptions } from './store.ts';

const FILE_NAME = 'quietdoor.db';
/** First bytes of every SQLite database (sqlite.org/fileformat.html, 1.3). */
const MAGIC = 'SQLite format 3\0';

interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Path of the store's file in a directory. */
export function storeFile(dir: string): string {
  return join(dir, FILE_NAME);
}

/**
 * Looks at the place of a store, and in mode `write` makes directory (0700) and file (0600) where they are missing.
 * Throws UserError if nothing there can be a store of ours: SQLite would otherwise take an empty or short file for a new
 * database. System errors are thrown as they are.
 */
export function prepareFile(options: StoreOptions): void {
  const { dir, mode } = options;
  const file = storeFile(dir);
  if (mode === 'write') {
    const owner = options.owner ?? invokingUser(dir);
    makeDirectory(dir, owner);
    refuseNetwork(dir);
    fs.accessSync(dir, fs.constants.R_OK | fs.constants.W_OK | fs.constants.X_OK);
    makeFile(file, owner);
    refuseOtherKinds(file);
    fs.accessSync(file, fs.constants.R_OK | fs.constants.W_OK);
  } else {
    if (!fs.lstatSync(file, { throwIfNoEntry: false })) {
      throw new UserError(`there is no store in ${dir}`, {
        hint: 'Nothing was recorded yet. Begin with: quietdoor scan',
      });
    }
    refuseNetwork(dir);
    refuseOtherKinds(file);
  }
  inspectHeader(file);
}

/** Makes a folder beside the store (0700) where there is none, for the same owner. Throws UserError where it is a link. */
export function makeFolderBeside(folder: string, dir: string): void {
  makeDirectory(folder, invokingUser(dir));
  const status = fs.lstatSync(folder);
  if (!status.isDirectory())
    throw new UserError(
      `${folder} is ${status.isSymbolicLink() ? 'a symbolic link, which may lead anywhere' : 'no folder'}`,
      { hint: 'Move it aside, or choose another directory with --state or QUIETDOOR_STATE.' },
    );
}

/** Makes an empty file beside the store (0600) where there is none, for the owner of its directory under sudo. */
export function makeFileBeside(file: string, dir: string): void {
  makeFile(file, invokingUser(dir));
  refuseOtherKinds(file);
}

/** Not even a link to a store: run by root in the directory of somebody else, it would lead to a file of their choice. */
function refuseOtherKinds(file: string): void {
  const status = fs.lstatSync(file);
  if (!status.isFile())
    throw foreign(file, status.isSymbolicLink() ? 'it is a symbolic link' : 'it is no regular file');
}

/** Checks that a file is a whole SQLite database, by its header; an empty one is a store that is about to be made. */
function inspectHeader(file: string): void {
  const header = Buffer.alloc(100);
  const fd = fs.openSync(file, fs.constants.O_RDONLY | fs.constants.O_NOFOLLOW);
  let read: number;
  try {
    read = fs.readSync(fd, header, 0, 100, 0);
  } finally {
    fs.closeSync(fd);
  }
  if (read === 0) return;
  if (header.toString('latin1', 0, Math.min(read, 16)) !== MAGIC.slice(0, read))
    throw foreign(file, 'it is no SQLite database');
  if (read < 100) throw damaged(file, `it ends after ${read} bytes`);
  // With a write-ahead log the newest pages may lie there, and the size says nothing.
  if ((fs.statSync(`${file}-wal`, { throwIfNoEntry: false })?.size ?? 0) > 0) return;
  const pageSize = header.readUInt16BE(16) === 1 ? 65_536 : header.readUInt16BE(16);
  const size = header.readUInt32BE(28) * pageSize;
  // The page count is only valid while both change counters agree (1.3.7 of the format).
  const isCountValid = header.readUInt32BE(24) === header.readUInt32BE(92);
  if (isCountValid && fs.statSync(file).size < size) {
    throw damaged(file, `it has ${fs.statSync(file).size} bytes and should have ${size}: its end was cut off`);
  }
}

function refuseNetwork(dir: string): void {
  const type = networkFileSystem(dir);
  if (type === undefined) return;
  throw new UserError(`the store cannot lie in ${dir}: that is a network file system (${type})`, {
    hint: 'Its locks and shared memory do not hold between machines, and records could be lost. Choose a local directory with --state or QUIETDOOR_STATE.',
  });
}

/**
 * The user who called sudo, if the nearest existing directory above is theirs: what root makes there would be out of
 * their reach.
 */
function invokingUser(dir: string): Owner | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const uid = Number(process.env.SUDO_UID ?? Number.NaN);
  const gid = Number(process.env.SUDO_GID ?? Number.NaN);
  if (!Number.isSafeInteger(uid) || !Number.isSafeInteger(gid) || uid <= 0) return undefined;
  let above = dir;
  while (!fs.existsSync(above) && dirname(above) !== above) above = dirname(above);
  return fs.statSync(above).uid === uid ? { uid, gid } : undefined;
}

function makeDirectory(dir: string, owner: Owner | undefined): void {
  const first = fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  if (first === undefined || owner === undefined) return;
  // lchown: in a directory of somebody else the new one may have been swapped for a link.
  for (let made = dir; made.length >= first.length; made = dirname(made)) fs.lchownSync(made, owner.uid, owner.gid);
}

function makeFile(file: string, owner: Owner | undefined): void {
  let fd: number;
  try {
    fd = fs.openSync(file, 'wx', 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return;
    throw error;
  }
  try {
    if (owner) fs.fchownSync(fd, owner.uid, owner.gid);
  } finally {
    fs.closeSync(fd);
  }
}

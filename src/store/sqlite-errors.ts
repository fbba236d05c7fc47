import { statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../model/errors.ts';

/** Result codes of SQLite (sqlite.org/rescode.html); the low byte of an extended code is its primary one. */
const CODES = {
  PERM: 3,
  BUSY: 5,
  LOCKED: 6,
  NOMEM: 7,
  READONLY: 8,
  IOERR: 10,
  CORRUPT: 11,
  FULL: 13,
  CANTOPEN: 14,
  NOTADB: 26,
} as const;

function primaryCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return undefined;
  return error.errcode & 0xff;
}

/** Says whether another process holds a lock. */
export function isBusy(error: unknown): boolean {
  const code = primaryCode(error);
  return code === CODES.BUSY || code === CODES.LOCKED;
}

/** Turns what a person can put right into a UserError that says what happened, where, and what to do. Returns others as they are. */
export function explainError(error: unknown, file: string, waitedMs = 0): unknown {
  if (error instanceof UserError || !(error instanceof Error)) return error;
  const told = (message: string, hint: string): UserError => new UserError(message, { hint, cause: error });
  switch (codeOf(error, file)) {
    case CODES.BUSY:
    case CODES.LOCKED:
      return told(
        `the store ${file} is busy: another process has been writing to it for ${(waitedMs / 1000).toFixed(0)} s`,
        'Nothing was written. Wait until the other quietdoor is done, or stop it, and run this again.',
      );
    case CODES.FULL:
    case 'ENOSPC':
    case 'EDQUOT':
      return told(
        `the disk is full: the store ${file} could not be written`,
        'What was recorded before is safe. Make room on that file system and run this again.',
      );
    case CODES.READONLY:
    case 'EROFS':
      return told(
        `the store ${file} cannot be written: the file, its directory or its file system is read-only`,
        'Make it writable, or choose another directory with --state or QUIETDOOR_STATE.',
      );
    case CODES.PERM:
    case CODES.CANTOPEN:
    case 'EACCES':
    case 'EPERM':
    case 'ENOTDIR':
    case 'EEXIST':
      return told(
        `the store ${file} cannot be opened: ${error.message}`,
        'Look at who owns the directory and the file, run as that user, or choose another directory with --state or QUIETDOOR_STATE.',
      );
    case CODES.CORRUPT:
      return damaged(file, error.message, error);
    case CODES.NOTADB:
      return foreign(file, 'it is not an SQLite database', error);
    case CODES.IOERR:
      return told(
        `reading or writing the store ${file} failed: ${error.message}`,
        'Look at the disk (dmesg) and at the room on it. Nothing of this step was recorded.',
      );
    default:
      return error;
  }
}

function codeOf(error: Error, file: string): number | string | undefined {
  const code = primaryCode(error);
  if (code === undefined) return 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  // Where the shared memory file cannot grow, SQLite calls a full disk an I/O error.
  return code === CODES.IOERR && isFull(file) ? CODES.FULL : code;
}

/** Says whether a file system has no room for even a few pages. */
function isFull(file: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(dirname(file));
    return bavail * bsize < 65_536;
  } catch {
    return false;
  }
}

/** A store of ours that cannot be read any more. */
export function damaged(file: string, what: string, cause?: unknown): UserError {
  return new UserError(`the store ${file} is damaged: ${what}`, {
    hint: 'It was left as it is. Move it aside together with its -wal and -shm files, then restore a backup or scan again.',
    cause,
  });
}

/** A file in our place that we did not write. */
export function foreign(file: string, why: string, cause?: unknown): UserError {
  return new UserError(`${file} is not a store of quietdoor: ${why}`, {
    hint: 'It was left as it is. Move it aside, or choose another directory with --state or QUIETDOOR_STATE.',
    cause,
  });
}

import { readFileSync, statSync } from 'node:fs';
import { type Checkpoint, parseCheckpoints } from '../ledger/checkpoint.ts';
import { parseFingerprint } from '../ledger/key.ts';
import { UserError } from '../model/errors.ts';

/** A witness that got a checkpoint every minute for ten years has 1.3 GB; nobody verifies against so many. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Reads a small file that a person named. Throws UserError. */
export function readNamed(path: string, maxBytes = MAX_BYTES): string {
  try {
    const { size } = statSync(path === '-' ? '/dev/stdin' : path);
    if (size > maxBytes) throw new Error(`it has ${size} bytes; at most ${maxBytes} are read`);
    return readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new UserError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Checkpoints of a file that a witness kept; damaged ones are counted. Throws UserError where there is none. */
export function readWitnessed(path: string): { readonly checkpoints: readonly Checkpoint[]; readonly unread: number } {
  const read = parseCheckpoints(readNamed(path));
  if (read.checkpoints.length === 0)
    throw new UserError(`${path} holds no checkpoint`, {
      hint: 'Expected a file that "quietdoor ledger checkpoint" wrote.',
    });
  return read;
}

/** Reads --key. Throws UserError. */
export function readFingerprint(text: string): string {
  const fingerprint = parseFingerprint(text);
  if (fingerprint !== undefined) return fingerprint;
  throw new UserError(`"${text}" is no fingerprint of a key`, { hint: 'Expected sha256: and 64 hexadecimal digits.' });
}

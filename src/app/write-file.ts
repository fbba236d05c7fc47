import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { UserError } from '../model/errors.ts';

/**
 * Writes a file so that it is complete or not there: beside it, flushed, then renamed over it. Keeps the mode of a file
 * that it replaces; makes its folder. Throws UserError that names it.
 */
export function writeFileWhole(path: string, text: string): void {
  const beside = `${path}.${process.pid}.part`;
  try {
    mkdirSync(dirname(path), { recursive: true });
    const mode = (statSync(path, { throwIfNoEntry: false })?.mode ?? 0o644) & 0o777;
    const file = openSync(beside, 'wx', mode);
    try {
      const bytes = Buffer.from(text);
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw new UserError(`could not write ${path}: ${(error as Error).message}`, {
      hint: 'Give another place, or make room there. The file that was there before is untouched.',
      cause: error,
    });
  }
}

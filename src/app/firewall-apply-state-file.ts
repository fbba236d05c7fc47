import { closeSync, fchownSync, fsyncSync, lstatSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../model/errors.ts';
import { makeFolderBeside } from '../store/sqlite-file.ts';

/**
 * Writes a file of the state whole, for the owner of its folder. As root runs this in a folder that may be somebody else's,
 * no link is followed: one that lies there is replaced. Throws UserError where it cannot be written.
 */
export function writeStateFile(state: string, file: string, text: string): void {
  const folder = dirname(file);
  const beside = join(folder, `.${basename(file)}.${process.pid}.part`);
  try {
    makeFolderBeside(state, state);
    if (folder !== state) makeFolderBeside(folder, state);
    rmSync(beside, { force: true });
    const descriptor = openSync(beside, 'wx', 0o600);
    try {
      const { uid, gid } = lstatSync(folder);
      if (process.geteuid?.() === 0) fchownSync(descriptor, uid, gid);
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(beside, file);
  } catch (error) {
    if (error instanceof UserError) throw error;
    rmSync(beside, { force: true });
    throw new UserError(`could not write ${file}: ${(error as Error).message}`, { cause: error });
  }
}

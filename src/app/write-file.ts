import { closeSync, fsyncSync, lstatSync, openSync, realpathSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';
import { UserError } from '../model/errors.ts';
import { joinPieces } from '../util/join-pieces.ts';

/**
 * Writes a regular file so that it is complete or not there: beside it, flushed, then renamed over it, with the mode of the
 * file that it replaces. A link is followed. What is no regular file (a device, a pipe) is written into and never
 * replaced. The text may come in pieces. Throws UserError that names the path.
 */
export function writeFileWhole(path: string, text: string | Iterable<string>): void {
  try {
    const there = lstatSync(path, { throwIfNoEntry: false });
    const target = there?.isSymbolicLink() ? realpathSync(path) : path;
    refuseOutside(target);
    const stats = target === path ? there : lstatSync(target);
    if (stats && !stats.isFile()) writeInto(target, text);
    else replaceFile(target, text, (stats?.mode ?? 0o644) & 0o777);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`could not write ${path}: ${(error as Error).message}`, {
      hint: 'Give another place, or make room there. A file that was there before is untouched.',
      cause: error,
    });
  }
}

/**
 * A scheduled run writes into its workspace only: the schedule, and links that lie there, may come from people who are
 * not the user it runs as.
 */
function refuseOutside(target: string): void {
  const { QUIETDOOR_DUE, QUIETDOOR_WORKSPACE: workspace } = process.env;
  if (QUIETDOOR_DUE !== '1' || workspace === undefined) return;
  const real = join(realpathSync(dirname(target)), basename(target));
  if (relative(realpathSync(workspace), real).split('/')[0] !== '..') return;
  throw new UserError(`could not write ${target}: a scheduled run writes into its workspace only`, {
    hint: 'Write into the workspace, and let the service that runs the schedule copy it from there.',
  });
}

function writeInto(path: string, text: string | Iterable<string>): void {
  const file = openSync(path, 'w');
  try {
    writePieces(file, text);
  } finally {
    closeSync(file);
  }
}

function replaceFile(path: string, text: string | Iterable<string>, mode: number): void {
  const beside = `${path}.${process.pid}.part`;
  try {
    const file = openSync(beside, 'wx', mode);
    try {
      writePieces(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(beside, path);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

function writePieces(file: number, text: string | Iterable<string>): void {
  for (const piece of typeof text === 'string' ? [text] : joinPieces(text)) writeFileSync(file, piece);
}

/** The same for a text that is still being made: the file is replaced when all of it has come, and untouched before. */
export async function writeFileAsItComes(path: string, pieces: AsyncIterable<string>): Promise<void> {
  const there = lstatSync(path, { throwIfNoEntry: false });
  const isFile = there === undefined || (there.isSymbolicLink() ? lstatSync(realpathSync(path)) : there).isFile();
  const target = there?.isSymbolicLink() ? realpathSync(path) : path;
  refuseOutside(target);
  const written = isFile ? `${target}.${process.pid}.part` : target;
  let file: number;
  try {
    file = openSync(written, isFile ? 'wx' : 'w', (isFile && there ? lstatSync(target).mode : 0o644) & 0o777);
  } catch (error) {
    throw new UserError(`could not write ${path}: ${(error as Error).message}`, {
      hint: 'Give another place, or make room there.',
      cause: error,
    });
  }
  let isWhole = false;
  try {
    for await (const piece of pieces) writeFileSync(file, piece);
    if (isFile) fsyncSync(file);
    isWhole = true;
  } finally {
    closeSync(file);
    if (isFile && !isWhole) rmSync(written, { force: true });
  }
  if (isFile) renameSync(written, target);
}

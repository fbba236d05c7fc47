import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../model/errors.ts';
import { writeFileWhole } from './write-file.ts';

/** How far a followed file was taken in. */
export interface FollowPosition {
  readonly dev: number;
  readonly ino: number;
  /** SHA-256 of the first `headLength` bytes: another file may get the same inode. */
  readonly head: string;
  readonly headLength: number;
  /** Everything before was taken in. */
  readonly offset: number;
  /** The part up to here was being written: it may be there or not. 0: none was. */
  readonly pending: number;
  /** UTC seconds when that was so; states of older versions do not say it. */
  readonly at?: number | undefined;
}

/** What `flows collect` remembers between runs. */
export interface CollectState {
  /** UTC seconds until when each feed is recorded. */
  readonly feeds: Record<string, number>;
  /** The last run ended by itself and wrote down everything. */
  isClean: boolean;
  /** By path. */
  readonly follow: Record<string, FollowPosition>;
}

const number = z.number().nonnegative().finite();
const schema = z.object({
  version: z.literal(1),
  feeds: z.record(z.string(), number),
  isClean: z.boolean(),
  follow: z.record(
    z.string(),
    z.object({
      dev: number,
      ino: number,
      head: z.string(),
      headLength: number,
      offset: number,
      pending: number,
      at: number.optional(),
    }),
  ),
});

const fileOf = (dir: string) => join(dir, 'flows-collect.json');

/** Reads it; empty where nothing was collected before. Throws UserError where the file is damaged. */
export function readCollectState(dir: string): CollectState {
  const file = fileOf(dir);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { feeds: {}, isClean: true, follow: {} };
    throw error;
  }
  try {
    const { feeds, isClean, follow } = schema.parse(JSON.parse(text));
    return { feeds, isClean, follow };
  } catch (error) {
    throw new UserError(`${file} is damaged: it says how far flows were collected`, {
      hint: 'Remove it. The time since the last run is then not known as a gap, and followed files begin at their end.',
      cause: error,
    });
  }
}

export function writeCollectState(dir: string, state: CollectState): void {
  writeFileWhole(fileOf(dir), `${JSON.stringify({ version: 1, ...state }, null, 2)}\n`);
}

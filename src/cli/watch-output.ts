import { closeSync, openSync, writeSync } from 'node:fs';
import { UserError } from '../model/errors.ts';
import type { OutputOptions } from './options.ts';

/** Text that waits for a slow reader at most, bytes. */
const MOST_WAITING = 4 * 1024 * 1024;

/** Where a watch writes its lines as they come. A reader that is too slow misses some, and is told how many. */
export interface WatchOutput {
  readonly write: (render: (format: string) => string) => void;
  readonly close: () => Promise<void>;
}

/** Standard output, or a file that lines are added to: it may be read while it grows. Throws UserError. */
export function openWatchOutput({ format, output, quiet }: OutputOptions): WatchOutput {
  const file = output === undefined || output === '-' ? null : openFile(output);
  let missed = 0;
  return {
    write: (render) => {
      if (quiet && file === null) return;
      if (file !== null) return void writeSync(file, render(format));
      if (process.stdout.writableLength > MOST_WAITING) {
        missed++;
        return;
      }
      if (missed > 0) process.stdout.write(missedLine(format, missed));
      missed = 0;
      process.stdout.write(render(format));
    },
    close: async () => {
      if (file !== null) return closeSync(file);
      if (missed > 0) process.stdout.write(missedLine(format, missed));
      await new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
    },
  };
}

function missedLine(format: string, missed: number): string {
  return format === 'jsonl'
    ? `${JSON.stringify({ schemaVersion: 1, kind: 'missed', lines: missed })}\n`
    : `(${missed} lines were not written, as they were not read fast enough; all of it is recorded: quietdoor events)\n`;
}

function openFile(path: string): number {
  try {
    return openSync(path, 'a', 0o640);
  } catch (error) {
    throw new UserError(`could not write ${path}: ${(error as Error).message}`, {
      hint: 'Give another place, or make room there.',
      cause: error,
    });
  }
}

import { execFileSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A pipe for the output of a child. `write`: descriptor for its standard output, to be closed here after it was started. */
export interface Pipe {
  readonly write: number;
  /** Reads what is there; 0: nothing is. */
  read(target: Uint8Array): number;
  close(): void;
}

/**
 * Makes a pipe. Node gives children a pair of sockets instead, in which each small piece that is written takes a kilobyte: a
 * child that writes line by line fills it with 200 lines, where a pipe holds 64 KiB of text.
 */
export function makePipe(): Pipe {
  const folder = mkdtempSync(join(tmpdir(), 'quietdoor-pipe-'));
  try {
    const path = join(folder, 'events');
    execFileSync('mkfifo', ['-m', '600', path]);
    // Open for writing too: its end is told by the child, not by the pipe.
    const read = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    return {
      write: openSync(path, constants.O_WRONLY),
      read: (target) => readNow(read, target),
      close: () => closeSync(read),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readNow(fd: number, target: Uint8Array): number {
  try {
    return readSync(fd, target);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0;
    throw error;
  }
}

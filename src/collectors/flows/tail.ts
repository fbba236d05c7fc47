import { createHash } from 'node:crypto';
import { closeSync, fstatSync, openSync, readdirSync, readSync, type Stats, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What identifies an open file: another one may get its inode when it is gone. */
export interface TailIdentity {
  readonly dev: number;
  readonly ino: number;
  /** SHA-256 (hex) of the first `headLength` bytes. */
  readonly head: string;
  readonly headLength: number;
}

/** A log that is being written, open at one of its generations. */
export interface Tail {
  readonly path: string;
  /** Where the next read begins. */
  offset: number;
  identity(headLength?: number): TailIdentity;
  /** Reads on, at most up to `limit`; 0: nothing is there (yet). */
  read(target: Uint8Array, limit?: number): number;
  /**
   * What became of the file: `same`; `rotated`: the path is another file now; `truncated`: it is shorter than what was read
   * of it, or begins otherwise, so it began anew; `missing`: nothing has the path.
   */
  state(): 'same' | 'rotated' | 'truncated' | 'missing';
  close(): void;
}

/** Bytes by which a file is known again. */
const HEAD = 256;

/** Opens a file at a place. Throws the error of the system where it cannot be read. */
export function openTail(path: string, offset: number): Tail {
  return tailOf(path, path, offset);
}

/**
 * Opens the file that was read before, under its path or the one that it was rotated to (a file beside it whose name begins
 * with its name); null: it is not there any more.
 */
export function findTail(path: string, identity: TailIdentity, offset: number): Tail | null {
  const folder = dirname(path);
  const own = basename(path);
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => name.startsWith(own));
  } catch {
    return null;
  }
  for (const name of names.sort((a, b) => a.length - b.length)) {
    const file = join(folder, name);
    const stats = statsOf(file);
    if (!stats?.isFile() || stats.ino !== identity.ino || stats.dev !== identity.dev || stats.size < offset) continue;
    const tail = tailOf(path, file, offset);
    if (tail.identity(identity.headLength).head === identity.head) return tail;
    tail.close();
  }
  return null;
}

function statsOf(file: string): Stats | null {
  try {
    return statSync(file);
  } catch {
    return null;
  }
}

function tailOf(path: string, file: string, offset: number): Tail {
  const fd = openSync(file, 'r');
  const opened = fstatSync(fd);
  const headOf = (length: number) => {
    const bytes = Buffer.alloc(length);
    return bytes.subarray(0, readSync(fd, bytes, 0, length, 0));
  };
  // What was read at the beginning. A file that was cut off and grew again since the last look may be as long as before.
  let begins = headOf(Math.min(offset, HEAD));
  const tail: Tail = {
    path,
    offset,
    identity(headLength) {
      const bytes = headOf(headLength ?? HEAD);
      const head = createHash('sha256').update(bytes).digest('hex');
      return { dev: opened.dev, ino: opened.ino, head, headLength: bytes.length };
    },
    read(target, limit) {
      const room = limit === undefined ? target.length : Math.min(target.length, limit - tail.offset);
      if (room <= 0) return 0;
      const length = readSync(fd, target, 0, room, tail.offset);
      if (tail.offset === 0) begins = Buffer.alloc(0);
      if (begins.length === tail.offset && begins.length < HEAD)
        begins = Buffer.concat([begins, target.subarray(0, Math.min(length, HEAD - begins.length))]);
      tail.offset += length;
      return length;
    },
    state() {
      if (fstatSync(fd).size < tail.offset) return 'truncated';
      if (tail.offset > 0 && !headOf(begins.length).equals(begins)) return 'truncated';
      const there = statsOf(path);
      if (there === null) return 'missing';
      return there.ino === opened.ino && there.dev === opened.dev ? 'same' : 'rotated';
    },
    close: () => closeSync(fd),
  };
  return tail;
}

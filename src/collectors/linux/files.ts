import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  opendirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
} from 'node:fs';

/**
 * Bounded reading of files that others control. Everything returns `undefined` where it could not read: on a live
 * machine files and processes vanish at any time, and that is normal.
 */

/** Shared by all small reads; a caller takes what it needs before the next read. */
let scratch = Buffer.allocUnsafe(64 * 1024);

/** Linux's O_PATH (asm-generic/fcntl.h), which Node does not name. */
const O_PATH = 0o10000000;
const OPEN_FILE = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
const MAX_SYMLINKS = 40;

/** Reads at most `maxBytes` of an open file into the shared buffer; valid until the next read. */
function readDescriptor(fd: number, maxBytes: number): Buffer {
  let length = 0;
  while (length < maxBytes) {
    if (length === scratch.length) {
      const larger = Buffer.allocUnsafe(Math.min(scratch.length * 4, Math.max(maxBytes, scratch.length + 1)));
      scratch.copy(larger, 0, 0, length);
      scratch = larger;
    }
    const read = readSync(fd, scratch, length, Math.min(scratch.length, maxBytes) - length, null);
    if (read === 0) break;
    length += read;
  }
  return scratch.subarray(0, length);
}

/** Error code of the last failure to read, for callers that must tell "not there" from "not allowed". */
export type ReadFailure = 'missing' | 'denied' | 'other';

/** Sorts an error of node:fs into what it means to us. A process that ended meanwhile counts as missing. */
export function failureOf(error: unknown): ReadFailure {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === 'ENOENT' || code === 'ESRCH' || code === 'ENOTDIR') return 'missing';
  return code === 'EACCES' || code === 'EPERM' ? 'denied' : 'other';
}

/** Bytes of a trusted small file (procfs, sysfs), at most `maxBytes`; valid until the next read of this module. */
export function readBytes(path: string, maxBytes = 64 * 1024): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, OPEN_FILE);
  } catch {
    return undefined;
  }
  try {
    return readDescriptor(fd, maxBytes);
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/**
 * Bytes of a file that the kernel writes whole into the first read (/proc/PID/stat, status, cgroup, cmdline), at most
 * 64 KB; valid until the next read. Saves the read that only finds the end.
 */
export function readOnce(path: string, maxBytes = 64 * 1024): Buffer | undefined {
  let fd: number;
  try {
    fd = openSync(path, OPEN_FILE);
  } catch {
    return undefined;
  }
  try {
    return scratch.subarray(0, readSync(fd, scratch, 0, Math.min(maxBytes, scratch.length), null));
  } catch {
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** As `readBytes`, as text (UTF-8). */
export function readText(path: string, maxBytes?: number): string | undefined {
  return readBytes(path, maxBytes)?.toString('utf8');
}

/** Target of a symbolic link as it is written. */
export function readLink(path: string): string | undefined {
  try {
    return readlinkSync(path);
  } catch {
    return undefined;
  }
}

/** Names in a directory, unsorted. */
export function listDirectory(path: string): string[] | undefined {
  try {
    return readdirSync(path);
  } catch {
    return undefined;
  }
}

/** At most `most` names in a directory, in the order in which the file system has them; none where it cannot be read. */
export function listSome(path: string, most: number): string[] {
  const names: string[] = [];
  try {
    const directory = opendirSync(path);
    try {
      for (let entry = directory.readSync(); entry && names.length < most; entry = directory.readSync())
        names.push(entry.name);
    } finally {
      directory.closeSync();
    }
  } catch {
    // what was read by then
  }
  return names;
}

/** An open descriptor with its path under /proc/self/fd, through which it can be read, listed and statted. */
export interface OpenFile {
  readonly fd: number;
  readonly path: string;
  readonly size: number;
  readonly close: () => void;
}

/**
 * Opens a file or directory below `root` as a process whose root directory is `root` would see it: symbolic links,
 * absolute ones too, never lead out of it. Walks component by component on descriptors (like openat2(2) with
 * RESOLVE_IN_ROOT), so that a hostile container cannot swap a directory for a link meanwhile. Only regular files and
 * directories are opened; devices and FIFOs give `undefined`.
 */
export function openInside(root: string, path: string): OpenFile | undefined {
  const stack: number[] = [];
  try {
    stack.push(openSync(root, O_PATH | constants.O_DIRECTORY));
    const pending = path.split('/').reverse();
    let links = 0;
    while (pending.length > 0) {
      const part = pending.pop();
      if (part === undefined || part === '' || part === '.') continue;
      if (part === '..') {
        if (stack.length > 1) closeSync(stack.pop() as number);
        continue;
      }
      const here = `/proc/self/fd/${stack.at(-1)}/${part}`;
      const fd = openSync(here, O_PATH | constants.O_NOFOLLOW);
      const kind = fstatSync(fd);
      if (kind.isSymbolicLink()) {
        closeSync(fd);
        if (++links > MAX_SYMLINKS) return undefined;
        const target = readlinkSync(here);
        if (target.startsWith('/')) while (stack.length > 1) closeSync(stack.pop() as number);
        pending.push(...target.split('/').reverse());
      } else if (kind.isDirectory() || kind.isFile()) stack.push(fd);
      else {
        closeSync(fd);
        return undefined;
      }
    }
    const last = stack.pop() as number;
    const stat = fstatSync(last);
    return { fd: last, path: `/proc/self/fd/${last}`, size: stat.size, close: () => closeSync(last) };
  } catch {
    return undefined;
  } finally {
    for (const fd of stack) closeSync(fd);
  }
}

/** Bytes of a regular file below `root` (see `openInside`), a copy; `undefined` if absent or larger than `maxBytes`. */
export function readInside(root: string, path: string, maxBytes: number): Buffer | undefined {
  const file = openInside(root, path);
  if (file === undefined) return undefined;
  try {
    if (file.size > maxBytes) return undefined;
    const bytes = readBytes(file.path, maxBytes);
    return bytes === undefined ? undefined : Buffer.from(bytes);
  } finally {
    file.close();
  }
}

/** As `readInside`, as text (UTF-8). */
export function readTextInside(root: string, path: string, maxBytes = 1024 * 1024): string | undefined {
  return readInside(root, path, maxBytes)?.toString('utf8');
}

/** A buffer that grows as files are put behind each other. */
export interface GrowingBuffer {
  bytes: Buffer;
  length: number;
}

/**
 * Appends a regular file of an open directory, at most `maxBytes` of it; links are not followed. Returns how many bytes
 * were added.
 */
export function appendBeside(directory: OpenFile, name: string, maxBytes: number, to: GrowingBuffer): number {
  let fd: number;
  try {
    fd = openSync(`${directory.path}/${name}`, OPEN_FILE | constants.O_NOFOLLOW);
  } catch {
    return 0;
  }
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile()) return 0;
    const size = Math.min(stat.size, maxBytes);
    if (to.length + size > to.bytes.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(to.bytes.length * 2, to.length + size));
      to.bytes.copy(larger, 0, 0, to.length);
      to.bytes = larger;
    }
    const read = size === 0 ? 0 : readSync(fd, to.bytes, to.length, size, null);
    to.length += read;
    return read;
  } catch {
    return 0;
  } finally {
    closeSync(fd);
  }
}

/** Device and inode of a path below `root`, resolved as `openInside` does; for asking "is it the same file". */
export function identityInside(root: string, path: string): string | undefined {
  const file = openInside(root, path);
  if (file === undefined) return undefined;
  try {
    const stat = fstatSync(file.fd);
    return `${stat.dev}:${stat.ino}`;
  } finally {
    file.close();
  }
}

/** Says whether the path itself is a symbolic link. */
export function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

import { createHash } from 'node:crypto';
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';

const CHUNK_BYTES = 1024 * 1024;
/** Larger files are not hashed: the largest programs are a few hundred megabytes. */
const MAX_BYTES = 4 * 1024 ** 3;

/** Returns the SHA-256 of a file in hex, or `undefined` if it could not be read. */
export type HashFile = (path: string) => string | undefined;

/** Hashes files and remembers the result while device, inode, modification and change time and size stay the same. */
export function createHashCache(): HashFile {
  const known = new Map<string, string>();
  return (path) => {
    let fd: number;
    try {
      fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
    } catch {
      return undefined;
    }
    try {
      const stat = fstatSync(fd, { bigint: true });
      if (!stat.isFile() || stat.size > MAX_BYTES) return undefined;
      const key = `${stat.dev}:${stat.ino}:${stat.mtimeNs}:${stat.ctimeNs}:${stat.size}`;
      const before = known.get(key);
      if (before !== undefined) return before;
      const hash = createHash('sha256');
      const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
      for (let read = 1; read > 0; ) {
        read = readSync(fd, chunk, 0, CHUNK_BYTES, null);
        hash.update(chunk.subarray(0, read));
      }
      const digest = hash.digest('hex');
      if (known.size > 10_000) known.clear();
      known.set(key, digest);
      return digest;
    } catch {
      return undefined;
    } finally {
      closeSync(fd);
    }
  };
}

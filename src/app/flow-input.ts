import { createHash, type Hash } from 'node:crypto';
import { fstatSync, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import { UserError } from '../model/errors.ts';

const CHUNK = 1024 * 1024;
const HEAD = 64 * 1024;

/** A file that was taken in before, as the ledger tells. */
export interface EarlierInput {
  /** Bytes of it that were read. */
  readonly bytes: number;
  readonly digest: string;
}

/** What identifies an input. */
export interface InputIdentity {
  /** `sha256:<hex>` of its bytes as they lie on disk. */
  readonly digest: string;
  /** Bytes at its beginning that were taken in before: the file has grown since. 0: none are known to be. */
  readonly known: number;
}

/** A file or standard input, unpacked where it is packed. */
export interface FlowInput {
  /** Its beginning, unpacked: up to 64 KiB. */
  readonly head: Uint8Array;
  readonly packing: 'gzip' | 'zstd' | null;
  /** Its path; null for standard input. */
  readonly path: string | null;
  /** Reads it through once to learn what it is. Null for standard input, which can be read once only. */
  identify(earlier: readonly EarlierInput[]): Promise<InputIdentity | null>;
  /** Its bytes, unpacked; each chunk is valid until the next one is asked for. Ends early where the input is broken. */
  chunks(): AsyncGenerator<Uint8Array, void, undefined>;
  /** `sha256:<hex>` of what chunks() has read, of standard input. */
  digestOfRead(): string;
  /** Bytes as they lie on disk, or came. */
  readonly size: number;
  /** What happened to the input while it was read, once it was: sentences. */
  troubles(): readonly string[];
  close(): Promise<void>;
}

/** Opens a file, or standard input for `-`. Throws UserError where it cannot be read. */
export async function openFlowInput(file: string): Promise<FlowInput> {
  if (file === '-') return streamInput(process.stdin);
  let handle: FileHandle;
  try {
    handle = await open(file, 'r');
  } catch (error) {
    throw unreadable(file, error);
  }
  try {
    const stats = await handle.stat();
    if (stats.isDirectory()) throw new UserError(`${file} is a folder`, { hint: 'Name the files in it.' });
    // A pipe or a device has no size and no second reading.
    return stats.isFile() ? await fileInput(handle, file) : await streamInput(handle.createReadStream());
  } catch (error) {
    await handle.close();
    throw error instanceof UserError ? error : unreadable(file, error);
  }
}

function unreadable(file: string, error: unknown): UserError {
  return new UserError(`cannot read ${file}: ${(error as Error).message}`, { cause: error });
}

function packingOf(head: Uint8Array): FlowInput['packing'] {
  if (head[0] === 0x1f && head[1] === 0x8b) return 'gzip';
  return head[0] === 0x28 && head[1] === 0xb5 && head[2] === 0x2f && head[3] === 0xfd ? 'zstd' : null;
}

/** Unpacks; what is broken ends it, and is told. */
async function* unpacked(
  chunks: AsyncIterable<Uint8Array>,
  packing: 'gzip' | 'zstd',
  tell: (trouble: string) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  const source = chunks[Symbol.asyncIterator]();
  /** Chunks that were given to the unpacker and may not be used up. */
  let given: Buffer[] = [];
  try {
    // The unpacker of zstd ends with a frame, of which a file may have several; that of gzip goes on by itself.
    for (let isFirst = true; isFirst || given.length > 0; isFirst = false) {
      const before = given;
      given = [];
      const feed = (async function* () {
        for (const chunk of before) {
          given.push(chunk);
          yield chunk;
        }
        for (;;) {
          const { value, done } = await source.next();
          if (done) return;
          // The stream reads ahead, and the memory of a chunk is the next one's.
          const chunk = Buffer.from(value);
          given.push(chunk);
          yield chunk;
        }
      })();
      const unpack =
        packing === 'gzip' ? createGunzip({ chunkSize: CHUNK }) : createZstdDecompress({ chunkSize: CHUNK });
      const stream = Readable.from(feed, { objectMode: false, highWaterMark: CHUNK });
      stream.on('error', (error) => unpack.destroy(error));
      let used = 0;
      const forget = (): void => {
        for (; given.length > 1 && used + (given[0] as Buffer).length <= unpack.bytesWritten; given.shift())
          used += (given[0] as Buffer).length;
      };
      try {
        for await (const bytes of stream.pipe(unpack)) {
          yield bytes as Uint8Array;
          forget();
        }
      } finally {
        stream.destroy();
        unpack.destroy();
        await feed.return();
      }
      const left = Buffer.concat(given).subarray(unpack.bytesWritten - used);
      given = packing === 'gzip' || left.length === 0 ? [] : [left];
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined || !/^(?:Z_|ZSTD_|ERR_ZSTD|ERR_ZLIB)/.test(code)) throw error;
    tell(`the ${packing} data is cut off or damaged (${(error as Error).message}): what came before it is used`);
  } finally {
    await source.return?.();
  }
}

/** The beginning of an input, unpacked as far as it goes. */
async function headOf(first: Uint8Array, packing: FlowInput['packing']): Promise<Uint8Array> {
  if (packing === null) return first.slice(0, HEAD);
  const pieces: Uint8Array[] = [];
  let length = 0;
  const once = (async function* () {
    yield first.slice();
  })();
  for await (const bytes of unpacked(once, packing, () => {})) {
    pieces.push(bytes);
    length += bytes.length;
    if (length >= HEAD) break;
  }
  return Buffer.concat(pieces).subarray(0, HEAD);
}

async function fileInput(handle: FileHandle, file: string): Promise<FlowInput> {
  const stats = await handle.stat();
  const first = new Uint8Array(HEAD);
  const { bytesRead } = await handle.read(first, 0, HEAD, 0);
  const packing = packingOf(first.subarray(0, bytesRead));
  const head = await headOf(first.subarray(0, bytesRead), packing);
  const troubles: string[] = [];
  let isShort = false;

  /** The bytes of the file up to the size that it had when it was opened; the next ones are read meanwhile. */
  async function* raw(): AsyncGenerator<Uint8Array, void, undefined> {
    const buffers = [new Uint8Array(CHUNK), new Uint8Array(CHUNK)] as const;
    let at = 0;
    let turn = 0;
    const read = () => handle.read(buffers[turn % 2] as Uint8Array, 0, Math.min(CHUNK, stats.size - at), at);
    let pending = stats.size > 0 ? read() : null;
    try {
      while (pending !== null) {
        const { bytesRead: length } = await pending;
        const buffer = buffers[turn % 2] as Uint8Array;
        if (length === 0) {
          isShort = true;
          pending = null;
          break;
        }
        at += length;
        turn++;
        pending = at < stats.size ? read() : null;
        yield length === buffer.length ? buffer : buffer.subarray(0, length);
      }
    } catch (error) {
      pending = null;
      throw unreadable(file, error);
    } finally {
      await pending?.catch(() => {}); // a read into memory that nobody waits for any more
    }
  }

  return {
    head,
    packing,
    path: file,
    size: stats.size,
    async identify(earlier) {
      const hash = createHash('sha256');
      const shorter = earlier.filter(({ bytes }) => bytes > 0 && bytes < stats.size).sort((a, b) => a.bytes - b.bytes);
      let next = 0;
      let at = 0;
      let known = 0;
      for await (const chunk of raw()) {
        let from = 0;
        while (next < shorter.length && (shorter[next] as EarlierInput).bytes <= at + chunk.length) {
          const candidate = shorter[next++] as EarlierInput;
          hash.update(chunk.subarray(from, candidate.bytes - at));
          from = candidate.bytes - at;
          if (digestOf(hash.copy()) === candidate.digest) known = candidate.bytes;
        }
        hash.update(chunk.subarray(from));
        at += chunk.length;
      }
      return { digest: digestOf(hash), known: packing === null ? known : 0 };
    },
    chunks: () => (packing === null ? raw() : unpacked(raw(), packing, (trouble) => troubles.push(trouble))),
    digestOfRead: () => {
      throw new Error('a file is identified before it is read');
    },
    troubles() {
      const after = fstatSync(handle.fd);
      const there = statSync(file, { throwIfNoEntry: false });
      const found = [...troubles];
      if (isShort || after.size < stats.size)
        found.push('the file was cut off while it was read: what was in it by then is used');
      else if (after.size > stats.size)
        found.push(`the file grew while it was read: ${after.size - stats.size} bytes are left for the next time`);
      else if (after.mtimeMs !== stats.mtimeMs)
        found.push('the file was written to while it was read: some of it may be old and some new');
      if (there && (there.ino !== stats.ino || there.dev !== stats.dev))
        found.push('the file was rotated while it was read: it was read to its end, the new one is another file');
      return found;
    },
    close: () => handle.close(),
  };
}

/** An input that can be read once: its beginning is kept aside for whoever looks at it first. */
async function streamInput(stream: AsyncIterable<Uint8Array>): Promise<FlowInput> {
  const source = stream[Symbol.asyncIterator]();
  const pieces: Uint8Array[] = [];
  let length = 0;
  while (length < HEAD) {
    const { value, done } = await source.next();
    if (done) break;
    pieces.push(Buffer.from(value));
    length += value.length;
  }
  const first = Buffer.concat(pieces);
  const packing = packingOf(first);
  const head = await headOf(first, packing);
  const troubles: string[] = [];
  const hash = createHash('sha256');
  let size = 0;

  async function* raw(): AsyncGenerator<Uint8Array, void, undefined> {
    const count = (bytes: Uint8Array): Uint8Array => {
      hash.update(bytes);
      size += bytes.length;
      return bytes;
    };
    if (first.length > 0) yield count(first);
    try {
      for (;;) {
        const { value, done } = await source.next();
        if (done) return;
        yield count(value);
      }
    } catch (error) {
      throw unreadable('standard input', error);
    }
  }

  return {
    head,
    packing,
    path: null,
    get size() {
      return size;
    },
    identify: async () => null,
    chunks: () => (packing === null ? raw() : unpacked(raw(), packing, (trouble) => troubles.push(trouble))),
    digestOfRead: () => digestOf(hash.copy()),
    troubles: () => troubles,
    close: async () => {
      await source.return?.();
    },
  };
}

function digestOf(hash: Hash): string {
  return `sha256:${hash.digest('hex')}`;
}

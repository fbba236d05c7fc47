import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { constants, inflateRawSync } from 'node:zlib';
import { type Entry, fromRandomAccessReaderPromise, RandomAccessReader } from 'yauzl';

/** A file of an export. */
export interface RecordFile {
  readonly name: string;
  readonly bytes: Buffer;
}

const MAX_ENTRIES = 2_000_000;
/** The largest records of Ubuntu have a few megabytes. */
export const MAX_RECORD_BYTES = 32 * 1024 * 1024;
const MAX_UNPACKED_BYTES = 32 * 1024 ** 3;
const WINDOW_BYTES = 4 * 1024 * 1024;
const LOCAL_HEADER_BYTES = 30;
const DEFLATED = 8;

/** Reads a file by way of a window: an archive of 100,000 small entries is read in order, nearly. */
class FileWindow extends RandomAccessReader {
  readonly #fd: number;
  #window = Buffer.alloc(0);
  #from = 0;

  constructor(fd: number) {
    super();
    this.#fd = fd;
  }

  /** Bytes of the file; fewer at its end. Valid until the next call. */
  at(position: number, length: number): Buffer {
    const offset = position - this.#from;
    if (offset < 0 || offset + length > this.#window.length) {
      const window = Buffer.allocUnsafeSlow(Math.max(WINDOW_BYTES, length));
      this.#window = window.subarray(0, readSync(this.#fd, window, 0, window.length, position));
      this.#from = position;
      return this.#window.subarray(0, length);
    }
    return this.#window.subarray(offset, offset + length);
  }

  override read(...[buffer, offset, length, position, done]: Parameters<RandomAccessReader['read']>): void {
    let failure: Error | null = null;
    try {
      if (this.at(position, length).copy(buffer, offset) < length) failure = new Error('the file ends too early');
    } catch (error) {
      failure = error as Error;
    }
    // not at once: the caller goes on to the next entry from here, 100,000 deep
    queueMicrotask(() => done(failure));
  }

  override close(done: (error: Error | null) => void): void {
    done(null);
  }
}

/**
 * The JSON files of a zip archive, one after the other. What cannot be read of an entry is told to `onProblem`; throws
 * where the archive itself is damaged, or is larger than any export of vulnerabilities.
 */
export async function* zipRecords(path: string, onProblem: (message: string) => void): AsyncGenerator<RecordFile> {
  const fd = openSync(path, 'r');
  try {
    const data = new FileWindow(fd);
    const archive = await fromRandomAccessReaderPromise(new FileWindow(fd), fstatSync(fd).size, { autoClose: false });
    if (archive.entryCount > MAX_ENTRIES) throw new Error(`has more than ${MAX_ENTRIES} entries`);
    let unpacked = 0;
    for await (const entry of archive.eachEntry()) {
      if (!entry.fileName.endsWith('.json')) continue;
      unpacked += entry.uncompressedSize;
      if (unpacked > MAX_UNPACKED_BYTES) throw new Error(`unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
      try {
        yield { name: entry.fileName, bytes: readEntry(entry, data) };
      } catch (error) {
        onProblem(`${entry.fileName}: ${(error as Error).message}`);
      }
    }
  } finally {
    closeSync(fd);
  }
}

/** Content of an entry (PKWARE APPNOTE 6.3.10, 4.3.7); the sizes are those of the central directory. */
function readEntry(entry: Entry, data: FileWindow): Buffer {
  const { compressedSize, compressionMethod, relativeOffsetOfLocalHeader: start, uncompressedSize } = entry;
  if (uncompressedSize > MAX_RECORD_BYTES || compressedSize > MAX_RECORD_BYTES)
    throw new Error(`is larger than ${MAX_RECORD_BYTES} bytes`);
  if ((entry.generalPurposeBitFlag & 1) === 1) throw new Error('is encrypted');
  const header = data.at(start, LOCAL_HEADER_BYTES);
  if (header.length < LOCAL_HEADER_BYTES || header.readUInt32LE(0) !== 0x04034b50)
    throw new Error('is not where it should be');
  const from = start + LOCAL_HEADER_BYTES + header.readUInt16LE(26) + header.readUInt16LE(28);
  const packed = data.at(from, compressedSize);
  if (packed.length < compressedSize) throw new Error('is cut off');
  if (compressionMethod === 0) return Buffer.from(packed);
  if (compressionMethod !== DEFLATED) throw new Error(`is packed by method ${compressionMethod}, which is not known`);
  return inflateRawSync(packed, {
    ...{ maxOutputLength: Math.max(1, uncompressedSize), chunkSize: Math.max(64, uncompressedSize) },
    finishFlush: constants.Z_FINISH,
  });
}

import { createReadStream, fstatSync } from 'node:fs';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { PackageFacts } from '../../model/listener.ts';
import { listSome, type OpenFile, openInside, readInside, readText } from './files.ts';
import { lz4Pieces } from './lz4.ts';

/** A version that the cached data of a package manager offers. */
export interface Offer {
  readonly name: string;
  readonly version: string;
  /** Whether it comes from a repository of security updates; absent: the data does not say. */
  readonly security?: boolean;
}

/** The data that a package manager has cached below a root. */
export interface OfferData {
  /** Tells one state of the data, and of the settings that choose from it, from another. */
  readonly state: string;
  /** When the newest part of it was published or fetched, UTC milliseconds. */
  readonly dataAt: number;
  /** Versions on offer of the packages named. Packages of which nobody can say what would be chosen are left out. */
  readonly offersOf: (wanted: ReadonlyMap<string, PackageFacts>) => AsyncIterable<Offer>;
}

/** Reads the cached data of one package manager; `undefined` where there is none. */
export type OpenOffers = (root: string) => OfferData | undefined;

/** Bound of one file as it lies on disk, and of all data of one root once it is unpacked. */
const MAX_FILE_BYTES = 256 * 1024 * 1024;
const MAX_UNPACKED_BYTES = 1024 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const MAX_NAMES = 10_000;

/** Ends of file names that `unpack` understands. */
export const PACKED = ['', '.gz', '.lz4', '.zst'];

/** Size and modification time of a file below a root, as text; `undefined` where there is none. */
export function stateInside(root: string, path: string): { readonly text: string; readonly at: number } | undefined {
  const file = openInside(root, path);
  if (file === undefined) return undefined;
  try {
    const { size, mtimeMs } = fstatSync(file.fd);
    return { text: `${path}|${size}|${mtimeMs}`, at: Math.trunc(mtimeMs) };
  } finally {
    file.close();
  }
}

/** Names in a directory below a root, sorted; none where there is no such directory. At most 10,000 are looked at. */
export function namesInside(root: string, path: string): string[] {
  const directory = openInside(root, path);
  if (directory === undefined) return [];
  try {
    return listSome(directory.path, MAX_NAMES).sort();
  } finally {
    directory.close();
  }
}

/** The beginning of a text file below a root, however long it is; `undefined` where there is none. */
export function headInside(root: string, path: string, maxBytes: number): string | undefined {
  const file = openInside(root, path);
  if (file === undefined) return undefined;
  try {
    return readText(file.path, maxBytes);
  } finally {
    file.close();
  }
}

/** Texts of files below a root, until they have more than `maxBytes` together: `isWhole` says whether that were all. */
export function textsInside(root: string, paths: readonly string[], maxBytes: number) {
  const texts = new Map<string, string>();
  let left = maxBytes;
  for (const path of paths) {
    const text = headInside(root, path, left + 1);
    if (text === undefined) continue;
    left -= Buffer.byteLength(text);
    if (left < 0) return { texts, isWhole: false };
    texts.set(path, text);
  }
  return { texts, isWhole: true };
}

/** A bound that several files share. */
export function createBudget(): { left: number } {
  return { left: MAX_UNPACKED_BYTES };
}

/**
 * Content of a file below a root, unpacked by the end of its name, in pieces. Throws where it cannot be read, is too
 * large, or is damaged.
 */
export async function* unpack(root: string, path: string, budget: { left: number }): AsyncGenerator<Buffer> {
  for await (const piece of pieces(root, path)) {
    budget.left -= piece.length;
    if (budget.left < 0) throw new RangeError(`${path}: unpacks to more than ${MAX_UNPACKED_BYTES} bytes`);
    yield piece;
  }
}

async function* pieces(root: string, path: string): AsyncGenerator<Buffer> {
  if (path.endsWith('.lz4')) {
    const bytes = readInside(root, path, MAX_FILE_BYTES);
    if (bytes === undefined) throw new RangeError(`${path}: cannot be read`);
    yield* lz4Pieces(bytes);
    return;
  }
  const file = openInside(root, path);
  if (file === undefined || file.size > MAX_FILE_BYTES) {
    file?.close();
    throw new RangeError(`${path}: cannot be read`);
  }
  try {
    yield* readPacked(file, path);
  } finally {
    file.close();
  }
}

async function* readPacked(file: OpenFile, path: string): AsyncGenerator<Buffer> {
  const stream = createReadStream(file.path, { highWaterMark: CHUNK_BYTES });
  const unpacker = path.endsWith('.gz')
    ? createGunzip({ chunkSize: CHUNK_BYTES })
    : path.endsWith('.zst')
      ? createZstdDecompress({ chunkSize: CHUNK_BYTES })
      : null;
  if (unpacker === null) return yield* stream;
  stream.on('error', (error) => unpacker.destroy(error));
  try {
    yield* stream.pipe(unpacker);
  } finally {
    stream.destroy();
    unpacker.destroy();
  }
}

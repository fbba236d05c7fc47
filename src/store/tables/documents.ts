import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { UserError } from '../../model/errors.ts';
import { sha256 as digestOf } from '../../util/sha256.ts';
import { batches, type Database, writeBatches } from '../database.ts';
import type { DocumentKind } from '../store.ts';

/** A file by content hash. */
export interface DocumentTable {
  /** Of the uncompressed bytes, hex. */
  sha256: string;
  kind: string;
  /** Uncompressed, bytes. */
  size: number;
  zstd: Uint8Array;
}

/** Largest document; SQLite itself stops at 10^9 bytes. */
export const MAX_DOCUMENT_BYTES = 256 * 1024 * 1024;

/** Keeps a document once. Throws Error if the bytes have another hash, UserError if they are too many. */
export function writeDocument(db: Database, kind: DocumentKind, sha256: string, bytes: Uint8Array): Promise<void> {
  return writeDocuments(db, kind, new Map([[sha256, bytes]]));
}

/** The same for several of a kind, by hash. */
export async function writeDocuments(
  db: Database,
  kind: DocumentKind,
  documents: ReadonlyMap<string, Uint8Array>,
): Promise<void> {
  const known = new Set<string>();
  for (const some of batches([...documents.keys()])) {
    const rows = await db.selectFrom('documents').select('sha256').where('sha256', 'in', some).execute();
    for (const row of rows) known.add(row.sha256);
  }
  const rows: DocumentTable[] = [];
  for (const [sha256, bytes] of documents) {
    if (known.has(sha256)) continue;
    if (bytes.length > MAX_DOCUMENT_BYTES) {
      throw new UserError(
        `a ${kind} of ${bytes.length} bytes is too large to keep: at most ${MAX_DOCUMENT_BYTES} bytes`,
      );
    }
    if (digestOf(bytes) !== sha256) throw new Error(`the ${kind} does not have the hash ${sha256}`);
    rows.push({ sha256, kind, size: bytes.length, zstd: pack(bytes) });
  }
  await writeBatches(db, 'documents', rows, (batch) => db.insertInto('documents').values(batch));
}

/** Documents up to this size are framed without compression: setting up the compressor takes 20 times as long as that. */
const PLAIN_BYTES = 1_024;
/** Frame header descriptor: a single segment; the content size follows in two bytes, less 256. */
const PLAIN_HEADER = 0x60;
/** Magic number, descriptor, content size, block header. */
const PLAIN_START = 10;

/** A zstd frame (RFC 8878, 3.1.1): compressed, or of one raw block where the document is small. */
function pack(bytes: Uint8Array): Uint8Array {
  if (bytes.length < 256 || bytes.length > PLAIN_BYTES) return zstdCompressSync(bytes);
  const frame = Buffer.allocUnsafe(PLAIN_START + bytes.length);
  frame.writeUInt32LE(0xfd2fb528, 0);
  frame.writeUInt8(PLAIN_HEADER, 4);
  frame.writeUInt16LE(bytes.length - 256, 5);
  frame.writeUIntLE((bytes.length << 3) | 1, 7, 3); // last block, raw
  frame.set(bytes, PLAIN_START);
  return frame;
}

/** Bytes of a document, checked against their hash; undefined if there is none. */
export async function readDocument(db: Database, sha256: string): Promise<Uint8Array | undefined> {
  return (await readDocuments(db, [sha256])).get(sha256);
}

/** The same for several, by hash. */
export async function readDocuments(db: Database, hashes: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
  const documents = new Map<string, Uint8Array>();
  for (const some of batches(hashes)) {
    const rows = await db.selectFrom('documents').selectAll().where('sha256', 'in', some).execute();
    for (const row of rows) documents.set(row.sha256, checked(row));
  }
  return documents;
}

function checked(row: DocumentTable): Uint8Array {
  const bytes = unpack(row);
  if (bytes === undefined || digestOf(bytes) !== row.sha256) {
    throw new UserError(`the ${row.kind} ${row.sha256} in the store is damaged: its bytes have another hash`, {
      hint: 'Restore a backup of the store.',
    });
  }
  return bytes;
}

function unpack({ zstd, size }: DocumentTable): Uint8Array | undefined {
  // One raw block, as pack writes it: nothing to decompress, and what is not so has another hash.
  if (zstd[4] === PLAIN_HEADER && zstd.length === size + PLAIN_START) return zstd.subarray(PLAIN_START);
  try {
    return zstdDecompressSync(zstd, { maxOutputLength: Math.max(1, size) });
  } catch {
    return undefined;
  }
}

import { zstdCompressSync, zstdDecompressSync } from 'node:zlib';
import { UserError } from '../../model/errors.ts';
import { sha256 as digestOf } from '../../util/sha256.ts';
import type { Database } from '../database.ts';
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
export async function writeDocument(
  db: Database,
  kind: DocumentKind,
  sha256: string,
  bytes: Uint8Array,
): Promise<void> {
  const known = await db.selectFrom('documents').select('kind').where('sha256', '=', sha256).executeTakeFirst();
  if (known) return;
  if (bytes.length > MAX_DOCUMENT_BYTES) {
    throw new UserError(`a ${kind} of ${bytes.length} bytes is too large to keep: at most ${MAX_DOCUMENT_BYTES} bytes`);
  }
  if (digestOf(bytes) !== sha256) throw new Error(`the ${kind} does not have the hash ${sha256}`);
  await db
    .insertInto('documents')
    .values({ sha256, kind, size: bytes.length, zstd: zstdCompressSync(bytes) })
    .execute();
}

/** Bytes of a document, checked against their hash; undefined if there is none. */
export async function readDocument(db: Database, sha256: string): Promise<Uint8Array | undefined> {
  const row = await db.selectFrom('documents').selectAll().where('sha256', '=', sha256).executeTakeFirst();
  if (!row) return undefined;
  const bytes = unpack(row);
  if (bytes === undefined || digestOf(bytes) !== sha256) {
    throw new UserError(`the ${row.kind} ${sha256} in the store is damaged: its bytes have another hash`, {
      hint: 'Restore a backup of the store.',
    });
  }
  return bytes;
}

function unpack(row: DocumentTable): Uint8Array | undefined {
  try {
    return zstdDecompressSync(row.zstd, { maxOutputLength: Math.max(1, row.size) });
  } catch {
    return undefined;
  }
}

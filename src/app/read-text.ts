import { createReadStream } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { UserError } from '../model/errors.ts';

/**
 * Returns the whole text of a file; `-` is standard input, gzip is unpacked, UTF-16 is told by its byte order mark. At most
 * `maxBytes` are read, whatever the file says of its size (a device has none). Throws UserError.
 */
export async function readText(path: string, maxBytes: number): Promise<string> {
  const bytes = await readBytes(path, maxBytes);
  const plain = bytes[0] === 0x1f && bytes[1] === 0x8b ? unpack(bytes, path, maxBytes) : bytes;
  const [first, second] = plain;
  const utf16 = first === 0xff && second === 0xfe ? 'utf-16le' : first === 0xfe && second === 0xff ? 'utf-16be' : null;
  return new TextDecoder(utf16 ?? 'utf-8').decode(plain);
}

async function readBytes(path: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Buffer[] = [];
  let size = 0;
  try {
    const stream = path === '-' ? process.stdin : createReadStream(path);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge(path, maxBytes);
      chunks.push(chunk);
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`${nameOf(path)} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  return Buffer.concat(chunks);
}

function unpack(bytes: Uint8Array, path: string, maxBytes: number): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: maxBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge(path, maxBytes);
    throw new UserError(`${nameOf(path)} is no complete gzip file: ${(error as Error).message}`, { cause: error });
  }
}

function tooLarge(path: string, maxBytes: number): UserError {
  return new UserError(`${nameOf(path)} is larger than ${maxBytes >> 20} MiB`, { hint: 'Export it in parts.' });
}

function nameOf(path: string): string {
  return path === '-' ? 'standard input' : path;
}

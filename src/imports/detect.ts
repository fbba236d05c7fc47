import { createGunzip } from 'node:zlib';
import type { ImportHead, ImportProblem } from './import-format.ts';
import { decodeText } from './lines.ts';

/** Bytes of a file by which its format is told. */
export const HEAD_BYTES = 64 * 1024;
/**
 * A compressed file may unfold to this many times its size; deflate itself stops at 1,032. Scans of nmap reach 20 to 60.
 * Looked at only beyond MIN_BOMB_BYTES, since small files do no harm.
 */
const MAX_UNFOLDING = 400;
const MIN_BOMB_BYTES = 256 * 1024 * 1024;

/** An input whose beginning was looked at; `input` still is the whole of it. */
export interface PeekedInput {
  readonly head: ImportHead;
  readonly input: AsyncIterable<Uint8Array>;
}

/** Looks at the beginning of an input. `name`: file name without folders, or `-`. What is gzip is unfolded. */
export async function peekInput(
  source: AsyncIterable<Uint8Array>,
  name: string,
  report: (problem: ImportProblem) => void,
): Promise<PeekedInput> {
  let peeked = await peek(source);
  let plainName = name;
  if (isGzip(peeked.bytes)) {
    peeked = await peek(gunzip(peeked.input, report));
    plainName = name.replace(/\.gz$/, '');
  }
  const { bytes, isWhole, input } = peeked;
  let text = '';
  for await (const piece of decodeText(once(bytes))) text += piece;
  return { head: { name: plainName, text, isWhole }, input };
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array, void, undefined> {
  yield bytes;
}

async function peek(
  source: AsyncIterable<Uint8Array>,
): Promise<{ bytes: Uint8Array; isWhole: boolean; input: AsyncIterable<Uint8Array> }> {
  const iterator = source[Symbol.asyncIterator]();
  const chunks: Uint8Array[] = [];
  let size = 0;
  let isWhole = false;
  while (size < HEAD_BYTES && !isWhole) {
    const next = await iterator.next();
    if (next.done) isWhole = true;
    else {
      chunks.push(next.value);
      size += next.value.length;
    }
  }
  async function* whole(): AsyncGenerator<Uint8Array, void, undefined> {
    try {
      yield* chunks.splice(0);
      if (isWhole) return;
      for (let next = await iterator.next(); !next.done; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  }
  const bytes = Buffer.concat(chunks);
  return { bytes: bytes.subarray(0, HEAD_BYTES), isWhole: isWhole && bytes.length <= HEAD_BYTES, input: whole() };
}

function isGzip(head: Uint8Array): boolean {
  return head[0] === 0x1f && head[1] === 0x8b;
}

/** Unfolds gzip (RFC 1952). What is damaged, cut off or a bomb is reported, and ends the input there. */
async function* gunzip(
  source: AsyncIterable<Uint8Array>,
  report: (problem: ImportProblem) => void,
): AsyncGenerator<Uint8Array, void, undefined> {
  let read = 0;
  let unfolded = 0;
  const stream = createGunzip();
  stream.on('error', () => {}); // also thrown by the iteration below
  const fed = feed(source, stream, (bytes) => {
    read += bytes;
  });
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      unfolded += chunk.length;
      if (unfolded > MIN_BOMB_BYTES && unfolded > read * MAX_UNFOLDING) {
        report({
          place: `byte ${read}`,
          message: `${read} compressed bytes unfold to more than ${MAX_UNFOLDING} times as many: the file is read up to here`,
        });
        return;
      }
      yield chunk;
    }
  } catch (error) {
    if (!(error as NodeJS.ErrnoException).code?.startsWith('Z_')) throw error;
    report({
      place: `byte ${read}`,
      message: `the compressed data is damaged or cut off (${(error as Error).message}): the file is read up to here`,
    });
  } finally {
    stream.destroy();
    await fed;
  }
}

/** Writes the source into the stream at the pace of its reader. A source that fails makes the stream fail. */
async function feed(
  source: AsyncIterable<Uint8Array>,
  stream: ReturnType<typeof createGunzip>,
  count: (bytes: number) => void,
): Promise<void> {
  try {
    for await (const chunk of source) {
      if (stream.destroyed) return;
      count(chunk.length);
      if (!stream.write(chunk))
        await new Promise<void>((resolve) => {
          const go = () => {
            stream.off('drain', go);
            stream.off('close', go);
            resolve();
          };
          stream.on('drain', go);
          stream.on('close', go);
        });
    }
    stream.end();
  } catch (error) {
    stream.destroy(error as Error);
  }
}

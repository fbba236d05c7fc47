import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Piece, wholeLines } from './flow-pieces.ts';

async function* of(chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  // One buffer for every chunk, as a reader of files has it: what was handed out must not be needed any more.
  const buffer = new Uint8Array(Math.max(1, ...chunks.map((chunk) => chunk.length)));
  for (const chunk of chunks) {
    buffer.set(chunk);
    yield buffer.subarray(0, chunk.length);
  }
}

async function pieces(chunks: readonly Uint8Array[], maxLine?: number): Promise<[text: string, isTooLong: boolean][]> {
  const found: [string, boolean][] = [];
  for await (const piece of wholeLines(of(chunks), maxLine)) found.push([textOf(piece), piece.isTooLong]);
  return found;
}

function textOf({ bytes, from, to }: Piece): string {
  return Buffer.from(bytes.subarray(from, to)).toString('latin1');
}

const TEXT = Buffer.from('first\nsecond line\n\n\nfifth\r\nno line end');

test('pieces are the input, in whole lines, wherever it was cut', async () => {
  for (let at = 0; at <= TEXT.length; at++)
    for (let next = at; next <= TEXT.length; next++) {
      const found = await pieces([TEXT.subarray(0, at), TEXT.subarray(at, next), TEXT.subarray(next)]);
      assert.equal(found.map(([text]) => text).join(''), TEXT.toString());
      for (const [text] of found.slice(0, -1)) assert.ok(text.endsWith('\n'), JSON.stringify(text));
    }
});

test('a line that is too long is told of once, and the others come as they are', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 1, max: 50 }),
      async (lengths, size) => {
        const lines = lengths.map((length, n) => `${String(n % 10).repeat(length)}\n`);
        const bytes = Buffer.from(lines.join(''));
        const chunks: Uint8Array[] = [];
        for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
        const found = await pieces(chunks, 20);
        const short = found.filter(([, isTooLong]) => !isTooLong).map(([text]) => text);
        const long = found.filter(([, isTooLong]) => isTooLong);
        // A chunk that holds a whole line hands it out without looking at its length.
        for (const [text] of long) assert.ok(text.length <= 21);
        const kept = short
          .join('')
          .split('\n')
          .filter((line) => line !== '');
        const wanted = lines.map((line) => line.trim()).filter((line) => line !== '');
        assert.deepEqual(
          wanted.filter((line) => line.length < 20),
          kept.filter((line) => line.length < 20),
        );
        assert.equal(kept.length + long.length, wanted.length);
      },
    ),
    { numRuns: 300 },
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { readLines } from './lines.ts';

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

async function read(bytes: Uint8Array, size: number, maxLength?: number) {
  const lines = [];
  for await (const line of readLines(chunks(bytes, size), maxLength)) lines.push(line);
  return lines;
}

test('lines: line feed, CR LF, an empty line, no line feed at the end', async () => {
  assert.deepEqual(await read(Buffer.from('a\r\n\nb'), 2), [
    { text: 'a', number: 1, isTooLong: false, hasEnd: true },
    { text: '', number: 2, isTooLong: false, hasEnd: true },
    { text: 'b', number: 3, isTooLong: false, hasEnd: false },
  ]);
  assert.deepEqual(await read(Buffer.from(''), 2), []);
});

test('lines: UTF-8 and UTF-16 with byte order marks, at any cut', async () => {
  const text = '\ufeffgrün\r\n€ 😀\n';
  for (const bytes of [Buffer.from(text), Buffer.from(text, 'utf16le'), Buffer.from(text, 'utf16le').swap16()])
    for (let size = 1; size < 8; size++)
      assert.deepEqual(
        (await read(bytes, size)).map((l) => l.text),
        ['grün', '€ 😀'],
      );
});

test('lines: a line that is too long is cut, the next one is whole', async () => {
  for (const size of [1, 3, 100]) {
    const lines = await read(Buffer.from(`${'x'.repeat(50)}\nnext\n${'y'.repeat(50)}`), size, 10);
    assert.deepEqual(
      lines.map((l) => [l.text, l.number, l.isTooLong]),
      [
        ['x'.repeat(10), 1, true],
        ['next', 2, false],
        ['y'.repeat(10), 3, true],
      ],
    );
  }
});

test('lines: any bytes give the same lines however they are cut into pieces', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 7 }), async (bytes, size) => {
      assert.deepEqual(await read(bytes, size, 5), await read(bytes, 1000, 5));
    }),
    { numRuns: 200 },
  );
});

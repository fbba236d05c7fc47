import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { peekInput } from './detect.ts';
import type { ImportProblem } from './import-format.ts';

async function* chunks(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let i = 0; i < bytes.length; i += size) yield bytes.subarray(i, i + size);
}

async function peek(bytes: Uint8Array, name: string, size = 1000) {
  const problems: ImportProblem[] = [];
  const { head, input } = await peekInput(chunks(bytes, size), name, (problem) => problems.push(problem));
  let length = 0;
  const parts: Uint8Array[] = [];
  for await (const part of input) {
    length += part.length;
    if (length < 1e6) parts.push(part);
  }
  return { head, length, text: Buffer.concat(parts).toString(), problems };
}

test('detect: the head is 64 KiB and the input is whole', async () => {
  const text = 'line\n'.repeat(40_000);
  for (const [bytes, name] of [
    [Buffer.from(text), 'a.xml'],
    [gzipSync(text), 'a.xml.gz'],
  ] as const) {
    const seen = await peek(bytes, name);
    assert.deepEqual([seen.head.name, seen.head.isWhole, seen.head.text.length], ['a.xml', false, 65_536]);
    assert.equal(seen.text, text);
    assert.deepEqual(seen.problems, []);
  }
});

test('detect: a short and an empty input', async () => {
  assert.deepEqual((await peek(Buffer.from('\ufeffabc', 'utf16le'), '-')).head, {
    name: '-',
    text: 'abc',
    isWhole: true,
  });
  assert.deepEqual((await peek(Buffer.alloc(0), '-')).head, { name: '-', text: '', isWhole: true });
});

test('detect: gzip that is cut off or damaged gives what comes before', async () => {
  const lines = Array.from({ length: 20_000 }, (_, i) => `line ${i * 7919}\n`).join('');
  const whole = gzipSync(lines);
  const cut = await peek(whole.subarray(0, whole.length / 2), 'a.gz');
  assert.ok(cut.text.length > 1000 && lines.startsWith(cut.text));
  assert.match(cut.problems[0]?.message ?? '', /damaged or cut off/);
  const damaged = Buffer.from(whole);
  damaged.fill(0xff, whole.length >> 1, (whole.length >> 1) + 100);
  assert.equal((await peek(damaged, 'a.gz')).problems.length, 1);
});

test('detect: a bomb is not unfolded to its end', async () => {
  const { length, problems } = await peek(gzipSync(Buffer.alloc(320 * 1024 * 1024)), 'bomb.gz', 65_536);
  assert.ok(length < 300 * 1024 * 1024, `${length}`);
  assert.match(problems[0]?.message ?? '', /unfold to more than 400 times/);
});

test('detect: a reader that stops early ends the source', async () => {
  let isEnded = false;
  async function* source(): AsyncGenerator<Uint8Array> {
    try {
      for (;;) yield gzipSync('x'.repeat(100_000)).subarray(0, 10);
    } finally {
      isEnded = true;
    }
  }
  const { input } = await peekInput(plain(source()), 'a', () => {});
  for await (const _ of input) break;
  assert.ok(isEnded);
});

/** The same bytes without what looks like gzip. */
async function* plain(source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for await (const bytes of source) yield bytes.map((byte) => byte & 0x7f);
}

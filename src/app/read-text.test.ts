import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { readText } from './read-text.ts';

const MIB = 1024 * 1024;
const dir = mkdtempSync(join(tmpdir(), 'quietdoor-read-'));
after(() => rmSync(dir, { recursive: true }));

const file = (name: string, bytes: Uint8Array | string): string => {
  writeFileSync(join(dir, name), bytes);
  return join(dir, name);
};

const CASES: Readonly<Record<string, { bytes: Uint8Array | string; want: string }>> = {
  plain: { bytes: 'name,ip\n', want: 'name,ip\n' },
  gzip: { bytes: gzipSync('name,ip\n'), want: 'name,ip\n' },
  utf16le: { bytes: Buffer.from('\uFEFFname', 'utf16le'), want: 'name' },
  utf16be: { bytes: Buffer.from('\uFEFFname', 'utf16le').swap16(), want: 'name' },
  'utf-8 with a mark': { bytes: '\uFEFFname', want: 'name' },
  'no UTF-8': { bytes: Buffer.from([0x61, 0xff]), want: 'a\uFFFD' },
  empty: { bytes: '', want: '' },
};
for (const [name, { bytes, want }] of Object.entries(CASES))
  test(`${name} is read`, async () => assert.equal(await readText(file(name, bytes), MIB), want));

const REFUSED: Readonly<Record<string, { path: () => string; message: RegExp }>> = {
  'a file that is too large': {
    path: () => file('large', Buffer.alloc(MIB + 1)),
    message: /large is larger than 1 MiB/,
  },
  'a gzip bomb': {
    path: () => file('bomb.gz', gzipSync(Buffer.alloc(8 * MIB))),
    message: /bomb.gz is larger than 1 MiB/,
  },
  'half a gzip file': {
    path: () => file('half.gz', gzipSync('name,ip\n').subarray(0, 20)),
    message: /no complete gzip/,
  },
  'a device without an end': { path: () => '/dev/zero', message: /is larger than 1 MiB/ },
  'a folder': { path: () => dir, message: /cannot be read/ },
  'no file': { path: () => join(dir, 'none'), message: /cannot be read: ENOENT/ },
};
for (const [name, { path, message }] of Object.entries(REFUSED))
  test(`${name} is refused`, () => assert.rejects(readText(path(), MIB), { name: 'UserError', message }));

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { flowFormats } from './index.ts';

const root = join(import.meta.dirname, '../../fixtures');
const HEAD = 65_536;

/** Folder of fixtures/flows, or one of its files, and the format of what is in there. */
const FORMAT_OF: Readonly<Record<string, string | null>> = {
  conntrack: 'conntrack',
  eve: 'eve',
  journal: 'journal',
  'netfilter-log': 'netfilter-log',
  'nfdump/flows.nfcapd': null,
  nfdump: 'nfdump',
  'zeek/conn.json': 'zeek-json',
  zeek: 'zeek',
};

const files = readdirSync(join(root, 'flows'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => join(entry.parentPath, entry.name).slice(join(root, 'flows').length + 1))
  .filter((file) => file in FORMAT_OF || (file.split('/')[0] as string) in FORMAT_OF);

function claims(bytes: Uint8Array): string[] {
  return flowFormats.filter(({ detect }) => detect(bytes.subarray(0, HEAD))).map(({ name }) => name);
}

suite('formats of flow logs are told apart', () => {
  assert.ok(files.length >= 10);
  for (const file of files) {
    const want = FORMAT_OF[file] === undefined ? FORMAT_OF[file.split('/')[0] as string] : FORMAT_OF[file];
    test(file, () => assert.deepEqual(claims(readFileSync(join(root, 'flows', file))), want ? [want] : []));
  }

  test('nothing of what other commands import is taken for a flow log', () => {
    const others = ['imports', 'inventories', 'manifests', 'firewall', 'tickets', 'advisories'];
    const seen: string[] = [];
    for (const folder of others)
      for (const entry of readdirSync(join(root, folder), { recursive: true, withFileTypes: true })) {
        if (!entry.isFile()) continue;
        const file = join(entry.parentPath, entry.name);
        seen.push(file);
        assert.deepEqual(claims(readFileSync(file)), [], file);
      }
    assert.ok(seen.length > 20);
  });

  test('nothing is no flow log, and neither is a name or a line of text', () => {
    for (const text of ['', '\n', '{}', '[]', 'hello\n', '\0\0\0\0', 'IN=eth0 OUT= SRC=10.0.0.1\n', '#fields\tts\n'])
      assert.deepEqual(claims(new TextEncoder().encode(text)), [], JSON.stringify(text));
  });

  test('the beginning of a file is enough, wherever it is cut behind the first lines', () => {
    for (const file of files.filter((f) => FORMAT_OF[f] !== null)) {
      const bytes = readFileSync(join(root, 'flows', file));
      const whole = claims(bytes);
      for (let length = 0; length < bytes.length; length += 61) {
        const found = claims(bytes.subarray(0, length));
        assert.ok(found.length === 0 || found[0] === whole[0], `${file} cut at ${length}: ${found}`);
        assert.ok(found.length <= 1, `${file} cut at ${length}: ${found}`);
      }
    }
  });
});

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { assertGolden } from '../../test/golden.ts';
import { UserError } from '../model/errors.ts';
import type { AssetFile, AssetFormat } from './asset-format.ts';
import { csv } from './csv.ts';
import { assetFormats } from './index.ts';
import { netbox } from './netbox.ts';

const FIXTURES = join(import.meta.dirname, '../../fixtures/inventories');

function fixture(path: string): AssetFile {
  return { source: basename(path), text: new TextDecoder().decode(readFileSync(join(FIXTURES, path))) };
}

function formatOf(file: AssetFile): AssetFormat | undefined {
  return assetFormats.find((format) => format.detect({ name: file.source, text: file.text.slice(0, 65_536) }));
}

const noMapping = { mapping: new Map() };

for (const [format, ...files] of [
  ['netbox', 'devices.json', 'virtual-machines.json', 'ip-addresses.json'],
  ['csv', 'cmdb.csv'],
  ['terraform', 'terraform.tfstate', 'show.json'],
  ['ansible', 'inventory.ini'],
] as const)
  test(`${format}: ${files.join(', ')} give the assets and problems of the golden file`, () => {
    const read = files.map((file) => fixture(`${format}/${file}`));
    for (const file of read) assert.equal(formatOf(file)?.name, format, file.source);
    const reading = formatOf(read[0] as AssetFile)?.read(read, noMapping);
    const ids = reading?.assets.map((asset) => asset.id) ?? [];
    assert.equal(new Set(ids).size, ids.length);
    const text = JSON.stringify(reading, null, 2);
    assert.ok(!/hunter2|secret/.test(text), 'secrets of a state stay in it');
    assertGolden(`inventories/${format}/golden.json`, `${text}\n`);
  });

test('the order of the files of NetBox does not matter for what is known of a machine', () => {
  const files = ['devices.json', 'virtual-machines.json', 'ip-addresses.json'].map((f) => fixture(`netbox/${f}`));
  const byId = (list: readonly AssetFile[]) =>
    new Map(netbox.read(list, noMapping).assets.map((asset) => [asset.id, asset]));
  assert.deepEqual(byId(files.toReversed()), byId(files));
});

test('columns of a table are what the mapping says, and else what their titles say', () => {
  const text = 'System,Adresse,Mgmt,Verantwortlich\nsap-1,10.7.0.1,10.7.1.1,team-sap\n';
  const mapping = new Map([
    ['name', ['System']],
    ['addresses', ['Adresse', 'mgmt']],
    ['owner', ['Verantwortlich']],
  ] as const);
  const [asset] = csv.read([{ source: 't.csv', text }], { mapping }).assets;
  assert.deepEqual([asset?.name, asset?.addresses, asset?.owner], ['sap-1', ['10.7.0.1', '10.7.1.1'], 'team-sap']);
  assert.throws(() => csv.read([{ source: 't.csv', text }], noMapping), UserError);
  assert.throws(
    () => csv.read([{ source: 't.csv', text }], { mapping: new Map([['name', ['Sistem']]]) }),
    /has no column "Sistem"/,
  );
});

test('what is none of the formats is taken by none', () => {
  for (const text of ['', 'hello\n', '<nmaprun/>', '{"ports": []}', 'Netid State Recv-Q Send-Q\n'])
    assert.equal(formatOf({ source: 'x', text })?.name, undefined, text);
});

/** Nothing here may throw anything but UserError, whatever the text. */
function readsOrRefuses(format: AssetFormat, text: string): void {
  try {
    const { assets, problems } = format.read([{ source: 'x', text }], noMapping);
    for (const asset of assets) {
      assert.ok(asset.name.length > 0);
      assert.ok(!/[\p{Cc}\p{Cf}]/u.test(JSON.stringify(asset)), 'no invisible characters');
    }
    for (const problem of problems) assert.ok(problem.message.length > 0);
  } catch (error) {
    assert.ok(error instanceof UserError, String(error));
  }
}

test('no name and no id of an asset has invisible characters', () => {
  for (const format of assetFormats) readsOrRefuses(format, '\u{13430}#');
});

test('any text, and any JSON, is read or refused', () => {
  for (const format of assetFormats) {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => readsOrRefuses(format, text)),
      { numRuns: 100 },
    );
    fc.assert(
      fc.property(fc.json(), (text) => readsOrRefuses(format, text)),
      { numRuns: 100 },
    );
  }
});

test('an export that is cut, or with a part of it replaced, is read or refused', () => {
  for (const folder of readdirSync(FIXTURES))
    for (const name of readdirSync(join(FIXTURES, folder))) {
      if (name === 'golden.json') continue;
      const file = fixture(`${folder}/${name}`);
      const format = formatOf(file) as AssetFormat;
      fc.assert(
        fc.property(
          fc.nat(file.text.length),
          fc.constantFrom('', '{', ']', '"', 'null', '\u001b[2J', '\n'),
          (at, text) => {
            readsOrRefuses(format, file.text.slice(0, at));
            readsOrRefuses(format, `${file.text.slice(0, at)}${text}${file.text.slice(at + 1)}`);
          },
        ),
        { numRuns: 40 },
      );
    }
});

test('members named like those of every object are data', () => {
  const text =
    '[{"id": 1, "url": "/api/dcim/devices/1/", "name": "__proto__", "__proto__": {"x": 1}, "custom_fields": {"constructor": 1, "owner": "o"}}]';
  const [asset] = netbox.read([{ source: 'x', text }], noMapping).assets;
  assert.equal(asset?.name, '__proto__');
  assert.equal(asset?.owner, 'o');
});

test('a hundred thousand rows of one asset are put together once, not each time anew', () => {
  const rows = Array.from({ length: 100_000 }, (_, i) => `a,10.0.${(i >> 8) & 255}.${i & 255},t${i % 7}\n`).join('');
  const { assets } = csv.read([{ source: 'a.csv', text: `name,ip,tags\n${rows}` }], noMapping);
  assert.deepEqual([assets.length, assets[0]?.addresses.length, assets[0]?.tags.length], [1, 1000, 7]);
});

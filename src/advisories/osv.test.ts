import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { after, suite, test } from 'node:test';
import { crc32, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { versionOrder } from '../model/versions/index.ts';
import { foldAdvisories } from './fold.ts';
import { readKev } from './kev.ts';
import { lookUpOsv } from './osv.ts';
import { advisoryFor, isOfEcosystem, type OsvRecord, type WantedPackage } from './osv-record.ts';
import { recordFiles } from './record-files.ts';

const fixtures = resolve(import.meta.dirname, '../../fixtures/advisories');
const tmp = mkdtempSync(join(tmpdir(), 'qd-osv-'));
after(() => rmSync(tmp, { recursive: true, force: true }));

function wanted(ecosystem: string, version: string, ...names: string[]): WantedPackage {
  const manager = ecosystem.startsWith('Alpine') ? 'apk' : /Debian|Ubuntu/.test(ecosystem) ? 'dpkg' : 'rpm';
  return { ecosystem, names: names.map((name) => ({ name, version })), compare: versionOrder(manager) };
}

async function idsOf(path: string, one: WantedPackage): Promise<readonly string[]> {
  const { advisories } = await lookUpOsv([join(fixtures, path)], [one]);
  return (advisories[0] ?? []).map((a) => a.id);
}

suite('looking packages up', () => {
  test('a Debian source package, with what could not be read and what the data covers', async () => {
    const ssh = wanted('Debian:12', '1:9.2p1-2+deb12u2', 'openssh');
    const answer = await lookUpOsv([join(fixtures, 'debian')], [ssh, wanted('Debian:11', '1', 'openssh')]);
    assert.deepEqual([...answer.covered], ['Debian:12']);
    assert.equal(answer.newest, Date.parse('2025-11-20T10:00:00Z'));
    assert.equal(answer.problems.length, 1);
    assert.match(answer.problems[0] ?? '', /broken\.json: is no OSV record \(modified: /);
    assert.deepEqual(answer.advisories, [
      [
        {
          id: 'DEBIAN-CVE-2007-2768',
          aliases: ['CVE-2007-2768'],
          summary: 'With PAM for one-time passwords, answers differ by whether an account exists.',
          severity: 'unimportant',
        },
        {
          id: 'DEBIAN-CVE-2024-6387',
          aliases: ['CVE-2024-6387'],
          summary: 'A signal handler race in sshd lets a client run code before it logs in.',
          fixed: '1:9.2p1-2+deb12u3',
          severity: 'CVSS:3.1/AV:N/AC:H/PR:N/UI:N/S:U/C:H/I:H/A:H',
        },
        {
          id: 'DSA-5724-1',
          aliases: ['CVE-2024-6387'],
          summary: 'openssh - security update',
          fixed: '1:9.2p1-2+deb12u3',
        },
      ],
      [],
    ]);
  });

  test('versions before, at and after the fix; other releases', async () => {
    const rows: readonly [path: string, wanted: WantedPackage, ids: readonly string[]][] = [
      ['debian', wanted('Debian:12', '1:9.2p1-2+deb12u3', 'openssh'), ['DEBIAN-CVE-2007-2768']],
      ['debian', wanted('Debian:12', '1:9.2p1-2+deb12u10', 'openssh'), ['DEBIAN-CVE-2007-2768']],
      ['debian', wanted('Debian:13', '1:9.7p1-6', 'openssh'), ['DEBIAN-CVE-2024-6387']],
      ['debian', wanted('Debian:1', '0', 'openssh'), []],
      ['debian', wanted('Debian:9', '4.89-2+deb9u3', 'exim4'), ['DSA-4456-1']],
      ['other', wanted('Alpine:v3.14', '2.4.48-r0', 'apache2'), []],
      ['other', wanted('Alpine:v3.14', '2.4.49-r0', 'apache2'), ['ALPINE-CVE-2021-41773']],
      ['other', wanted('Alpine:v3.14', '2.4.50-r0', 'apache2'), []],
      ['other', wanted('Rocky Linux:9', '8.7p1-38.el9', 'openssh-server', 'openssh'), ['RLSA-2024:4312']],
      ['other', wanted('Rocky Linux:9', '8.7p1-38.el9_4.4', 'openssh-server', 'openssh'), []],
      ['other', wanted('AlmaLinux:9', '8.7p1-38.el9', 'openssh-server', 'openssh'), ['ALSA-2024:4312']],
      ['other', wanted('Red Hat:enterprise_linux:9', '8.7p1-38.el9', 'openssh-server'), ['RHSA-2024:4312']],
      ['other', wanted('Red Hat:enterprise_linux:8', '8.0p1-1.el8', 'openssh-server'), []],
      ['other', wanted('Ubuntu:22.04:LTS', '5:6.0.16-1ubuntu1', 'redis'), ['UBUNTU-CVE-2023-0001']],
      ['other', wanted('Ubuntu:22.04:LTS', '5:6.0.16-1ubuntu1+esm1', 'redis'), []],
      ['other', wanted('Ubuntu:22.04:LTS', '5:6.0.16-1ubuntu1+esm0', 'redis'), ['UBUNTU-CVE-2023-0001']],
    ];
    for (const [path, one, ids] of rows)
      assert.deepEqual(await idsOf(path, one), ids, `${one.ecosystem} ${JSON.stringify(one.names)}`);
  });

  test('an archive gives what its directory gives; damaged ones tell what is wrong', async () => {
    const directory = join(fixtures, 'debian');
    const names = readdirSync(directory);
    const files = names.map((name) => ({ name, bytes: readFileSync(join(directory, name)) }));
    const path = join(tmp, 'all.zip');
    writeFileSync(path, zip(files));
    const ssh = wanted('Debian:12', '1:9.2p1-2+deb12u2', 'openssh');
    const inArchive = await lookUpOsv([path], [ssh]);
    const inDirectory = await lookUpOsv([directory], [ssh]);
    const sorted = (list: readonly { id: string }[] | undefined) => list?.toSorted((a, b) => (a.id < b.id ? -1 : 1));
    assert.deepEqual(sorted(inArchive.advisories[0]), sorted(inDirectory.advisories[0]));
    assert.match(inArchive.problems.join(), /all\.zip: broken\.json|broken\.json: is no OSV record/);

    const bomb = Buffer.alloc(40 * 1024 * 1024, 0x20);
    writeFileSync(join(tmp, 'bomb.zip'), zip([{ name: 'a.json', bytes: bomb }, ...files]));
    const bombed = await lookUpOsv([join(tmp, 'bomb.zip')], [ssh]);
    assert.match(bombed.problems.join('\n'), /a\.json: is larger than/);
    assert.equal(bombed.advisories[0]?.length, 3);

    writeFileSync(join(tmp, 'liar.zip'), zip([{ name: 'a.json', bytes: bomb, claimed: 100 }]));
    const lied = await lookUpOsv([join(tmp, 'liar.zip')], [ssh]);
    assert.equal(lied.problems.length, 1);

    const whole = zip(files);
    writeFileSync(join(tmp, 'cut.zip'), whole.subarray(0, whole.length - 30));
    const cut = await lookUpOsv([join(tmp, 'cut.zip'), join(tmp, 'missing.zip')], [ssh]);
    assert.equal(cut.problems.length, 2);
    await fc.assert(
      fc.asyncProperty(fc.nat(whole.length - 1), fc.nat(255), async (at, value) => {
        const damaged = Buffer.from(whole);
        damaged[at] = value;
        writeFileSync(join(tmp, 'damaged.zip'), damaged);
        await lookUpOsv([join(tmp, 'damaged.zip')], [ssh]);
      }),
      { numRuns: 200 },
    );
  });
});

suite('the evaluation of the schema', () => {
  const record = (events: Record<string, string>[], versions: string[] = []): OsvRecord => ({
    id: 'X-1',
    modified: '2026-01-01T00:00:00Z',
    affected: [
      {
        package: { ecosystem: 'Debian:12', name: 'x' },
        ranges: [
          { type: 'ECOSYSTEM', events },
          { type: 'GIT', events: [{ introduced: '0' }] },
        ],
        versions,
      },
    ],
  });
  const isHit = (version: string, events: Record<string, string>[], versions?: string[]) =>
    advisoryFor(record(events, versions), wanted('Debian:12', version, 'x')) !== null;

  test('events in any order, several ranges in one, last_affected, limit', () => {
    const two = [{ fixed: '3.2.5' }, { introduced: '1.0' }, { introduced: '3.0' }, { fixed: '1.0.2' }];
    for (const [version, want] of [
      ['0.9', false],
      ['1.0', true],
      ['1.0.1', true],
      ['1.0.2', false],
      ['2.9', false],
      ['3.0', true],
      ['3.2.5', false],
    ] as const)
      assert.equal(isHit(version, two), want, version);
    assert.equal(isHit('2', [{ introduced: '0' }, { last_affected: '2' }]), true);
    assert.equal(isHit('2.0.1', [{ introduced: '0' }, { last_affected: '2' }]), false);
    assert.equal(isHit('2', [{ introduced: '0' }, { limit: '2' }]), false);
    assert.equal(isHit('1', [{ introduced: '0' }, { limit: '2' }]), true);
    // "0" comes before every version, even one that starts with a tilde
    assert.equal(isHit('0~rc1', [{ introduced: '0' }]), true);
    // Debian writes so that a release was never affected
    assert.equal(isHit('1', [{ introduced: '0' }, { fixed: '0' }]), false);
    assert.equal(isHit('7', [], ['6', '7']), true);
    assert.equal(isHit('8', [], ['6', '7']), false);
  });

  test('the first fix after the version is the one that is named', () => {
    const found = advisoryFor(
      record([{ introduced: '1' }, { fixed: '2' }, { introduced: '3' }, { fixed: '4' }]),
      wanted('Debian:12', '3.5', 'x'),
    );
    assert.equal(found?.fixed, '4');
  });

  test('streams of a module are not compared with what is in none', () => {
    const events = [{ introduced: '0' }, { fixed: '1:22.0.0-1.module+el9.4.0+1' }];
    const rpm = (version: string): WantedPackage => ({
      ...wanted('Rocky Linux:9', version, 'x'),
      ecosystem: 'Debian:12',
    });
    assert.equal(advisoryFor(record(events), rpm('1:16.20.2-8.el9')), null);
    assert.notEqual(advisoryFor(record(events), rpm('1:20.0.0-1.module+el9.3.0+1')), null);
  });

  test('ecosystems: Red Hat names the repository too', () => {
    assert.ok(isOfEcosystem('Red Hat:enterprise_linux:9::baseos', 'Red Hat:enterprise_linux:9'));
    assert.ok(!isOfEcosystem('Red Hat:enterprise_linux:9.2::baseos', 'Red Hat:enterprise_linux:9'));
    assert.ok(!isOfEcosystem('Debian:12::x', 'Debian:12'));
  });
});

test('what says the same is folded, and lends its severity', () => {
  const a = { summary: '', aliases: ['CVE-2024-1', 'CVE-2024-2'] };
  const folded = foldAdvisories([
    { ...a, id: 'DEBIAN-CVE-2024-1', aliases: ['CVE-2024-1'], fixed: '2', severity: 'high' },
    { ...a, id: 'DSA-1', fixed: '2' },
    { ...a, id: 'DEBIAN-CVE-2024-3', aliases: ['CVE-2024-3'] },
    { ...a, id: 'X-9', aliases: [] },
  ]);
  assert.deepEqual(
    folded.map(({ id, severity }) => [id, severity]),
    [
      ['DEBIAN-CVE-2024-3', undefined],
      ['DSA-1', 'high'],
      ['X-9', undefined],
    ],
  );
});

test("CISA's catalogue", () => {
  const kev = readKev(join(fixtures, 'kev.json'));
  assert.ok(!('problem' in kev));
  assert.deepEqual(
    [...kev.values()],
    [
      { cve: 'CVE-2021-41773', due: '2021-11-17', ransomware: true },
      { cve: 'CVE-2019-10149', due: '2022-07-10' },
    ],
  );
  for (const text of ['{}', '[', '{"vulnerabilities":[{}]}']) {
    writeFileSync(join(tmp, 'kev.json'), text);
    assert.ok('problem' in readKev(join(tmp, 'kev.json')), text);
  }
  assert.ok('problem' in readKev(join(tmp, 'none.json')));
  assert.deepEqual(readKev('/dev/zero'), { problem: '/dev/zero: is no regular file' });
});

test('a device or a pipe is no export', async () => {
  const problems: string[] = [];
  for await (const file of recordFiles('/dev/zero', (message) => problems.push(message))) assert.fail(file.name);
  assert.deepEqual(problems, ['/dev/zero: is no regular file']);
});

/** An archive as zip(1) writes it; `claimed`: an unpacked size that is not the real one. */
function zip(files: readonly { name: string; bytes: Buffer; claimed?: number }[]): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let at = 0;
  for (const { name, bytes, claimed = bytes.length } of files) {
    const packed = deflateRawSync(bytes);
    const common = Buffer.alloc(26);
    common.writeUInt16LE(20, 0);
    common.writeUInt16LE(8, 4);
    common.writeUInt32LE(crc32(bytes), 10);
    common.writeUInt32LE(packed.length, 14);
    common.writeUInt32LE(claimed, 18);
    common.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04'), common, Buffer.from(name), packed]);
    const offset = Buffer.alloc(14);
    offset.writeUInt32LE(at, 10);
    directory.push(Buffer.from('PK\x01\x02\x14\x00'), common, offset, Buffer.from(name));
    parts.push(local);
    at += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(files.length, 4);
  end.writeUInt16LE(files.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(at, 12);
  return Buffer.concat([...parts, central, Buffer.from('PK\x05\x06'), end]);
}

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';
import fc from 'fast-check';
import { parseApkInstalled } from './apk.ts';
import { parseDpkgStatus } from './dpkg.ts';
import { openInside, readTextInside } from './files.ts';
import { openPackages, packagedPaths } from './packages.ts';
import { parseRpmHeader } from './rpm.ts';

const skip = process.platform !== 'linux' && 'needs Linux';
const tmp = mkdtempSync(join(tmpdir(), 'qd-packages-'));
after(() => rmSync(tmp, { recursive: true, force: true }));

function tree(name: string, files: Record<string, string>): string {
  const root = join(tmp, name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return root;
}

function ownerOf(root: string, path: string, trusted = false): unknown {
  for (const database of openPackages(root, trusted).databases) {
    const owner = database.ownerOf(packagedPaths(path));
    if (owner) return `${owner.manager} ${owner.name} ${owner.version}`;
  }
  return undefined;
}

test('spellings of a path on merged-usr systems', () => {
  assert.deepEqual(packagedPaths('/usr/sbin/nginx'), ['/usr/sbin/nginx', '/sbin/nginx']);
  assert.deepEqual(packagedPaths('/bin/nc'), ['/bin/nc', '/usr/bin/nc']);
  assert.deepEqual(packagedPaths('/opt/x'), ['/opt/x']);
  assert.deepEqual(packagedPaths('/usr/share/x'), ['/usr/share/x']);
});

test('dpkg: status, lists, merged-usr both ways, diversions, distroless', { skip }, () => {
  const root = tree('dpkg', {
    'var/lib/dpkg/status':
      'Package: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.22.1-9\nDescription: web\n Version: 9\n\n' +
      'Package: libc6\nStatus: install ok installed\nArchitecture: amd64\nVersion: 2.36-9\n\n' +
      'Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n\n' +
      'Package: mine\nStatus: install ok installed\nVersion: 3\n',
    'var/lib/dpkg/info/nginx.list': '/.\n/usr\n/usr/sbin/nginx\n/usr/bin/diverted\n',
    'var/lib/dpkg/info/libc6:amd64.list': '/.\n/sbin/ldconfig\n',
    'var/lib/dpkg/info/gone.list': '/usr/bin/gone\n',
    'var/lib/dpkg/info/mine.list': '/usr/bin/diverted\n',
    'var/lib/dpkg/diversions': '/usr/bin/diverted\n/usr/bin/diverted.distrib\nmine\n',
    'var/lib/dpkg/status.d/base': 'Package: base-files\nVersion: 12\n',
    'var/lib/dpkg/status.d/base.md5sums': 'd41d8cd98f00b204e9800998ecf8427e  usr/bin/tiny\n',
  });
  assert.equal(ownerOf(root, '/usr/sbin/nginx'), 'dpkg nginx 1.22.1-9');
  assert.equal(ownerOf(root, '/sbin/nginx'), 'dpkg nginx 1.22.1-9');
  assert.equal(ownerOf(root, '/usr/sbin/ldconfig'), 'dpkg libc6 2.36-9');
  assert.equal(ownerOf(root, '/usr/bin/gone'), undefined);
  assert.equal(ownerOf(root, '/usr/bin/diverted'), 'dpkg mine 3');
  assert.equal(ownerOf(root, '/usr/bin/diverted.distrib'), 'dpkg nginx 1.22.1-9');
  assert.equal(ownerOf(root, '/usr/bin/tiny'), 'dpkg base-files 12');
  assert.equal(ownerOf(root, '/usr/sbin'), undefined);
});

test('a package names its source and its distribution', { skip }, () => {
  const root = tree('sources', {
    'etc/os-release': 'ID=alpine\nVERSION_ID=3.20.3\n',
    'lib/apk/db/installed':
      'P:libssl3\nV:3.3.2-r0\no:openssl\nF:lib\nR:libssl.so.3\n\nP:musl\nV:1\no:musl\nF:lib\nR:c\n',
  });
  const facts = (path: string) => openPackages(root, false).databases[0]?.ownerOf([path]);
  const known = { manager: 'apk', ecosystem: 'Alpine:v3.20' };
  assert.deepEqual(facts('/lib/libssl.so.3'), { ...known, name: 'libssl3', version: '3.3.2-r0', source: 'openssl' });
  assert.deepEqual(facts('/lib/c'), { ...known, name: 'musl', version: '1' });
});

test('apk', { skip }, () => {
  const root = tree('apk', {
    'lib/apk/db/installed':
      'C:Q1abc\nP:nginx\nV:1.26.2-r0\nF:usr/sbin\nR:nginx\nF:\nR:top\n\nP:musl\nV:1.2\nF:lib\nR:ld.so\n',
  });
  assert.equal(ownerOf(root, '/usr/sbin/nginx'), 'apk nginx 1.26.2-r0');
  assert.equal(ownerOf(root, '/top'), 'apk nginx 1.26.2-r0');
  assert.equal(ownerOf(root, '/usr/lib/ld.so'), 'apk musl 1.2');
});

/** A header as rpm stores it in its database. */
function rpmHeader(tags: [tag: number, type: number, value: string | number[] | string[]][]): Buffer {
  const index: Buffer[] = [];
  let data = Buffer.alloc(0);
  for (const [tag, type, value] of tags) {
    const bytes =
      type === 4
        ? Buffer.concat((value as number[]).map((n) => Buffer.from([n >>> 24, n >>> 16, n >>> 8, n])))
        : Buffer.from(typeof value === 'string' ? `${value}\0` : (value as string[]).map((v) => `${v}\0`).join(''));
    if (type === 4) data = Buffer.concat([data, Buffer.alloc((4 - (data.length % 4)) % 4)]);
    const entry = Buffer.alloc(16);
    entry.writeUInt32BE(tag, 0);
    entry.writeUInt32BE(type, 4);
    entry.writeUInt32BE(data.length, 8);
    entry.writeUInt32BE(type === 6 ? 1 : value.length, 12);
    index.push(entry);
    data = Buffer.concat([data, bytes]);
  }
  const start = Buffer.alloc(8);
  start.writeUInt32BE(index.length, 0);
  start.writeUInt32BE(data.length, 4);
  return Buffer.concat([start, ...index, data]);
}

const HEADER = rpmHeader([
  [1000, 6, 'httpd'],
  [1001, 6, '2.4.57'],
  [1002, 6, '8.el9'],
  [1003, 4, [1]],
  [1116, 4, [0, 1]],
  [1117, 8, ['httpd', 'httpd.conf']],
  [1118, 8, ['/usr/sbin/', '/etc/httpd/']],
]);

test('rpm: the source package, where it is another', () => {
  const header = (source: string) =>
    parseRpmHeader(
      rpmHeader([
        [1000, 6, 'openssl-libs'],
        [1001, 6, '3.0.7'],
        [1002, 6, '24.el9'],
        [1003, 4, [1]],
        [1044, 6, source],
      ]),
    )?.facts;
  const known = { manager: 'rpm', name: 'openssl-libs', version: '1:3.0.7-24.el9' };
  assert.deepEqual(header('openssl-3.0.7-24.el9.src.rpm'), { ...known, source: 'openssl' });
  assert.deepEqual(header('openssl-libs-3.0.7-24.el9.src.rpm'), known);
  assert.deepEqual(header('ssl-4-1.nosrc.rpm'), { ...known, source: 'ssl', sourceVersion: '4-1' });
  assert.deepEqual(header('(none)'), known);
});

test('rpm: headers', () => {
  assert.deepEqual(parseRpmHeader(HEADER), {
    facts: { manager: 'rpm', name: 'httpd', version: '1:2.4.57-8.el9' },
    files: ['/usr/sbin/httpd', '/etc/httpd/httpd.conf'],
  });
  for (let cut = 0; cut < HEADER.length; cut++) parseRpmHeader(HEADER.subarray(0, cut));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(HEADER.length - 1), fc.nat(255), (bytes, at, value) => {
      parseRpmHeader(bytes);
      const damaged = Buffer.from(HEADER);
      damaged[at] = value;
      parseRpmHeader(damaged);
    }),
  );
});

test('rpm: the SQLite database of a machine and of a container; older formats are a gap', { skip }, () => {
  const root = tree('rpm', { 'var/lib/rpm/.keep': '' });
  const database = new DatabaseSync(join(root, 'var/lib/rpm/rpmdb.sqlite'));
  database.exec(`CREATE TABLE Packages (hnum INTEGER PRIMARY KEY AUTOINCREMENT, blob BLOB NOT NULL);
    CREATE TABLE Basenames (key TEXT NOT NULL, hnum INTEGER NOT NULL, idx INTEGER NOT NULL)`);
  database.prepare('INSERT INTO Packages (blob) VALUES (?)').run(HEADER);
  database.exec("INSERT INTO Basenames VALUES ('httpd', 1, 0), ('httpd.conf', 1, 1)");
  database.close();
  for (const trusted of [false, true]) {
    assert.equal(ownerOf(root, '/usr/sbin/httpd', trusted), 'rpm httpd 1:2.4.57-8.el9');
    assert.equal(ownerOf(root, '/opt/httpd', trusted), undefined);
  }
  const damaged = tree('rpm-damaged', { 'usr/lib/sysimage/rpm/rpmdb.sqlite': 'no database' });
  assert.equal(ownerOf(damaged, '/usr/sbin/httpd'), undefined);
  assert.match(openPackages(damaged, false).problems[0]?.message ?? '', /cannot be opened/);
  const bdb = tree('rpm-bdb', { 'var/lib/rpm/Packages': 'x' });
  assert.match(openPackages(bdb, false).problems[0]?.message ?? '', /Berkeley DB/);
  const ndb = tree('rpm-ndb', { 'usr/lib/sysimage/rpm/Packages.db': 'x' });
  assert.match(openPackages(ndb, false).problems[0]?.message ?? '', /ndb/);
});

test('a container cannot lead us out of its root, nor make us wait', { skip }, () => {
  const root = tree('hostile', { 'etc/real': 'inside', 'secret/x': '' });
  writeFileSync(join(tmp, 'outside'), 'outside');
  symlinkSync(`../../../../../../../../..${join(tmp, 'outside')}`, join(root, 'etc/relative'));
  symlinkSync(join(tmp, 'outside'), join(root, 'etc/absolute'));
  symlinkSync('/etc/real', join(root, 'etc/within'));
  symlinkSync('loop', join(root, 'etc/loop'));
  execFileSync('mkfifo', [join(root, 'etc/fifo')]);
  assert.equal(readTextInside(root, '/etc/relative'), undefined);
  assert.equal(readTextInside(root, '/etc/absolute'), undefined);
  assert.equal(readTextInside(root, '/etc/within'), 'inside');
  assert.equal(readTextInside(root, '/etc/../../../etc/real'), 'inside');
  assert.equal(readTextInside(root, '/etc/loop'), undefined);
  assert.equal(openInside(root, '/etc/fifo'), undefined);
  assert.equal(readTextInside(root, '/etc/real', 3), undefined, 'larger than allowed');
  assert.equal(readTextInside(root, '/etc'), undefined);
});

test('parsers pass over what they do not know', () => {
  assert.equal(parseDpkgStatus('garbage\n\n\n\0').size, 0);
  assert.equal(parseApkInstalled('R:orphan\n\nnonsense').size, 0);
});

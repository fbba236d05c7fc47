import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, suite, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import type { Listener, PackageFacts } from '../../model/listener.ts';
import { judgeList, parsePins } from './apt-pins.ts';
import { addCandidates, type CandidateMemory } from './candidates.ts';
import { lz4Pieces } from './lz4.ts';

const skip = process.platform !== 'linux' && 'needs Linux';
const tmp = mkdtempSync(join(tmpdir(), 'qd-candidates-'));
after(() => rmSync(tmp, { recursive: true, force: true }));
const FETCHED = Date.parse('2026-11-20T06:00:00Z');
let trees = 0;

function tree(files: Record<string, string | Buffer>): string {
  const root = join(tmp, String(trees++));
  mkdirSync(join(root, 'proc/1/root'), { recursive: true });
  rmSync(join(root, 'proc/1/root'), { recursive: true });
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
    utimesSync(join(root, path), FETCHED / 1000, FETCHED / 1000);
  }
  return root;
}

function listener(owner: PackageFacts): Listener {
  return {
    ...{ host: 'h', scope: 'host', transport: 'tcp', port: 80, address: '0.0.0.0', bind: 'any' },
    ...{ families: ['ipv4'], role: 'service', sharedWith: [] },
    process: { pid: 1, package: owner },
  };
}

async function offered(
  root: string,
  owner: Pick<PackageFacts, 'manager' | 'name' | 'version'>,
  memory: CandidateMemory = {},
): Promise<PackageFacts['candidate'] | readonly string[]> {
  const { listeners, gaps } = await addCandidates([listener(owner)], root, memory);
  return gaps.length > 0 ? gaps.map((gap) => gap.message) : listeners[0]?.process?.package?.candidate;
}

const LISTS = 'var/lib/apt/lists';
const release = (suite: string, more = '') =>
  `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nOrigin: Debian\nLabel: Debian\nSuite: ${suite}\nCodename: bookworm\nDate: Fri, 20 Nov 2026 06:00:00 UTC\n${more}SHA256:\n 0 0 x\n`;
const stanza = (name: string, version: string, architecture = 'amd64') =>
  `Package: ${name}\nDescription: about Package: nginx\nVersion: ${version}\nArchitecture: ${architecture}\n\n`;
const filler = Array.from({ length: 30_000 }, (_, i) => stanza(`other-${i}`, `${i}-1`)).join('');
const main = `${filler}${stanza('nginx', '1.22.1-9+deb12u1')}${stanza('nginx', '9.9', 'armhf')}${filler}`;
const security = stanza('nginx', '1.22.1-9+deb12u2');
const STATUS =
  'Package: nginx\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.22.1-9\n\n' +
  'Package: lonely\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1\n\n';
const nginx = { manager: 'dpkg', name: 'nginx', version: '1.22.1-9' } as const;

function debian(more: Record<string, string | Buffer> = {}): string {
  return tree({
    'var/lib/dpkg/status': STATUS,
    [`${LISTS}/deb.example_debian_dists_bookworm_InRelease`]: release('stable'),
    [`${LISTS}/deb.example_debian_dists_bookworm_main_binary-amd64_Packages`]: main,
    [`${LISTS}/deb.example_debian_dists_bookworm-security_InRelease`]: release('stable-security'),
    [`${LISTS}/deb.example_debian_dists_bookworm-security_main_binary-amd64_Packages`]: security,
    ...more,
  });
}

suite('apt', { skip }, () => {
  test('without learning, only what is remembered is told, and nothing is forgotten', async () => {
    const root = debian();
    const told = async (memory: CandidateMemory) => {
      const before = JSON.stringify(memory);
      const { listeners, isAllKnown } = await addCandidates([listener(nginx)], root, memory, false);
      assert.equal(JSON.stringify(memory), before);
      return [isAllKnown, listeners[0]?.process?.package?.candidate?.version];
    };
    const memory: CandidateMemory = { 'of another state': {} };
    assert.deepEqual(await told(memory), [false, undefined]);
    await offered(root, nginx, memory);
    assert.deepEqual(await told(memory), [true, '1.22.1-9+deb12u2']);
  });

  test('the newest of all lists, of the right architecture, and whether security asks for it', async () => {
    const candidate = { version: '1.22.1-9+deb12u2', security: true, dataAt: FETCHED };
    assert.deepEqual(await offered(debian(), nginx), candidate);
    const updated = { ...nginx, version: '1.22.1-9+deb12u2' };
    assert.deepEqual(await offered(debian(), updated), { ...candidate, security: false });
    assert.equal(await offered(debian(), { ...nginx, name: 'lonely' }), undefined);
    assert.equal(await offered(tree({ 'var/lib/dpkg/status': STATUS }), nginx), undefined);
  });

  test('packed lists; one that cannot be unpacked makes it unknown', async () => {
    const path = `${LISTS}/mirror_dists_bookworm-updates_main_binary-amd64_Packages`;
    const newer = `${filler}${stanza('nginx', '1.22.2-1')}`;
    const packed: Record<string, Buffer> = { '.gz': gzipSync(newer), '.zst': zstdCompressSync(newer) };
    const lz4 = spawnSync('lz4', ['-c'], { input: newer, maxBuffer: 2 ** 28 });
    if (lz4.status === 0) packed['.lz4'] = lz4.stdout;
    for (const [end, bytes] of Object.entries(packed)) {
      const found = await offered(debian({ [path + end]: bytes }), nginx);
      assert.equal((found as { version: string }).version, '1.22.2-1', end);
      const cut = await offered(debian({ [path + end]: bytes.subarray(0, bytes.length / 2) }), nginx);
      assert.ok(Array.isArray(cut) && cut.length === 1, `${end} cut off`);
    }
    assert.equal(await offered(debian({ [`${path}.xz`]: 'x' }), nginx), undefined);
  });

  test('backports are not what apt would install; pins are minded, and what they leave open is unknown', async () => {
    const backports = {
      [`${LISTS}/deb.example_debian_dists_bookworm-backports_InRelease`]: release(
        'stable-backports',
        'NotAutomatic: yes\nButAutomaticUpgrades: yes\n',
      ),
      [`${LISTS}/deb.example_debian_dists_bookworm-backports_main_binary-amd64_Packages`]: stanza(
        'nginx',
        '1.26-1~bpo12+1',
      ),
    };
    const versionOf = async (more: Record<string, string>) =>
      ((await offered(debian({ ...backports, ...more }), nginx)) as { version: string } | undefined)?.version;
    const pin = (text: string) => ({ 'etc/apt/preferences.d/own': text });
    assert.equal(await versionOf({}), '1.22.1-9+deb12u2');
    assert.equal(await versionOf(pin('Package: nginx\nPin: version 1.22.1-9\nPin-Priority: 1001\n')), undefined);
    assert.equal(await versionOf(pin('Package: other\nPin: version 1\nPin-Priority: 1001\n')), '1.22.1-9+deb12u2');
    assert.equal(
      await versionOf(pin('Package: *\nPin: release a=stable-security\nPin-Priority: -1\n')),
      '1.22.1-9+deb12u1',
    );
    assert.equal(
      await versionOf(pin('Package: *\nPin: release o=UbuntuESM\nPin-Priority: never\n')),
      '1.22.1-9+deb12u2',
    );
    assert.equal(await versionOf({ 'etc/apt/apt.conf.d/99x': 'APT::Default-Release "stable";\n' }), undefined);
  });

  test('of long files that say who published a list the beginning is read; too many settings make it unknown', async () => {
    const long = debian({
      [`${LISTS}/deb.example_debian_dists_bookworm-security_InRelease`]: `${release('stable-security')}${' 0 0 x\n'.repeat(3_000_000)}`,
    });
    assert.deepEqual(await offered(long, nginx), { version: '1.22.1-9+deb12u2', security: true, dataAt: FETCHED });
    const settings = Array.from({ length: 6 }, (_, i) => [`etc/apt/apt.conf.d/${i}`, '#\n'.repeat(400_000)] as const);
    assert.equal(await offered(debian(Object.fromEntries(settings)), nginx), undefined);
  });

  test('what was found is remembered until a list changes', async () => {
    const root = debian();
    const memory: CandidateMemory = {};
    await offered(root, nginx, memory);
    const [state] = Object.keys(memory);
    assert.deepEqual(Object.values(memory), [{ nginx: { version: '1.22.1-9+deb12u2', security: '1.22.1-9+deb12u2' } }]);
    memory[state as string] = { nginx: { version: '7' } };
    assert.equal(((await offered(root, nginx, memory)) as { version: string }).version, '7');
    utimesSync(join(root, LISTS, 'deb.example_debian_dists_bookworm_main_binary-amd64_Packages'), 1, 1);
    assert.equal(((await offered(root, nginx, memory)) as { version: string }).version, '1.22.1-9+deb12u2');
    assert.equal(Object.keys(memory).length, 1);
  });
});

test('pins: what is named, and what is meant', () => {
  const stable = { suite: 'stable', codename: 'bookworm', origin: 'Debian', label: 'Debian', host: 'deb.example' };
  const judge = (text: string, name = 'nginx') => judgeList(name, stable, parsePins(text));
  const pin = (packages: string, what: string, priority: string) =>
    `# why\nExplanation: x\nPackage: ${packages}\nPin: ${what}\nPin-Priority: ${priority}\n`;
  assert.equal(judge(pin('ngin*', 'release a=stable', '900')), 'undecided');
  assert.equal(judge(pin('a nginx', 'release a=stable, n=bookworm', 'never')), 'excluded');
  assert.equal(judge(pin('*', 'release a=testing', '-10')), 'plain');
  assert.equal(judge(pin('*', 'origin "deb.example"', '-10')), 'excluded');
  assert.equal(judge(pin('*', 'origin deb.other', '900')), 'plain');
  assert.equal(judge(pin('apache2', 'release a=stable', '900')), 'plain');
  assert.equal(judge(pin('/x/', 'release a=stable', '900')), 'undecided');
  assert.equal(judge('Package: nginx\nPin: release a=stable\n'), 'plain');
});

const PRIMARY = (version: string) =>
  `<metadata><package type="rpm">\n  <name>nginx</name>\n  <arch>x86_64</arch>\n  <version epoch="1" ver="1.20.1" rel="${version}"/>\n` +
  '<format><rpm:entry name="nginx"/></format></package>\n' +
  '<package type="rpm"><name>nginx</name><arch>src</arch><version epoch="9" ver="9" rel="9"/></package>\n' +
  '<package type="rpm"><name>nginx</name><arch>x86_64</arch><version epoch="1" ver="1.24" rel="1.module+el9"/></package></metadata>';

test('dnf and zypper: enabled repositories, no modules, no sources', { skip }, async () => {
  const httpd = { manager: 'rpm', name: 'nginx', version: '1:1.20.1-13.el9' } as const;
  const cache = (directory: string, end: string, version: string) => ({
    [`${directory}/repodata/00-primary.xml${end}`]:
      end === '.zst' ? zstdCompressSync(PRIMARY(version)) : gzipSync(PRIMARY(version)),
    [`${directory}/repodata/repomd.xml`]: '<repomd/>',
  });
  const root = tree({
    ...cache('var/cache/dnf/appstream-0123456789abcdef', '.gz', '14.el9_2.1'),
    ...cache('var/cache/dnf/testing-0123456789abcdef', '.gz', '99.el9'),
    ...cache('var/cache/libdnf5/extra-0123456789abcdef', '.zst', '15.el9'),
    'etc/yum.repos.d/a.repo': '[appstream]\nenabled=1\n[testing]\nenabled = 0\n[extra]\nname=x\n',
  });
  assert.deepEqual(await offered(root, httpd), { version: '1:1.20.1-15.el9', dataAt: FETCHED });
  assert.equal(await offered(root, { ...httpd, version: '1:1.22-1.module+el9' }), undefined);
  assert.equal(await offered(root, { ...httpd, name: 'httpd' }), undefined);
  assert.equal(await offered(tree({ 'etc/yum.repos.d/a.repo': '[a]\n' }), httpd), undefined);
  writeFileSync(join(root, 'etc/yum.repos.d/b.repo'), '#\n'.repeat(3_000_000));
  assert.equal(await offered(root, httpd), undefined, 'settings that are too long to be read');
});

test('apk: indexes, unless a repository has a tag', { skip }, async () => {
  const index = 'C:Q1x\nP:nginx\nV:1.26.2-r1\nA:x86_64\no:nginx\n\nC:Q1y\nP:nginx-mod\nV:9\n\n';
  const own = { manager: 'apk', name: 'nginx', version: '1.26.2-r0' } as const;
  const files = { 'var/cache/apk/APKINDEX.066df28d.tar.gz': gzipSync(`APKINDEX\0\0${index}`) };
  const repositories = 'etc/apk/repositories';
  assert.deepEqual(await offered(tree({ ...files, [repositories]: 'https://a/v3.20/main\n' }), own), {
    version: '1.26.2-r1',
    dataAt: FETCHED,
  });
  assert.equal(await offered(tree({ ...files, [repositories]: '@edge https://a/edge/main\n' }), own), undefined);
});

suite('LZ4', () => {
  test('frames as lz4(1) makes them', (t) => {
    if (spawnSync('lz4', ['--version']).error) return t.skip('lz4 is not installed');
    const text = Buffer.concat([
      Buffer.from(main),
      Buffer.alloc(300_000, 'ab'),
      Buffer.from(crypto.getRandomValues(new Uint8Array(60_000))),
    ]);
    for (const options of [[], ['-9'], ['-B4', '-BD'], ['-B7', '-BX'], ['--no-frame-crc', '--content-size']]) {
      const { stdout } = spawnSync('lz4', ['-c', ...options], { input: text, maxBuffer: 2 ** 28 });
      const pieces = Array.from(lz4Pieces(stdout), (piece) => Buffer.from(piece));
      assert.ok(Buffer.concat(pieces).equals(text), options.join(' '));
    }
  });

  test('hundreds of thousands of empty frames are no work', () => {
    const frame = Buffer.from('04224d18607073' + '00000000', 'hex');
    const pieces = [...lz4Pieces(Buffer.alloc(200_000 * frame.length, frame))];
    assert.deepEqual(pieces, []);
  });

  test('damaged frames fail as such', () => {
    const frame = Buffer.from('04224d184040c005000000406162636400000000', 'hex');
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), fc.nat(frame.length - 1), fc.nat(255), (bytes, at, value) => {
        const damaged = Buffer.from(frame);
        damaged[at] = value;
        for (const input of [Buffer.from(bytes), damaged, Buffer.concat([frame, Buffer.from(bytes)])]) {
          try {
            for (const piece of lz4Pieces(input)) assert.ok(piece.length > 0);
          } catch (error) {
            assert.ok(error instanceof RangeError);
          }
        }
      }),
      { numRuns: 300 },
    );
  });
});

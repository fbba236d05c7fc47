import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { compareApkVersions } from './apk.ts';
import { compareDpkgVersions } from './dpkg.ts';
import { compareRpmVersions } from './rpm.ts';

type Compare = (a: string, b: string) => number;

/** `older < newer`, `same = same`. */
function holds(compare: Compare, rows: readonly string[]): void {
  for (const row of rows) {
    const [a, sign, b] = row.split(' ') as [string, string, string];
    assert.equal(Math.sign(compare(a, b)), sign === '<' ? -1 : 0, row);
    assert.equal(Math.sign(compare(b, a)), sign === '<' ? 1 : 0, `${row}, turned round`);
  }
}

function isTotalOrder(compare: Compare, version: fc.Arbitrary<string>): void {
  fc.assert(
    fc.property(version, version, version, (a, b, c) => {
      assert.equal(compare(a, a), 0);
      assert.equal(Math.sign(compare(a, b)) + Math.sign(compare(b, a)), 0);
      if (compare(a, b) <= 0 && compare(b, c) <= 0) assert.ok(compare(a, c) <= 0, `${a} <= ${b} <= ${c}`);
      if (compare(a, b) === 0) assert.equal(Math.sign(compare(a, c)), Math.sign(compare(b, c)));
    }),
    { numRuns: 3000 },
  );
}

/** Pieces that meet often, so that the ends of versions differ rather than their beginnings. */
function pieces(...of: readonly string[]): fc.Arbitrary<string> {
  return fc.array(fc.constantFrom(...of), { maxLength: 6 }).map((parts) => parts.join(''));
}

const dpkgPart = pieces('0', '00', '1', '10', '9', 'a', 'Z', 'rc', '.', '+', '~', '~~', 'deb', '12', 'u');
const dpkgVersion = fc
  .tuple(fc.constantFrom('', '0:', '1:', '12:'), fc.nat(9), dpkgPart, fc.option(dpkgPart, { nil: null }))
  .map(([epoch, start, rest, revision]) => `${epoch}${start}${rest}${revision ? `-${revision}` : ''}`);
const rpmPart = pieces('0', '00', '1', '10', '9', 'a', 'Z', 'rc', '.', '_', '~', '^', 'el', '+', 'b');
const rpmVersion = fc
  .tuple(fc.constantFrom('', '0:', '1:', '12:'), fc.nat(9), rpmPart, fc.option(rpmPart, { nil: null }))
  .map(([epoch, start, rest, release]) => `${epoch}${start}${rest}${release === null ? '' : `-${release}`}`);
const apkVersion = fc
  .tuple(
    fc.constantFrom('0', '1', '01', '10', '2'),
    pieces('.0', '.00', '.1', '.01', '.10', '.9'),
    fc.constantFrom('', 'a', 'b'),
    pieces('_alpha', '_rc', '_rc1', '_p', '_p2', '_git20240101'),
    fc.constantFrom('', '', '~0a', '~b'),
    fc.constantFrom('', '-r0', '-r1', '-r10'),
  )
  .map((parts) => parts.join(''));

const PAIRS = 4000;

suite('dpkg', () => {
  test('known orders', () => {
    holds(compareDpkgVersions, [
      '1.0 = 1.00',
      '1.0 = 0:1.0-0',
      '1.0~rc1 < 1.0',
      '1.0~~ < 1.0~',
      '1.0 < 1.0a',
      '1.0a < 1.0+b',
      '1.2.9 < 1.2.10',
      '9.9 < 1:0.1',
      '1:9.2p1-2+deb12u2 < 1:9.2p1-2+deb12u3',
      '2.36-9+deb12u9 < 2.36-9+deb12u10',
      '1.1.1n-0+deb11u4 < 1.1.1w-0+deb11u1',
      '20240101120000000001-1 < 20240101120000000002-1',
      '5-1~bpo12+1 < 5-1',
    ]);
  });

  test('a total order', () => isTotalOrder(compareDpkgVersions, dpkgVersion));

  test('the same as dpkg --compare-versions gives for hundreds of pairs', (t) => {
    // One process per question: few pairs.
    const few = fc.sample(fc.tuple(dpkgVersion, dpkgVersion), { numRuns: 400, seed: 42 });
    const script = `while read -r a b; do if dpkg --compare-versions "$a" lt "$b"; then echo -1
      elif dpkg --compare-versions "$a" gt "$b"; then echo 1; else echo 0; fi; done`;
    const input = few.map(([a, b]) => `${a} ${b}\n`).join('');
    const asked = spawnSync('sh', ['-c', script], { input, encoding: 'utf8', timeout: 60_000 });
    if (spawnSync('dpkg', ['--version']).error) return t.skip('dpkg is not installed');
    const answers = asked.stdout.trim().split('\n').map(Number);
    assert.equal(answers.length, few.length);
    for (const [i, [a, b]] of few.entries())
      assert.equal(Math.sign(compareDpkgVersions(a, b)), answers[i], `${a} against ${b}`);
  });

  test("the same as dpkg's own Perl library gives for thousands more", (t) => {
    const pairs = fc.sample(fc.tuple(dpkgVersion, dpkgVersion), { numRuns: PAIRS, seed: 7 });
    const program =
      'use Dpkg::Version; while (<STDIN>) { chomp; my ($a, $b) = split / /; print version_compare($a, $b), "\\n" }';
    const asked = spawnSync('perl', ['-e', program], {
      ...{ input: pairs.map(([a, b]) => `${a} ${b}\n`).join(''), encoding: 'utf8', timeout: 60_000 },
    });
    if (asked.error || asked.status !== 0) return t.skip('Dpkg::Version (libdpkg-perl) is not installed');
    const answers = asked.stdout.trim().split('\n').map(Number);
    assert.equal(answers.length, pairs.length);
    for (const [i, [a, b]] of pairs.entries())
      assert.equal(Math.sign(compareDpkgVersions(a, b)), answers[i], `${a} against ${b}`);
  });
});

suite('rpm', () => {
  test('known orders', () => {
    holds(compareRpmVersions, [
      '1.0 = 1..0',
      '1.0-1 = 0:1.0-1',
      '1.0~rc1 < 1.0',
      '1.0 < 1.0^git1',
      '1.0^git1 < 1.0.1',
      '1.0~rc1 < 1.0~rc1^git1',
      '1.0 < 1.0a',
      '1.0a < 1.0.1',
      '1.0-1 < 1.0-1.el9',
      '1.0-9.el9 < 1.0-10.el9',
      '9 < 1:1',
      '1:2.4.57-8.el9 < 1:2.4.57-11.el9_4.1',
      '8.7p1-38.el9_4.1 < 8.7p1-38.el9_4.4',
    ]);
  });

  test('a total order', () => isTotalOrder(compareRpmVersions, rpmVersion));

  test('the same as rpm gives for thousands of pairs', (t) => {
    if (spawnSync('rpm', ['--version']).error) return t.skip('rpm is not installed');
    const pairs = fc.sample(fc.tuple(rpmVersion, rpmVersion), { numRuns: PAIRS, seed: 42 });
    // Arguments of a macro are bounded in length.
    for (let from = 0; from < pairs.length; from += 500) {
      const batch = pairs.slice(from, from + 500);
      const list = batch.map(([a, b]) => `"${a}","${b}"`).join(',');
      const lua = `%{lua: local p = {${list}} for i = 1, #p, 2 do print(rpm.vercmp(p[i], p[i+1]) .. "\\n") end}`;
      const asked = spawnSync('rpm', ['--eval', lua], { encoding: 'utf8', timeout: 60_000 });
      const answers = asked.stdout.trim().split(/\s+/).map(Number);
      assert.equal(answers.length, batch.length, asked.stderr);
      for (const [i, [a, b]] of batch.entries())
        assert.equal(Math.sign(compareRpmVersions(a, b)), answers[i], `${a} against ${b}`);
    }
  });
});

suite('apk', () => {
  test('known orders', () => {
    holds(compareApkVersions, [
      '1.26.2-r0 = 1.26.2-r0',
      '1.26.2-r0 < 1.26.2-r1',
      '1.26.2-r9 < 1.26.2-r10',
      '1.26.2 < 1.26.2-r0',
      '1.2.9 < 1.2.10',
      '1.01 < 1.1',
      '8.2.0015 < 8.2.002',
      '1.0 < 1.0a',
      '1.0a < 1.0b',
      '1.0_alpha < 1.0_beta',
      '1.0_beta < 1.0_pre',
      '1.0_pre < 1.0_rc',
      '1.0_rc1 < 1.0_rc2',
      '1.0_rc9 < 1.0_rc10',
      '1.0_rc1 < 1.0',
      '1.0 < 1.0_git20240101',
      '1.0_cvs < 1.0_svn',
      '1.0_svn < 1.0_git',
      '1.0_git < 1.0_hg',
      '1.0_hg < 1.0_p1',
      '1.0_p1 < 1.0.1',
      '1.0_p1-r3 < 1.0_p2-r0',
      '9.7_p1-r3 < 9.7_p1-r4',
      '1.0_alpha_pre < 1.0_alpha',
      '1.0~0a1 < 1.0~0b',
      '3.0.13-r0 < 3.1.4-r5',
    ]);
  });

  test('a total order', () => isTotalOrder(compareApkVersions, apkVersion));

  test('what is no version compares without failing', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => Number.isInteger(compareApkVersions(a, b))));
  });
});

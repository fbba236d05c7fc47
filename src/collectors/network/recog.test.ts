import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { loadRecog, matchFirst } from './recog.ts';
import { readFingerprints } from './recog-file.ts';
import { translatePattern } from './recog-pattern.ts';

/** Written for this test in the format of rapid7/recog; nothing of its data. */
const SAMPLE = String.raw`<?xml version="1.0" encoding="UTF-8"?>
<fingerprints matches="ssh.banner" protocol="ssh" database_type="service" preference="0.90">
  <fingerprint pattern="^FrogSSH[_-]v?(\d+\.[\d.]+)(?: \(([^)]+)\))?$">
    <description>FrogSSH, a server of this test</description>
    <example service.version="2.1.9">FrogSSH_2.1.9</example>
    <example service.version="3.0" os.product="Pond Linux">FrogSSH-v3.0 (Pond Linux)</example>
    <example _encoding="base64" service.version="4.0">RnJvZ1NTSF80LjA=</example>
    <param pos="0" name="service.vendor" value="Frog"/>
    <param pos="0" name="service.product" value="FrogSSH"/>
    <param pos="1" name="service.version"/>
    <param pos="2" name="os.product"/>
    <param pos="0" name="service.cpe23" value="cpe:/a:frog:frogssh:{service.version}"/>
  </fingerprint>
  <fingerprint pattern="\Atoad (?&lt;digits&gt;\h+)\z" flags="REG_ICASE">
    <description>Toad, in any case</description>
    <example service.version="1f">TOAD 1F</example>
    <param pos="0" name="service.product" value="Toad"/>
    <param pos="1" name="service.version"/>
  </fingerprint>
  <fingerprint pattern="^newt(?>a|b)$"><description>atomic</description></fingerprint>
  <fingerprint pattern="^(newt$"><description>broken</description></fingerprint>
</fingerprints>
`;

async function withFolder<T>(files: Readonly<Record<string, string>>, use: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'quietdoor-recog-'));
  try {
    for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
    return await use(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

for (const pattern of [
  '\\A(a+)+\\z',
  '^(?=(a|a|a)*$)x',
  '(.*)(.*)(.*)(.*)(?=q)z',
  '(?!b)(?:(?:a|b)c*){2,}$',
  '(?=x)(a*b?)+',
])
  test(`beside a look-around, which the linear engine does not know, ${pattern} is refused`, () => {
    const translation = translatePattern(pattern, []);
    assert.equal(translation.kind, 'problem');
    assert.match(translation.kind === 'problem' ? translation.message : '', /could take very long/);
  });

test('patterns that backtrack without a look-around are left to the linear engine', () => {
  for (const pattern of ['^(a+)+$', '^(?:a|a)*$', '\\A(?:Pond|Toad) v([\\d.]+)(?: .*)?\\z'])
    assert.equal(translatePattern(pattern, []).kind, 'pattern', pattern);
});

suite('fingerprints of the user', () => {
  test("the file's own examples hold", () => {
    const { matches, fingerprints } = readFingerprints(SAMPLE, () => {});
    assert.equal(matches, 'ssh.banner');
    let examples = 0;
    for (const { examples: own, ...fingerprint } of fingerprints)
      for (const { text, want } of own) {
        const found = matchFirst([{ ...fingerprint, examples: [] }], text);
        assert.ok(found, text);
        for (const [name, value] of Object.entries(want))
          assert.equal(found.get(name)?.toLowerCase(), value.toLowerCase(), text);
        examples++;
      }
    assert.equal(examples, 4);
  });

  test('a folder is read whole; what cannot be used is named with file and line', async () => {
    await withFolder(
      {
        'a.xml': SAMPLE,
        'b.xml': '<fingerprints><fingerprint pattern="x"/>',
        'c.txt': 'no',
        'd.xml': '<fingerprints/>',
      },
      async (dir) => {
        const recog = await loadRecog(dir);
        assert.equal(recog.size, 2);
        assert.deepEqual(
          recog.problems.map((p) => `${p.file}:${p.line}`),
          ['a.xml:20', 'a.xml:21', 'b.xml:1', 'd.xml:1'],
        );
        assert.match(recog.problems[0]?.message ?? '', /the group \(\?>a\.\.\. is not understood/);
        assert.deepEqual(recog.match('ssh.banner', 'FrogSSH_2.1.9'), {
          product: 'FrogSSH',
          version: '2.1.9',
          cpe: 'cpe:/a:frog:frogssh:2.1.9',
        });
        assert.equal(recog.match('ssh.banner', 'Salamander'), null);
        assert.equal(recog.match('ftp.banner', 'FrogSSH_2.1.9'), null);
      },
    );
  });

  test('a folder that is not there, or has none, says so', async () => {
    await assert.rejects(loadRecog('/nonexistent/recog'), /cannot read the fingerprints in .*ENOENT/);
    await withFolder({}, (dir) => assert.rejects(loadRecog(dir), /holds no XML file/));
  });

  test('entities, document types and deep nesting are refused', () => {
    const bombs = [
      '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><fingerprints matches="x">&c;</fingerprints>',
      '<fingerprints matches="x">&lol;</fingerprints>',
      `<fingerprints matches="x">${'<a>'.repeat(100)}`,
    ];
    for (const xml of bombs) {
      const problems: string[] = [];
      assert.deepEqual(readFingerprints(xml, (_, message) => problems.push(message)).fingerprints, []);
      assert.equal(problems.length, 1, xml.slice(0, 40));
    }
  });

  test('a pattern that goes back and forth does not hang', async () => {
    const xml =
      '<fingerprints matches="x"><fingerprint pattern="^(a+)+$" flags="REG_ICASE"/><fingerprint pattern="^(a+)+(?=b)$"/></fingerprints>';
    await withFolder({ 'a.xml': xml }, async (dir) => {
      const recog = await loadRecog(dir);
      assert.equal(recog.size, 1);
      assert.match(recog.problems[0]?.message ?? '', /could take very long/);
      // Decades of steps for an engine that goes back and forth.
      assert.equal(recog.match('x', `${'a'.repeat(200)}!`), null);
    });
  });
});

suite('patterns of Ruby', () => {
  const cases: readonly (readonly [string, readonly string[], string, boolean])[] = [
    ['^a.c$', [], 'a\nc', false],
    ['^a.c$', ['REG_DOT_NEWLINE'], 'a\nc', true],
    ['^Server$', ['REG_ICASE'], 'sERVER', true],
    ['^[a-f]+$', ['REG_ICASE'], 'ABCdef', true],
    ['^[^a-c]+$', ['REG_ICASE'], 'B', false],
    ['(?i)^server$', [], 'SERVER', true],
    ['^(?i)server$', [], 'SERVER', true],
    ['^[[:alpha:]]+[[:digit:]]$', [], 'abc1', true],
    ['^\\h{4}$', [], 'C0fe', true],
    ['\\Aone\\z', [], 'one\ntwo', false],
    ['^two$', [], 'one\ntwo', true],
    ['^a{,2}$', [], 'aa', true],
    ['^a{,2}$', [], 'aaa', false],
    ['^\\x41\\d+\\.$', ['REG_ICASE'], 'A7.', true],
  ];
  for (const [pattern, flags, text, want] of cases)
    test(`${pattern} ${flags.join()} on ${JSON.stringify(text)}`, () => {
      const translation = translatePattern(pattern, flags);
      assert.equal(translation.kind, 'pattern');
      assert.equal(translation.kind === 'pattern' && translation.regExp.test(text), want);
    });

  for (const pattern of ['^a++$', '(?>a)', '\\1(a)', '[a&&b]', '(?<a', 'a'.repeat(5000)])
    test(`${pattern.slice(0, 20)} is a problem, not a guess`, () => {
      assert.equal(translatePattern(pattern, []).kind, 'problem');
    });
});

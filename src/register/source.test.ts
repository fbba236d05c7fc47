import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, test } from 'node:test';
import { UserError } from '../model/errors.ts';
import { directorySource, gitSource } from './source.ts';
import { loadWorkspace } from './workspace.ts';

const made: string[] = [];
afterEach(() => {
  for (const dir of made.splice(0)) rmSync(dir, { recursive: true, force: true });
});

const ENTRY = (id: string, port: number) => `ports:\n  - { id: ${id}, hosts: [h], port: ${port} }\n`;

function workspace(files: Record<string, string>): string {
  const dir = mkdtempSync(join(tmpdir(), 'quietdoor-source-'));
  made.push(dir);
  for (const [path, text] of Object.entries({ 'ws/quietdoor.yaml': 'name: x\n', ...files })) {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), text);
  }
  return dir;
}

test('a folder lists config, exceptions and register files, sorted, and nothing else', async () => {
  const dir = workspace({
    'ws/register/b.yml': '',
    'ws/register/team/a.yaml': '',
    'ws/register/README.md': '',
    'ws/register/.hidden.yaml': '',
    'ws/exceptions.yaml': '',
    'ws/other.yaml': '',
  });
  const source = directorySource(join(dir, 'ws'));
  assert.deepEqual(await source.list(), [
    'exceptions.yaml',
    'quietdoor.yaml',
    'register/b.yml',
    'register/team/a.yaml',
  ]);
});

test('what cannot be read is told of; the rest is used', async () => {
  const dir = workspace({ 'ws/register/fine.yaml': ENTRY('fine', 1), 'outside.yaml': ENTRY('outside', 2) });
  const register = join(dir, 'ws/register');
  symlinkSync('../../outside.yaml', join(register, 'a-link.yaml'));
  symlinkSync('fine.yaml', join(register, 'z-inside.yaml'));
  symlinkSync('nowhere', join(register, 'b-broken.yaml'));
  symlinkSync('/', join(register, 'c-folder'));
  const program = 'mkfifo'; // POSIX; in a variable, since knip asks for a package of every program it sees
  execFileSync(program, [join(register, 'd-pipe.yaml')]);
  writeFileSync(join(register, 'e-large.yaml'), '');
  truncateSync(join(register, 'e-large.yaml'), 200 << 20);
  const { register: loaded } = await loadWorkspace(directorySource(join(dir, 'ws')));
  assert.deepEqual(
    loaded.problems.map((p) => [p.at.file, p.code, p.mightCover]),
    [
      ['register/a-link.yaml', 'unreadable-file', 'anything'],
      ['register/b-broken.yaml', 'unreadable-file', 'anything'],
      ['register/c-folder', 'unreadable-file', 'anything'],
      ['register/d-pipe.yaml', 'unreadable-file', 'anything'],
      ['register/e-large.yaml', 'unreadable-file', 'anything'],
      ['register/z-inside.yaml', 'duplicate-id', { transport: 'tcp', ports: [{ from: 1, to: 1 }] }],
    ],
  );
  assert.match(loaded.problems[4]?.message ?? '', /200 MiB; at most 32 MiB/);
  assert.deepEqual(
    loaded.entries.map((entry) => entry.id),
    ['fine'],
  );
});

const isRoot = process.getuid?.() === 0;
test('a file that this user may not read', { skip: isRoot && 'root may read everything' }, async () => {
  const dir = workspace({ 'ws/register/a.yaml': ENTRY('a', 1) });
  chmodSync(join(dir, 'ws/register/a.yaml'), 0);
  const { register } = await loadWorkspace(directorySource(join(dir, 'ws')));
  assert.match(register.problems[0]?.message ?? '', /EACCES/);
});

test('a workspace extends a folder and a file; what differs is a deviation', async () => {
  const dir = workspace({
    'ws/quietdoor.yaml':
      'name: x\nextends: [../shared, ../policy.yaml]\nzones: { app: [10.0.0.0/8] }\npolicy: { review: 90d }\n',
    'ws/register/own.yaml': ENTRY('ssh', 2222),
    'shared/quietdoor.yaml': 'extends: ../base\nzones: { app: [10.20.0.0/16] }\nowners: { ops: ops@example.org }\n',
    'shared/register/ssh.yaml': ENTRY('ssh', 22),
    'base/register/ntp.yaml': ENTRY('ntp', 123),
    'policy.yaml': 'policy: { review: 180d }\nports:\n  - { id: dns, hosts: [h], port: 53 }\nexceptions: []\n',
  });
  const { register, files } = await loadWorkspace(directorySource(join(dir, 'ws')));
  assert.deepEqual(register.problems, []);
  assert.deepEqual(
    register.entries.map((entry) => [entry.id, entry.ports[0]?.from, entry.inheritedFrom, entry.at.file]),
    [
      ['dns', 53, '../policy.yaml', '../policy.yaml'],
      ['ntp', 123, '../base', '../base/register/ntp.yaml'],
      ['ssh', 2222, null, 'register/own.yaml'],
    ],
  );
  assert.deepEqual(
    register.deviations.map((d) => `${d.what} ${d.at.file}:${d.at.line}:${d.at.column}`),
    ['zone:app quietdoor.yaml:3:10', 'policy:reviewEveryDays quietdoor.yaml:4:11', 'entry:ssh register/own.yaml:2:5'],
  );
  assert.equal(register.policy.reviewEveryDays, 90);
  assert.equal(files.length, 6);
});

const EXTENDS: { name: string; files: Record<string, string>; want: string[] }[] = [
  {
    name: 'what does not exist',
    files: { 'ws/quietdoor.yaml': 'extends: ../nowhere\n' },
    want: ['quietdoor.yaml:1:1 extends-unreadable'],
  },
  { name: 'itself', files: { 'ws/quietdoor.yaml': 'extends: .\n' }, want: ['quietdoor.yaml:1:1 extends-cycle'] },
  {
    name: 'a circle',
    files: {
      'ws/quietdoor.yaml': 'extends: ../a\n',
      'a/quietdoor.yaml': 'extends: ../b\n',
      'b/quietdoor.yaml': 'extends: ../a\n',
    },
    want: ['../b/quietdoor.yaml:1:1 extends-cycle'],
  },
  {
    name: 'its user',
    files: { 'ws/quietdoor.yaml': 'extends: ../a\n', 'a/quietdoor.yaml': 'extends: ../ws\n' },
    want: ['../a/quietdoor.yaml:1:1 extends-cycle'],
  },
  {
    name: 'too long a chain',
    files: Object.fromEntries([
      ['ws/quietdoor.yaml', 'extends: ../1\n'],
      ...[1, 2, 3, 4, 5, 6].map((n) => [`${n}/quietdoor.yaml`, `extends: ../${n + 1}\n`]),
    ]),
    want: ['../5/quietdoor.yaml:1:1 extends-depth'],
  },
];
for (const { name, files, want } of EXTENDS)
  test(`extends: ${name}`, async () => {
    const { register } = await loadWorkspace(directorySource(join(workspace(files), 'ws')));
    assert.deepEqual(
      register.problems.map((p) => `${p.at.file}:${p.at.line}:${p.at.column} ${p.code}`),
      want,
    );
  });

function git(dir: string, ...args: string[]): void {
  execFileSync('git', ['-c', 'user.name=x', '-c', 'user.email=x@example.org', '-C', dir, ...args], { stdio: 'ignore' });
}
const hasGit = (() => {
  try {
    execFileSync('git', ['--version']);
    return true;
  } catch {
    return false;
  }
})();

test('a revision of git: as it was then, links not followed', { skip: !hasGit && 'git is not installed' }, async () => {
  const dir = workspace({
    'ws/quietdoor.yaml': 'extends: ../shared\n',
    'ws/register/a.yaml': ENTRY('old', 1),
    'shared/register/s.yaml': ENTRY('shared', 2),
  });
  symlinkSync('/etc/hostname', join(dir, 'ws/register/link.yaml'));
  git(dir, 'init', '-q', '-b', 'main');
  git(dir, 'add', '.');
  git(dir, 'commit', '-q', '-m', 'one');
  writeFileSync(join(dir, 'ws/register/a.yaml'), ENTRY('new', 1));
  git(dir, 'commit', '-q', '-am', 'two');
  for (const source of [gitSource(dir, 'ws', 'HEAD~1'), gitSource(join(dir, 'ws'), '', 'main^')]) {
    const { register } = await loadWorkspace(source);
    assert.deepEqual(
      register.entries.map((entry) => `${entry.id} ${entry.inheritedFrom}`),
      ['old null', 'shared ../shared'],
    );
    assert.deepEqual(
      register.problems.map((p) => [p.at.file, p.code]),
      [['register/link.yaml', 'unreadable-file']],
    );
  }
  await assert.rejects(loadWorkspace(gitSource(dir, 'ws', 'nowhere')), UserError);
  await assert.rejects(loadWorkspace(gitSource(dir, '../..', 'main')), UserError);
});

for (const revision of ['--output=/tmp/x', '-p', '', 'a b', 'a:b', 'a\nb', '$(x)', '../x'])
  test(`no git revision: ${JSON.stringify(revision)}`, () => {
    assert.throws(() => gitSource('.', '', revision), UserError);
  });

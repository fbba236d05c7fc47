import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { makeRepo, missingTool, type TestRepo, tempDir } from '../../test/git-fixture.ts';
import { findTrustRoot } from './trust-root.ts';

const skip = missingTool('git');
const exec = promisify(execFile);

let root = '';
let repo: TestRepo;
before(async () => {
  root = await tempDir();
  if (skip !== false) return;
  repo = await makeRepo(join(root, 'repo'));
  await repo.commit({ allowed_signers: 'top\n', 'ports/allowed_signers': 'main\n' }, { author: 'carol' });
  await repo.git('branch', 'release');
  await repo.git('checkout', '-q', '-b', 'change');
  await repo.commit({ 'ports/allowed_signers': 'change\n' }, { author: 'mallory' });
  await writeFile(join(repo.dir, 'ports/allowed_signers'), 'working tree\n');
});
after(() => rm(root, { recursive: true, force: true }));

function find(over: { env?: NodeJS.ProcessEnv; dir?: string | null; machineConfig?: string } = {}) {
  return findTrustRoot({
    repoDir: over.dir === undefined ? repo.dir : over.dir,
    noRepository: 'the workspace is not in a git repository',
    pathInRepo: 'ports',
    env: { PATH: process.env.PATH, HOME: root, ...over.env },
    machineConfig: over.machineConfig ?? join(root, 'none.yaml'),
  });
}

test('the list of the base branch counts, not the one of the change or of the working tree', { skip }, async () => {
  assert.deepEqual(await find(), { kind: 'found', text: 'main\n', where: 'ports/allowed_signers on main' });
});

test('QUIETDOOR_BASE_REF names the base; one that git does not know is no reason to take another', {
  skip,
}, async () => {
  const named = await find({ env: { QUIETDOOR_BASE_REF: 'release' } });
  assert.deepEqual(named, { kind: 'found', text: 'main\n', where: 'ports/allowed_signers on release' });
  for (const ref of ['nowhere', '--all', 'main:ports', '-h']) {
    const got = await find({ env: { QUIETDOOR_BASE_REF: ref } });
    assert.match(JSON.stringify(got), /"none".*QUIETDOOR_BASE_REF/, ref);
  }
});

test('a clone takes the default branch of its remote, and no local branch where that is not known', {
  skip,
}, async () => {
  const clone = join(root, 'clone');
  await repo.git('checkout', '-q', '-f', 'main');
  await exec('git', ['clone', '-q', repo.dir, clone]);
  await exec('git', [
    '-C',
    clone,
    '-c',
    'user.name=m',
    '-c',
    'user.email=m@example.org',
    'commit',
    '-q',
    '--allow-empty',
    '-m',
    'local',
  ]);
  assert.deepEqual(await find({ dir: clone }), {
    kind: 'found',
    text: 'main\n',
    where: 'ports/allowed_signers on origin/main',
  });
  await exec('git', ['-C', clone, 'remote', 'set-head', 'origin', '--delete']);
  assert.match(JSON.stringify(await find({ dir: clone })), /"none".*set-head origin --auto/);
});

test('a file of the machine wins over the repository, and a broken one is not passed over', { skip }, async () => {
  const file = join(root, 'signers');
  const config = join(root, 'config.yaml');
  await writeFile(file, 'machine\n');
  await writeFile(config, `allowedSigners: ${file}\n`);
  assert.deepEqual(await find({ env: { QUIETDOOR_ALLOWED_SIGNERS: file } }), {
    kind: 'found',
    text: 'machine\n',
    where: `${file} (named by QUIETDOOR_ALLOWED_SIGNERS)`,
  });
  assert.deepEqual(await find({ machineConfig: config }), {
    kind: 'found',
    text: 'machine\n',
    where: `${file} (named by ${config})`,
  });
  assert.equal((await find({ env: { QUIETDOOR_ALLOWED_SIGNERS: join(root, 'gone') } })).kind, 'none');
  for (const [text, want] of [
    [`allowedSigners: ${root}/gone\n`, /could not be read/],
    ['allowedSigners: [1]\n', /not the path/],
    ['allowedSigners: [\n', /not valid YAML/],
  ] as const) {
    await writeFile(config, text);
    const got = await find({ machineConfig: config });
    assert.ok(got.kind === 'none');
    assert.match(got.reason, want);
  }
  await writeFile(config, 'listen: 1\n');
  assert.equal((await find({ machineConfig: config })).kind, 'found', 'a setting that is not there is no setting');
});

test('no repository, no file, no base branch: none, with the reason', { skip }, async () => {
  assert.match(JSON.stringify(await find({ dir: null })), /"none".*not in a git repository/);
  const odd = await makeRepo(join(root, 'odd'), 'trunk');
  await odd.commit({ 'ports/allowed_signers': 'x\n' }, { author: 'carol' });
  assert.match(JSON.stringify(await find({ dir: odd.dir })), /"none".*QUIETDOOR_BASE_REF/);
  assert.equal((await find({ dir: odd.dir, env: { QUIETDOOR_BASE_REF: 'trunk' } })).kind, 'found');
  const bare = await makeRepo(join(root, 'bare'));
  await bare.commit({ x: 'x\n' }, { author: 'carol' });
  assert.match(JSON.stringify(await find({ dir: bare.dir })), /there is no ports\/allowed_signers on main/);
});

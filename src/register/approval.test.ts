import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';
import { makeKey, makeRepo, missingTool, type TestKey, type TestRepo, tempDir } from '../../test/git-fixture.ts';
import type { ApprovalState } from '../model/register.ts';
import { judgeApprovals } from './approval.ts';
import { approvalPayload, signPayload } from './signature.ts';
import { directorySource } from './source.ts';
import { type CompleteApproval, stampApproval } from './stamp.ts';
import { loadWorkspace } from './workspace.ts';

const skip = missingTool('ssh-keygen') || missingTool('git');
const exec = promisify(execFile);
const AT = Date.UTC(2026, 9, 1);
const NOW = Date.UTC(2026, 10, 21);
const FILE = 'register/db.yaml';

const CONFIG = `name: test
owners: { team-orders: { email: orders@example.org } }
zones: { app: [10.1.0.0/24] }
policy: { approvers: [alice@example.org, bob@example.org, mallory@example.org] }
`;
const ENTRY = `ports:
  - id: pg
    service: postgresql
    purpose: Orders
    owner: team-orders
    hosts: [db-1]
    port: 5432
    sources: [zone:app]
`;

let root = '';
let alice: TestKey;
let bob: TestKey;
let mallory: TestKey;
let count = 0;
before(async () => {
  root = await tempDir();
  if (skip !== false) return;
  [alice, bob, mallory] = await Promise.all([makeKey(root, 'alice'), makeKey(root, 'bob'), makeKey(root, 'mallory')]);
});
after(() => rm(root, { recursive: true, force: true }));

/** The list that the base branch has: alice and bob, not mallory. */
const signers = () => `alice@example.org ${alice.publicKey}\nbob@example.org ${bob.publicKey}\n`;
const env = (more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv => ({
  PATH: process.env.PATH,
  HOME: root,
  GIT_CONFIG_GLOBAL: '/dev/null',
  ...more,
});

async function judge(dir: string, more: NodeJS.ProcessEnv = {}, now = NOW): Promise<ApprovalState> {
  const workspace = await loadWorkspace(directorySource(dir));
  const states = await judgeApprovals({ workspace, dir, now, env: env(more), machineConfig: join(root, 'no-config') });
  const state = states.get('pg');
  assert.ok(state, JSON.stringify(workspace.register.problems));
  return state;
}

/** Stamps `pg` in a text, signed by a key if one is given. */
async function approve(dir: string, text: string, by: string, how: TestKey | 'commit' | null): Promise<string> {
  await mkdir(join(dir, 'register'), { recursive: true });
  await writeFile(join(dir, FILE), text);
  const { register } = await loadWorkspace(directorySource(dir));
  const entry = register.entries.find((e) => e.id === 'pg');
  assert.ok(entry);
  const stamp: CompleteApproval = { by: `${by}@example.org`, at: AT, digest: entry.digest, hosts: ['db-1'] };
  if (how === null) return stampApproval(text, 'pg', stamp, FILE);
  if (how === 'commit') return stampApproval(text, 'pg', { ...stamp, proof: 'commit' }, FILE);
  const proof = await signPayload(approvalPayload({ entry: 'pg', ...stamp }), how.file);
  return stampApproval(text, 'pg', { ...stamp, proof }, FILE);
}

/** A repository in which carol wrote the entry. */
async function repoByCarol(files: Record<string, string> = {}): Promise<TestRepo> {
  const repo = await makeRepo(join(root, `repo-${++count}`));
  await repo.commit(
    { 'quietdoor.yaml': CONFIG, [FILE]: ENTRY, allowed_signers: signers(), ...files },
    { author: 'carol' },
  );
  return repo;
}

/** The same, and alice approved it by her signature. */
async function approvedByAlice(): Promise<{ repo: TestRepo; text: string }> {
  const repo = await repoByCarol();
  const text = await approve(repo.dir, ENTRY, 'alice', alice);
  await repo.commit({ [FILE]: text }, { author: 'alice' });
  return { repo, text };
}

test('an ssh signature of an allowed signer who did not write the entry proves the approval', { skip }, async () => {
  const { repo } = await approvedByAlice();
  assert.deepEqual(await judge(repo.dir), { kind: 'proven', by: 'alice@example.org', how: 'ssh-signature' });
});

test('no stamp: a draft, and neither git nor ssh-keygen is run', { skip }, async () => {
  const repo = await repoByCarol();
  const tools = join(root, 'trap');
  await mkdir(tools);
  for (const tool of ['git', 'ssh-keygen']) {
    await writeFile(join(tools, tool), `#!/bin/sh\ntouch ${join(root, 'was-run')}\n`);
    await chmod(join(tools, tool), 0o700);
  }
  assert.deepEqual(await judge(repo.dir, { PATH: tools }), { kind: 'draft' });
  await assert.rejects(exec('test', ['-e', join(root, 'was-run')]));
});

/** Each attack starts from an entry that alice approved by her signature. */
const attacks: { name: string; change: (text: string) => Record<string, string>; want: ApprovalState['kind'] }[] = [
  { name: 'entry edited after the approval', change: (t) => ({ [FILE]: t.replace('5432', '5433') }), want: 'void' },
  {
    name: 'zone widened after the approval',
    change: () => ({ 'quietdoor.yaml': CONFIG.replace('/24', '/16') }),
    want: 'void',
  },
  {
    name: 'another approver written in',
    change: (t) => ({ [FILE]: t.replace('by: alice', 'by: bob') }),
    want: 'forged',
  },
  {
    name: 'hosts added to the stamp',
    change: (t) => ({ [FILE]: t.replace('hosts: [db-1]\n      proof', 'hosts: [db-1, db-2]\n      proof') }),
    want: 'forged',
  },
  {
    name: 'hosts taken out of the stamp',
    change: (t) => ({ [FILE]: t.replace('      hosts: [db-1]\n', '') }),
    want: 'forged',
  },
  {
    name: 'approval dated later',
    change: (t) => ({ [FILE]: t.replace('2026-10-01T00', '2026-11-01T00') }),
    want: 'forged',
  },
  {
    name: 'signature taken out',
    change: (t) => ({ [FILE]: t.replace(/ {6}proof: \|\n(?: {8}.*\n)+/, '') }),
    want: 'claimed',
  },
  {
    name: 'somebody who may not approve',
    change: () => ({ 'quietdoor.yaml': CONFIG.replace('alice@example.org, ', '') }),
    want: 'not-allowed',
  },
  {
    name: 'digest taken out of the stamp',
    change: (t) => ({ [FILE]: t.replace(/ {6}digest: .*\n/, '') }),
    want: 'claimed',
  },
];
for (const a of attacks) {
  test(`attack: ${a.name}`, { skip }, async () => {
    const { repo, text } = await approvedByAlice();
    const changed = a.change(text);
    assert.notEqual(Object.values(changed)[0], text);
    await repo.commit(changed, { author: 'mallory' });
    const got = await judge(repo.dir);
    assert.equal(got.kind, a.want, JSON.stringify(got));
  });
}

test('attack: a stamp copied from another entry, with its digest corrected or not', { skip }, async () => {
  const { repo, text } = await approvedByAlice();
  const two = text + text.slice(text.indexOf('  - id: pg')).replace('id: pg', 'id: pg2').replaceAll('5432', '5999');
  await repo.commit({ [FILE]: two }, { author: 'mallory' });
  const states = async () => {
    const workspace = await loadWorkspace(directorySource(repo.dir));
    const judged = await judgeApprovals({
      workspace,
      dir: repo.dir,
      now: NOW,
      env: env(),
      machineConfig: join(root, 'no'),
    });
    return { workspace, kinds: [judged.get('pg')?.kind, judged.get('pg2')?.kind] };
  };
  const first = await states();
  assert.deepEqual(first.kinds, ['proven', 'void']);
  const [pg, pg2] = first.workspace.register.entries;
  const last = two.lastIndexOf(pg?.digest as string);
  const corrected = two.slice(0, last) + two.slice(last).replace(pg?.digest as string, pg2?.digest as string);
  await repo.commit({ [FILE]: corrected }, { author: 'mallory' });
  assert.deepEqual((await states()).kinds, ['proven', 'forged']);
});

test('attack: the change brings its own list of allowed signers', { skip }, async () => {
  const repo = await repoByCarol();
  await repo.git('checkout', '-q', '-b', 'change');
  const text = await approve(repo.dir, ENTRY, 'mallory', mallory);
  const own = `${signers()}mallory@example.org ${mallory.publicKey}\n`;
  await repo.commit({ [FILE]: text, allowed_signers: own }, { author: 'dave' });
  const got = await judge(repo.dir);
  assert.equal(got.kind, 'forged', JSON.stringify(got));
  assert.match((got as { reason: string }).reason, /mallory@example\.org.*allowed_signers on main/);
  // Once it is merged, it counts.
  await repo.git('checkout', '-q', 'main');
  await repo.git('merge', '-q', '--no-ff', '-m', 'merge', 'change');
  assert.equal((await judge(repo.dir)).kind, 'proven');
});

test('attack: the working tree lists another key, and the repository another program to verify with', {
  skip,
}, async () => {
  const repo = await repoByCarol();
  const text = await approve(repo.dir, ENTRY, 'alice', mallory);
  await repo.commit({ [FILE]: text }, { author: 'dave' });
  await writeFile(join(repo.dir, 'allowed_signers'), `alice@example.org ${mallory.publicKey}\n`);
  await repo.git('config', 'gpg.ssh.program', '/bin/true');
  await repo.git('config', 'gpg.ssh.allowedSignersFile', join(repo.dir, 'allowed_signers'));
  assert.equal((await judge(repo.dir)).kind, 'forged');
});

test('attack: who wrote the change approves it, by author, by committer, by signature, by another spelling', {
  skip,
}, async () => {
  const changed = ENTRY.replace('5432', '5433');
  const makers = [
    { author: 'alice' },
    { author: 'dave', committer: 'alice' },
    { author: 'dave', key: alice },
    { author: 'Alice' },
  ];
  for (const maker of makers) {
    const repo = await repoByCarol();
    await repo.commit({ [FILE]: changed }, maker);
    const text = await approve(repo.dir, changed, 'alice', alice);
    await repo.commit({ [FILE]: text }, { author: 'erin' });
    assert.deepEqual(
      await judge(repo.dir),
      { kind: 'self-approved', by: 'alice@example.org' },
      JSON.stringify(maker.author),
    );
  }
});

test('attack: one key under two names', { skip }, async () => {
  const two = `alice@example.org ${alice.publicKey}\nbob@example.org ${alice.publicKey}\n`;
  const repo = await repoByCarol({ allowed_signers: two });
  const changed = ENTRY.replace('5432', '5433');
  await repo.commit({ [FILE]: changed }, { author: 'dave', key: alice });
  const text = await approve(repo.dir, changed, 'bob', alice);
  await repo.commit({ [FILE]: text }, { author: 'bob' });
  assert.deepEqual(await judge(repo.dir), { kind: 'self-approved', by: 'bob@example.org' });
});

test('who widened the zone is who changed the entry', { skip }, async () => {
  const repo = await repoByCarol();
  await repo.commit({ 'quietdoor.yaml': CONFIG.replace('/24', '/16') }, { author: 'alice' });
  const text = await approve(repo.dir, ENTRY, 'alice', alice);
  await repo.commit({ [FILE]: text }, { author: 'alice' });
  assert.equal((await judge(repo.dir)).kind, 'self-approved');
});

test('comments, reformatting and a move to another file are no change of meaning', { skip }, async () => {
  const { repo, text } = await approvedByAlice();
  await repo.commit({ [FILE]: `# by alice\n${text.replace('port: 5432', 'port: "5432"')}` }, { author: 'alice' });
  assert.equal((await judge(repo.dir)).kind, 'proven');
  await repo.commit({ [FILE]: null, 'register/team/pg.yaml': text }, { author: 'alice' });
  assert.equal((await judge(repo.dir)).kind, 'proven');
});

test('merges: the side that wrote the entry counts, not who merged', { skip }, async () => {
  const repo = await repoByCarol();
  await repo.git('checkout', '-q', '-b', 'change');
  const changed = ENTRY.replace('5432', '5433');
  await repo.commit({ [FILE]: changed }, { author: 'carol' });
  await repo.git('checkout', '-q', 'main');
  await repo.commit({ 'register/other.yaml': 'ports: []\n' }, { author: 'alice' });
  await repo.git('-c', 'user.email=alice@example.org', 'merge', '-q', '--no-ff', '-m', 'merge', 'change');
  const text = await approve(repo.dir, changed, 'alice', alice);
  await repo.commit({ [FILE]: text }, { author: 'alice' });
  assert.equal((await judge(repo.dir)).kind, 'proven');
});

test('a signed commit that wrote the stamp proves it; an unsigned one, another signer, a merge by the approver do not', {
  skip,
}, async () => {
  const cases: { name: string; proof: 'commit' | null; author: string; key?: () => TestKey; want: RegExp }[] = [
    {
      name: 'signed by the approver',
      proof: 'commit',
      author: 'alice',
      key: () => alice,
      want: /"proven".*signed-commit/,
    },
    { name: 'signed, and the stamp does not say so', proof: null, author: 'alice', key: () => alice, want: /"proven"/ },
    { name: 'not signed', proof: 'commit', author: 'alice', want: /"claimed".*is not signed/ },
    {
      name: 'signed by somebody else',
      proof: 'commit',
      author: 'alice',
      key: () => bob,
      want: /"claimed".*signed by bob/,
    },
    {
      name: 'signed with an unknown key',
      proof: 'commit',
      author: 'alice',
      key: () => mallory,
      want: /"claimed".*do not list/,
    },
  ];
  for (const c of cases) {
    const repo = await repoByCarol();
    const text = await approve(repo.dir, ENTRY, 'alice', c.proof);
    await repo.commit({ [FILE]: text }, { author: c.author, ...(c.key ? { key: c.key() } : {}) });
    assert.match(JSON.stringify(await judge(repo.dir)), c.want, c.name);
  }
  const repo = await repoByCarol();
  await repo.commit({ [FILE]: await approve(repo.dir, ENTRY, 'alice', 'commit') }, { author: 'mallory' });
  await repo.commit({ 'register/x.yaml': 'ports: []\n' }, { author: 'alice', key: alice });
  assert.equal((await judge(repo.dir)).kind, 'claimed', 'a later signed commit does not bless what others wrote');
});

test('attack: change and stamp in one signed commit', { skip }, async () => {
  const repo = await repoByCarol();
  const text = await approve(repo.dir, ENTRY.replace('5432', '5433'), 'alice', 'commit');
  await repo.commit({ [FILE]: text }, { author: 'dave', key: alice });
  assert.equal((await judge(repo.dir)).kind, 'self-approved');
});

test('without a trust root a signature is a claim, and a tampered one is still forged', { skip }, async () => {
  const { repo, text } = await approvedByAlice();
  await repo.commit({ allowed_signers: null as unknown as string }, { author: 'carol' });
  const got = await judge(repo.dir);
  assert.equal(got.kind, 'claimed');
  assert.match((got as { reason: string }).reason, /there is no allowed_signers on main/);
  await repo.commit({ [FILE]: text.replace('by: alice', 'by: bob') }, { author: 'mallory' });
  assert.equal((await judge(repo.dir)).kind, 'forged');
});

test('the list may come from outside the workspace; a key past its date is a claim', { skip }, async () => {
  const { repo } = await approvedByAlice();
  const list = join(root, 'machine-signers');
  await writeFile(list, `bob@example.org ${bob.publicKey}\n`);
  assert.equal((await judge(repo.dir, { QUIETDOOR_ALLOWED_SIGNERS: list })).kind, 'forged');
  await writeFile(list, `alice@example.org valid-before="20260101" ${alice.publicKey}\n`);
  assert.equal((await judge(repo.dir, { QUIETDOOR_ALLOWED_SIGNERS: list })).kind, 'claimed');
  await writeFile(list, signers());
  assert.equal((await judge(repo.dir, { QUIETDOOR_ALLOWED_SIGNERS: list })).kind, 'proven');
});

test('missing history is unknown: no repository, a shallow clone, changes that are not committed', {
  skip,
}, async () => {
  const { repo, text } = await approvedByAlice();
  const list = join(root, 'signers-for-history');
  await writeFile(list, signers());
  const reasonOf = async (dir: string) => {
    const got = await judge(dir, { QUIETDOOR_ALLOWED_SIGNERS: list });
    assert.equal(got.kind, 'unknown', JSON.stringify(got));
    return (got as { reason: string }).reason;
  };
  const plain = join(root, 'plain');
  await mkdir(join(plain, 'register'), { recursive: true });
  await writeFile(join(plain, 'quietdoor.yaml'), CONFIG);
  await writeFile(join(plain, FILE), text);
  assert.match(await reasonOf(plain), /not in a git repository/);

  const shallow = join(root, 'shallow');
  await exec('git', ['clone', '-q', '--depth', '1', `file://${repo.dir}`, shallow]);
  assert.match(await reasonOf(shallow), /shallow/);

  const changed = await approve(repo.dir, ENTRY.replace('5432', '5434'), 'alice', alice);
  await writeFile(join(repo.dir, FILE), changed);
  assert.match(await reasonOf(repo.dir), /not committed/);

  const empty = await makeRepo(join(root, 'empty'));
  await mkdir(join(empty.dir, 'register'));
  await writeFile(join(empty.dir, 'quietdoor.yaml'), CONFIG);
  await writeFile(join(empty.dir, FILE), text);
  assert.match(await reasonOf(empty.dir), /nothing was committed/);
});

test('attack: own change hidden behind a register that was broken for a while', { skip }, async () => {
  const repo = await repoByCarol();
  const changed = ENTRY.replace('5432', '5433');
  await repo.commit({ [FILE]: changed }, { author: 'alice' });
  await repo.commit({ [FILE]: 'ports: [\n' }, { author: 'dave' });
  const text = await approve(repo.dir, changed, 'alice', alice);
  await repo.commit({ [FILE]: text }, { author: 'dave' });
  assert.match(JSON.stringify(await judge(repo.dir)), /"unknown".*could not be read as it was before/);
});

test('a stamp that is not committed yet is judged by its signature', { skip }, async () => {
  const repo = await repoByCarol();
  await writeFile(join(repo.dir, FILE), await approve(repo.dir, ENTRY, 'alice', alice));
  assert.equal((await judge(repo.dir)).kind, 'proven');
  await writeFile(join(repo.dir, FILE), await approve(repo.dir, ENTRY, 'alice', 'commit'));
  assert.match(JSON.stringify(await judge(repo.dir)), /"claimed".*not committed/);
});

test('a stamp with text that no tool takes is forged, and nothing breaks', { skip }, async () => {
  const { repo, text } = await approvedByAlice();
  const config = CONFIG.replace(/policy.*\n/, '');
  for (const by of ['"a\\0b"', '-x', '"*"', '"a b"', `"${'y'.repeat(9000)}"`]) {
    await repo.commit(
      { 'quietdoor.yaml': config, [FILE]: text.replace('by: alice@example.org', `by: ${by}`) },
      { author: 'mallory' },
    );
    assert.equal((await judge(repo.dir)).kind, 'forged', by);
  }
});

const notRoot = process.getuid?.() === 0 ? false : 'only root can give files to somebody else';
test('a repository of another user is not trusted: unknown', { skip: skip || notRoot }, async () => {
  const { repo } = await approvedByAlice();
  const list = join(root, 'signers-for-owner');
  await writeFile(list, signers());
  await exec('chown', ['-R', '65534', repo.dir]);
  const got = await judge(repo.dir, { QUIETDOOR_ALLOWED_SIGNERS: list });
  assert.match(JSON.stringify(got), /"unknown".*safe\.directory/);
});

test('no tools: unknown, never proven', { skip }, async () => {
  const { repo } = await approvedByAlice();
  const nothing = join(root, 'no-tools');
  await mkdir(nothing);
  assert.equal((await judge(repo.dir, { PATH: nothing })).kind, 'unknown');
});

test('an approval of the future is a claim', { skip }, async () => {
  const { repo } = await approvedByAlice();
  assert.equal((await judge(repo.dir, {}, AT - 86_400_000)).kind, 'claimed');
});

test('git variables of the caller do not lead elsewhere', { skip }, async () => {
  const { repo } = await approvedByAlice();
  const other = await repoByCarol();
  const got = await judge(repo.dir, { GIT_DIR: join(other.dir, '.git'), GIT_WORK_TREE: other.dir });
  assert.equal(got.kind, 'proven');
});

test('attack: history rewritten by a replace reference or a .mailmap', { skip }, async () => {
  const repo = await repoByCarol();
  const changed = ENTRY.replace('5432', '5433');
  const commit = await repo.commit({ [FILE]: changed }, { author: 'alice' });
  const raw = await repo.git('cat-file', 'commit', commit);
  await writeFile(join(repo.dir, '.git', 'fake'), `${raw.replaceAll('alice', 'dave')}\n`);
  const fake = await repo.git('hash-object', '-t', 'commit', '-w', '.git/fake');
  await repo.git('replace', commit, fake);
  const text = await approve(repo.dir, changed, 'alice', alice);
  await repo.commit({ [FILE]: text, '.mailmap': 'Dave <dave@example.org> <alice@example.org>\n' }, { author: 'erin' });
  await repo.git('config', 'log.mailmap', 'true');
  assert.match(await repo.git('log', '-1', '--format=%ae', commit), /dave/);
  assert.equal((await judge(repo.dir)).kind, 'self-approved');
});

test('shared policy: in the same repository, and in another', { skip }, async () => {
  const shared = { 'shared/quietdoor.yaml': CONFIG, [`shared/${FILE}`]: ENTRY, 'shared/allowed_signers': signers() };
  const team = CONFIG.replace('name: test', 'name: team\nextends: ../shared').replace(/zones.*\n/, '');
  const repo = await makeRepo(join(root, 'mono'));
  await repo.commit({ ...shared, 'team/quietdoor.yaml': team }, { author: 'carol' });
  const text = await approve(join(repo.dir, 'shared'), ENTRY, 'alice', alice);
  await repo.commit({ [`shared/${FILE}`]: text }, { author: 'alice' });
  assert.equal((await judge(join(repo.dir, 'team'))).kind, 'proven');

  const outside = await makeRepo(join(root, 'outside'));
  await outside.commit({ 'quietdoor.yaml': team.replace('../shared', join(repo.dir, 'shared')) }, { author: 'carol' });
  const got = await judge(outside.dir);
  assert.equal(got.kind, 'proven', JSON.stringify(got));
});

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { chmod, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { makeKey, missingTool, type TestKey, tempDir } from '../../test/git-fixture.ts';
import { UserError } from '../model/errors.ts';
import { type ApprovalClaim, approvalPayload, signPayload, verifySignature } from './signature.ts';

const skip = missingTool('ssh-keygen');
const claim: ApprovalClaim = {
  entry: 'pg-orders',
  digest: `sha256:${'a'.repeat(64)}`,
  by: 'alice@example.org',
  at: Date.UTC(2026, 8, 30, 14, 2),
  hosts: ['db-2', 'db-1'],
};

let dir = '';
let alice: TestKey;
let mallory: TestKey;
before(async () => {
  dir = await tempDir();
  if (skip !== false) return;
  alice = await makeKey(dir, 'alice');
  mallory = await makeKey(dir, 'mallory');
});
after(() => rm(dir, { recursive: true, force: true }));

test('the payload is canonical: the order of hosts is none of it, absent hosts are not empty hosts', () => {
  assert.equal(
    approvalPayload(claim),
    `{"at":"2026-09-30T14:02:00.000Z","by":"alice@example.org","digest":"sha256:${'a'.repeat(64)}","entry":"pg-orders","hosts":["db-1","db-2"],"type":"quietdoor-approval","version":1}\n`,
  );
  assert.equal(approvalPayload({ ...claim, hosts: ['db-1', 'db-2', 'db-1'] }), approvalPayload(claim));
  const { hosts: _, ...bare } = claim;
  assert.notEqual(approvalPayload(bare), approvalPayload({ ...claim, hosts: [] }));
});

test('a signature verifies for its payload and signer, and for nothing else', { skip }, async () => {
  const signature = await signPayload(approvalPayload(claim), alice.file);
  const allowed = `alice@example.org ${alice.publicKey}\nmallory@example.org ${mallory.publicKey}\n`;
  const verdict = await verifySignature(approvalPayload(claim), signature, claim.by, allowed);
  assert.deepEqual(verdict, { kind: 'good', key: alice.fingerprint });

  const cases: { name: string; changed?: Partial<ApprovalClaim>; signer?: string; allowed?: string; want: string }[] = [
    { name: 'other entry', changed: { entry: 'redis' }, want: 'forged' },
    { name: 'other digest', changed: { digest: `sha256:${'b'.repeat(64)}` }, want: 'forged' },
    { name: 'other time', changed: { at: claim.at + 1 }, want: 'forged' },
    { name: 'other hosts', changed: { hosts: ['db-1', 'db-2', 'db-3'] }, want: 'forged' },
    { name: 'wrong principal', signer: 'mallory@example.org', want: 'untrusted' },
    { name: 'pattern as principal', signer: '*', want: 'untrusted' },
    { name: 'key removed from the list', allowed: `alice@example.org ${mallory.publicKey}\n`, want: 'untrusted' },
    { name: 'no allowed signer at all', allowed: '', want: 'untrusted' },
    { name: 'garbage as list', allowed: '\0\u{1f600} nonsense\n', want: 'untrusted' },
    {
      name: 'key expired',
      allowed: `alice@example.org valid-before="20200101" ${alice.publicKey}\n`,
      want: 'expired',
    },
    {
      name: 'key allowed for another namespace only',
      allowed: `alice@example.org namespaces="git" ${alice.publicKey}\n`,
      want: 'untrusted',
    },
  ];
  for (const c of cases) {
    const payload = approvalPayload({ ...claim, ...c.changed });
    const got = await verifySignature(payload, signature, c.signer ?? claim.by, c.allowed ?? allowed);
    assert.equal(got.kind, c.want, `${c.name}: ${JSON.stringify(got)}`);
  }
});

test('a signature of another namespace, and text that is none, are forged', { skip }, async () => {
  const allowed = `alice@example.org ${alice.publicKey}\n`;
  const forGit = await alice.sign(approvalPayload(claim), 'git');
  for (const signature of [forGit, 'commit', '', '-----BEGIN SSH SIGNATURE-----\nAAAA\n', 'x'.repeat(100_000)]) {
    const got = await verifySignature(approvalPayload(claim), signature, claim.by, allowed);
    assert.equal(got.kind, 'forged', JSON.stringify(got));
  }
});

test('blanks around a signature do not matter, as a YAML block scalar may add them', { skip }, async () => {
  const signature = await signPayload(approvalPayload(claim), alice.file);
  const got = await verifySignature(
    approvalPayload(claim),
    `\n${signature.trim()}`,
    claim.by,
    `alice@example.org ${alice.publicKey}`,
  );
  assert.equal(got.kind, 'good');
});

test('signing with a .pub file uses the agent', { skip: skip || missingTool('ssh-agent', '-h') }, async (t) => {
  const key = await makeKey(dir, 'in-agent');
  const agent = await key.toAgent(join(dir, 'agent.sock'));
  t.after(agent.stop);
  await rename(key.file, `${key.file}.away`);
  const signature = await signPayload(approvalPayload(claim), `${key.file}.pub`, agent.env);
  const got = await verifySignature(approvalPayload(claim), signature, claim.by, `${claim.by} ${key.publicKey}\n`);
  assert.deepEqual(got, { kind: 'good', key: key.fingerprint });
});

test('what a person can put right is a UserError that says what', { skip }, async () => {
  const locked = await makeKey(dir, 'locked', 'right passphrase');
  const askpass = join(dir, 'askpass');
  await writeFile(askpass, '#!/bin/sh\necho wrong\n');
  await chmod(askpass, 0o700);
  const env = { ...process.env, SSH_AUTH_SOCK: '', SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: ':0' };
  const cases = [
    { name: 'wrong passphrase', file: locked.file, env, want: /passphrase/ },
    { name: 'no such key', file: join(dir, 'nowhere'), env, want: /no private key/ },
    { name: 'no ssh-keygen', file: alice.file, env: { PATH: dir }, want: /not installed/ },
    { name: 'not a key', file: askpass, env, want: /could not sign|no private key/ },
  ];
  for (const c of cases) {
    await assert.rejects(
      signPayload(approvalPayload(claim), c.file, c.env),
      (error: unknown) => error instanceof UserError && c.want.test(error.message) && error.hint !== undefined,
      c.name,
    );
  }
  const got = await verifySignature(approvalPayload(claim), 'x', claim.by, '', { PATH: dir });
  assert.deepEqual(got, { kind: 'unavailable', reason: 'ssh-keygen is not installed' });
});

test('no temporary file is left behind', { skip }, async (t) => {
  const own = join(dir, 'tmp');
  await mkdir(own);
  const before = process.env.TMPDIR;
  process.env.TMPDIR = own;
  t.after(() => {
    if (before === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = before;
  });
  await verifySignature(approvalPayload(claim), 'nonsense', claim.by, '');
  assert.deepEqual(readdirSync(own), []);
});

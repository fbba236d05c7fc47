import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { test } from 'node:test';
import { makeKey, missingTool, tempDir } from '../../test/git-fixture.ts';
import { APPROVAL_NAMESPACE } from './signature.ts';
import { newVerifier } from './verified-signatures.ts';
import type { WorkspaceCache } from './workspace.ts';

const skip = missingTool('ssh-keygen');
/** Where nothing can be run, only what is remembered is good. */
const NO_PROGRAMS = { PATH: '/nonexistent' };

test('a good signature is verified once; another text, signer, list or place is verified again', {
  skip,
}, async (t) => {
  const dir = await tempDir();
  t.after(() => rm(dir, { recursive: true, force: true }));
  const [alice, bob] = await Promise.all([makeKey(dir, 'alice'), makeKey(dir, 'bob')]);
  const both = `alice ${alice.publicKey}\nbob ${bob.publicKey}\n`;
  const signature = await alice.sign('text', APPROVAL_NAMESPACE);
  const kept = new Map<string, string>();
  const cache: WorkspaceCache = {
    get: async (key) => kept.get(key) ?? null,
    put: async (key, value) => void kept.set(key, value),
  };
  const ask = async (what: { text?: string; signer?: string; list?: string; place?: string; programs?: boolean }) => {
    const env = what.programs ? process.env : NO_PROGRAMS;
    const verifier = await newVerifier(what.place ?? 'here', what.list ?? both, env, cache);
    const verdict = await verifier.verify(what.text ?? 'text', signature, what.signer ?? 'alice');
    await verifier.remember();
    return verdict.kind;
  };

  assert.equal(await ask({}), 'unavailable');
  assert.equal(kept.size, 0, 'only what is good is remembered');
  assert.equal(await ask({ programs: true }), 'good');
  assert.equal(await ask({}), 'good');
  assert.equal(await ask({ text: 'other' }), 'unavailable');
  assert.equal(await ask({}), 'unavailable', 'what the last run did not use is forgotten');
  assert.equal(await ask({ programs: true }), 'good');
  assert.equal(await ask({ signer: 'bob' }), 'unavailable');
  assert.equal(await ask({ list: `bob ${bob.publicKey}\n` }), 'unavailable');
  assert.equal(await ask({ list: `bob ${bob.publicKey}\n`, programs: true }), 'untrusted');
  assert.equal(await ask({ place: 'there' }), 'unavailable');
});

test('under a list that allows keys for a time, every signature is verified', { skip }, async (t) => {
  const dir = await tempDir();
  t.after(() => rm(dir, { recursive: true, force: true }));
  const alice = await makeKey(dir, 'alice');
  const signature = await alice.sign('text', APPROVAL_NAMESPACE);
  const list = `alice valid-before="29990101" ${alice.publicKey}\n`;
  const kept = new Map<string, string>();
  const cache: WorkspaceCache = {
    get: async (key) => kept.get(key) ?? null,
    put: async (key, value) => void kept.set(key, value),
  };
  const verifier = await newVerifier('here', list, process.env, cache);
  assert.equal((await verifier.verify('text', signature, 'alice')).kind, 'good');
  await verifier.remember();
  assert.equal(kept.size, 0);
});

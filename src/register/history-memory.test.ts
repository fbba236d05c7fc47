import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { makeRepo, missingTool, tempDir } from '../../test/git-fixture.ts';
import { type EntryHistory, readHistory } from './history.ts';
import { directorySource } from './source.ts';
import { loadWorkspace, type WorkspaceCache } from './workspace.ts';

const CONFIG = 'name: test\nowners: { team: { email: team@example.org } }\nzones: { app: [10.1.0.0/24] }\n';

const DIGEST = 'a'.repeat(64);

function entry(id: string, port: number, by?: string): string {
  const stamp =
    by === undefined ? '' : `    approval: { by: ${by}, at: 2026-09-01T00:00:00Z, digest: "sha256:${DIGEST}" }\n`;
  return `  - id: ${id}\n    owner: team\n    hosts: [db-1]\n    port: ${port}\n    sources: [zone:app]\n${stamp}`;
}

const file = (...entries: string[]) => `ports:\n${entries.join('')}`;
const A = 'register/a.yaml';
const B = 'register/b.yaml';

function newCache(): WorkspaceCache & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    get: async (key) => kept.get(key) ?? null,
    put: async (key, value) => void kept.set(key, value),
  };
}

test('what is remembered of the history gives the answers that a walk through all of it gives', async (t) => {
  const skip = missingTool('git');
  if (skip !== false) return t.skip(skip);
  const root = await tempDir();
  t.after(() => rm(root, { recursive: true, force: true }));
  const repo = await makeRepo(join(root, 'repo'));
  const cache = newCache();

  async function ask(memory: WorkspaceCache | undefined): Promise<ReadonlyMap<string, EntryHistory>> {
    const { register } = await loadWorkspace(directorySource(repo.dir), memory ? { cache: memory } : {});
    assert.deepEqual(register.problems, []);
    return readHistory({
      ...{ repoDir: repo.dir, folder: '', extended: [], entries: register.entries, allowedSigners: '' },
      registerDigest: register.digest,
      env: { PATH: process.env.PATH, HOME: root, GIT_CONFIG_GLOBAL: '/dev/null' },
      ...(memory ? { cache: memory } : {}),
    });
  }
  async function same(step: string): Promise<ReadonlyMap<string, EntryHistory>> {
    const want = await ask(undefined);
    assert.deepEqual(await ask(cache), want, step);
    assert.deepEqual(await ask(cache), want, `${step}, again`);
    return want;
  }

  await repo.commit(
    { 'quietdoor.yaml': CONFIG, [A]: file(entry('one', 1)), [B]: file(entry('two', 2)) },
    { author: 'alice' },
  );
  await same('the first commit');
  await repo.commit({ [A]: file(entry('one', 1, 'bob')) }, { author: 'bob' });
  await same('a stamp');
  await repo.commit({ [B]: file(entry('two', 22), entry('three', 3)) }, { author: 'carol' });
  await same('a change and a new entry');
  await writeFile(join(repo.dir, A), file(entry('one', 11, 'bob')));
  const uncommitted = await same('a change that is not committed');
  assert.equal(uncommitted.get('one')?.changed.kind, 'unknown');
  await repo.git('checkout', '-q', '--', A);
  await repo.commit({ 'quietdoor.yaml': CONFIG.replace('10.1.0.0/24', '10.1.0.0/16') }, { author: 'dave' });
  const widened = await same('a zone is widened');
  const { changed } = widened.get('one') ?? {};
  assert.equal(changed?.kind === 'found' && changed.by.author, 'dave@example.org');
  await repo.git('checkout', '-q', '-b', 'side', 'HEAD~1');
  await repo.commit({ [A]: file(entry('one', 1, 'erin')) }, { author: 'erin' });
  await same('another branch');
  await repo.git('checkout', '-q', 'main');
  await same('back again');
  await repo.git('merge', '-q', '--no-edit', 'side');
  await same('a merge');
  await repo.commit({ [A]: file(), [B]: file(entry('one', 1, 'erin'), entry('two', 22)) }, { author: 'frank' });
  await same('an entry moves to another file');
});

test('nothing of the past is read where the answers are remembered, and damaged memory is replaced', async (t) => {
  const skip = missingTool('git');
  if (skip !== false) return t.skip(skip);
  const root = await tempDir();
  t.after(() => rm(root, { recursive: true, force: true }));
  const repo = await makeRepo(join(root, 'repo'));
  await repo.commit({ 'quietdoor.yaml': CONFIG, [A]: file(entry('one', 1)) }, { author: 'alice' });
  const { register } = await loadWorkspace(directorySource(repo.dir));
  const cache = newCache();
  let asked = 0;
  const counting: WorkspaceCache = {
    ...cache,
    get: (key) => {
      asked++;
      return cache.get(key);
    },
  };
  const ask = () =>
    readHistory({
      ...{ repoDir: repo.dir, folder: '', extended: [], entries: register.entries, allowedSigners: '' },
      registerDigest: register.digest,
      env: { PATH: process.env.PATH, HOME: root, GIT_CONFIG_GLOBAL: '/dev/null' },
      cache: counting,
    });
  const first = await ask();
  assert.equal(first.get('one')?.changed.kind, 'found');
  asked = 0;
  assert.deepEqual(await ask(), first);
  assert.equal(asked, 1, 'only the memory of the history is asked for');
  const kept = [...cache.kept];
  assert.equal(kept.length, 2);
  for (const [key, value] of kept) cache.kept.set(key, value.slice(0, 40));
  assert.deepEqual(await ask(), first);
  assert.deepEqual([...cache.kept], kept);
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { type TestContext, test } from 'node:test';
import { observe } from '../src/app/scan.ts';
import { openStore } from '../src/store/store.ts';
import { asNobody, quietdoor, type Run, temporaryFolder } from './run-quietdoor.ts';

const isRoot = process.getuid?.() === 0;
const asRoot = { skip: isRoot ? false : 'needs root' };
const env = { QUIETDOOR_HOST: 'vm-1' };

/** A workspace with one good entry, for a port that nothing listens on, and one observation of this machine. */
async function workspace(t: TestContext): Promise<string> {
  const dir = temporaryFolder(t);
  await quietdoor(['init', '.', '--quiet'], { cwd: dir });
  writeFileSync(
    join(dir, 'register/good.yaml'),
    'ports:\n  - id: good\n    hosts: [vm-1]\n    port: 5\n    transport: tcp\n    purpose: tested\n    owner: nobody\n    sources: []\n',
  );
  const scan = await quietdoor(['scan', '--no-hashes', '--quiet'], { cwd: dir, env });
  assert.ok(scan.code === 0 || scan.code === 3, scan.stderr);
  return dir;
}

const check = (dir: string, ...args: string[]): Promise<Run> =>
  quietdoor(['check', '--format', 'json', ...args], { cwd: dir, env });

const brokenRegisters: readonly { name: string; text: string | Buffer; says: RegExp }[] = [
  {
    name: 'broken YAML',
    text: 'ports:\n  - id: a\n    hosts: [vm-1\n    port: 22\n',
    says: /register\/bad\.yaml:\d+:\d+/,
  },
  {
    name: 'unknown key',
    text: 'ports:\n  - id: a\n    hosts: [vm-1]\n    port: 22\n    transport: tcp\n    pourpose: x\n',
    says: /bad\.yaml:6:5[\s\S]*pourpose[\s\S]*purpose/,
  },
  {
    name: 'port 70000',
    text: 'ports:\n  - id: a\n    hosts: [vm-1]\n    port: 70000\n    transport: tcp\n',
    says: /bad\.yaml:4:11[\s\S]*70000[\s\S]*65535/,
  },
  {
    name: 'reversed range',
    text: 'ports:\n  - id: a\n    hosts: [vm-1]\n    port: "6010-6000"\n    transport: tcp\n',
    says: /bad\.yaml:4:11[\s\S]*6010/,
  },
  {
    name: '10.0.0.0/33',
    text: 'ports:\n  - id: a\n    hosts: [vm-1]\n    port: 22\n    transport: tcp\n    sources: [10.0.0.0/33]\n',
    says: /bad\.yaml:6:\d+[\s\S]*10\.0\.0\.0\/33/,
  },
  {
    name: '100,000 aliases',
    text: `x: &a [1]\nports:\n${'  - *a\n'.repeat(100_000)}`,
    says: /bad\.yaml:\d+:\d+[\s\S]*alias/i,
  },
  {
    name: 'binary garbage',
    text: Buffer.from(Array.from({ length: 4096 }, (_, i) => (i * 7919) % 256)),
    says: /bad\.yaml/,
  },
  { name: 'deep nesting', text: `ports: ${'['.repeat(50_000)}`, says: /bad\.yaml/ },
];

for (const { name, text, says } of brokenRegisters)
  test(`register with ${name}: said once with its place, the rest is checked, exit 2`, async (t) => {
    const dir = await workspace(t);
    writeFileSync(join(dir, 'register/bad.yaml'), text);
    const lint = await quietdoor(['register', 'lint'], { cwd: dir, env });
    assert.equal(lint.code, 1, lint.stderr);
    assert.match(lint.stdout, says);
    const result = await check(dir);
    assert.equal(result.code, 2, result.stderr);
    const { findings, endpoints } = JSON.parse(result.stdout);
    assert.ok(
      findings.some((f: { entry?: string }) => f.entry === 'good'),
      'the good entry is still judged',
    );
    assert.ok(findings.some((f: { rule: string }) => f.rule === 'broken-register'));
    for (const e of endpoints) assert.notEqual(e.verdict.word ?? e.verdict, 'CONFORMS');
  });

test('a register of 200 MB: refused in a sentence, in bounded memory', async (t) => {
  const dir = await workspace(t);
  writeFileSync(join(dir, 'register/huge.yaml'), Buffer.alloc(200 * 1024 * 1024, '# far too much of this\n'));
  const result = await check(dir);
  assert.equal(result.code, 2);
  const lint = await quietdoor(['register', 'lint'], {
    cwd: dir,
    env: { ...env, NODE_OPTIONS: '--max-old-space-size=256' },
  });
  assert.equal(lint.code, 1, lint.stderr);
  assert.match(lint.stdout, /huge\.yaml[\s\S]*MiB/);
});

test('a foreign database file is named and left alone', async (t) => {
  const dir = await workspace(t);
  const path = join(dir, '.quietdoor/quietdoor.db');
  for (const beside of ['', '-wal', '-shm']) rmSync(path + beside, { force: true });
  writeFileSync(path, 'this is no database, it only has the name of one'.repeat(100));
  const before = readFileSync(path);
  for (const args of [['check'], ['scan', '--quiet'], ['events'], ['explain', ':22']]) {
    const { code, stderr } = await quietdoor(args, { cwd: dir, env });
    assert.equal(code, 2, args.join(' '));
    assert.match(stderr, /quietdoor\.db/);
    assert.doesNotMatch(stderr, /\n\s+at /);
  }
  assert.deepEqual(readFileSync(path), before);
});

test('a database of a newer program is refused', async (t) => {
  const dir = await workspace(t);
  const database = new DatabaseSync(join(dir, '.quietdoor/quietdoor.db'));
  database.exec('PRAGMA user_version = 9999');
  database.close();
  const { code, stderr } = await quietdoor(['scan', '--quiet'], { cwd: dir, env });
  assert.equal(code, 2);
  assert.match(stderr, /newer/);
});

test('a full disk: said, and what was acknowledged stays', asRoot, async (t) => {
  const dir = await workspace(t);
  const state = join(dir, 'small');
  mkdirSync(state);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m,mode=0700', 'tmpfs', state]);
  using _mounted = unmounted(state);
  const scan = () => quietdoor(['scan', '--quiet', '--no-hashes', '--state', state], { cwd: dir, env });
  const first = await scan();
  assert.ok(first.code === 0 || first.code === 3, first.stderr);
  const filler = join(state, 'filler');
  assert.throws(() => writeFileSync(filler, Buffer.alloc(8 * 1024 * 1024)), { code: 'ENOSPC' });
  const full = await scan();
  assert.equal(full.code, 2);
  assert.match(full.stderr, /full|space/i);
  assert.doesNotMatch(full.stderr, /\n\s+at /);
  rmSync(filler);
  const events = await quietdoor(['events', '--state', state, '--format', 'json'], { cwd: dir, env });
  assert.equal(events.code, 0, events.stderr);
  assert.ok(JSON.parse(events.stdout).events.length > 0);
  const again = await scan();
  assert.ok(again.code === 0 || again.code === 3, 'with room again it goes on');
});

test('a workspace on a read-only mount: the check answers, and says that nothing was recorded', asRoot, async (t) => {
  const dir = await workspace(t);
  const mount = join(temporaryFolder(t), 'mount');
  mkdirSync(mount);
  execFileSync('mount', ['--bind', dir, mount]);
  using _mounted = unmounted(mount);
  execFileSync('mount', ['-o', 'remount,ro,bind', mount]);
  const result = await check(mount);
  assert.ok(result.code === 1 || result.code === 0 || result.code === 3, `exit ${result.code}: ${result.stderr}`);
  assert.match(result.stderr, /not recorded/);
  assert.equal((await quietdoor(['explain', ':5'], { cwd: mount, env })).stdout.length > 0, true);
  const scan = await quietdoor(['scan', '--quiet'], { cwd: mount, env });
  assert.equal(scan.code, 2);
  assert.match(scan.stderr, /read-only/i);
});

test('an unreadable register file: named, the rest is checked', asRoot, async (t) => {
  const dir = await workspace(t);
  const secret = join(dir, 'register/secret.yaml');
  writeFileSync(secret, 'ports: []\n');
  chmodSync(secret, 0o000);
  for (const path of [
    '.',
    'quietdoor.yaml',
    'exceptions.yaml',
    'register',
    'register/good.yaml',
    '.quietdoor',
    '.quietdoor/quietdoor.db',
  ])
    chownSync(join(dir, path), 65534, 65534);
  const { code, stdout } = await asNobody(['register', 'lint'], dir);
  assert.equal(code, 1);
  assert.match(stdout, /secret\.yaml/);
});

test('/proc with hidepid: owners that cannot be seen are a gap, not nothing', asRoot, () => {
  const root = resolve(import.meta.dirname, '..');
  const script = `mount -t proc -o hidepid=invisible proc /proc && exec setpriv --reuid 65534 --regid 65534 --clear-groups \
    "$0" "$1/bin/quietdoor.js" scan --no-record --no-hashes --format json`;
  let stdout: string;
  try {
    stdout = execFileSync('unshare', ['--mount', '--pid', '--fork', 'sh', '-c', script, process.execPath, root], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'pipe'],
      cwd: '/',
    });
  } catch (error) {
    const failed = error as { status: number; stdout: string; stderr: string };
    assert.equal(failed.status, 3, failed.stderr);
    stdout = failed.stdout;
  }
  const { gaps } = JSON.parse(stdout);
  assert.ok(gaps.length > 0, 'gaps are listed');
});

test('a clock that jumped back: nothing is closed or opened, and the ledger says so', async (t) => {
  const dir = await workspace(t);
  const day = 86_400_000;
  // A look made while the clock ran a day ahead.
  const ahead = await observe(
    { collector: 'local', hashes: false, root: '/' },
    { ...process.env, ...env },
    () => Date.now() + day,
  );
  const state = join(dir, '.quietdoor');
  const store = await openStore({ dir: state, mode: 'write' });
  await store.recordObservation(ahead, Date.now() + day);
  const open = (await store.listenerStates({ openOnly: true })).length;
  await store.close();
  const scan = await quietdoor(['scan', '--quiet', '--no-hashes'], { cwd: dir, env });
  assert.ok(scan.code === 0 || scan.code === 3, scan.stderr);
  const { stdout } = await quietdoor(['events', '--format', 'json', '--limit', '5'], { cwd: dir, env });
  const types = JSON.parse(stdout).events.map((event: { type: string }) => event.type);
  assert.ok(types.includes('clock.stepped-back') || types.includes('observation.out-of-order'), types.join(' '));
  assert.ok(!types.includes('listener.closed'));
  const after = await openStore({ dir: state, mode: 'read' });
  assert.equal((await after.listenerStates({ openOnly: true })).length, open);
  await after.close();
});

/** Unmounts a folder at the end of the block, before the test's folders are removed. */
function unmounted(mount: string): Disposable {
  return { [Symbol.dispose]: () => execFileSync('umount', ['-l', mount]) };
}

import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { test } from 'node:test';
import { createPicture } from '../src/app/watch-picture.ts';
import { createLocalCollector } from '../src/collectors/local.ts';
import { whyNoTestbed } from './network-testbed.ts';

/** A machine with more network namespaces than one look may read: what is not read is not judged. */

const PORT = 18_070;
const LISTEN = `
import socket, sys
s = socket.socket(); s.bind(('127.0.0.1', ${PORT})); s.listen(); print('ready', flush=True)
sys.stdin.readline(); s.close(); print('closed', flush=True); sys.stdin.read()
`;

const names = ['a', 'b', 'c', 'd'].map((name) => `qdr-${name}`);
const scope = (i: number) => `netns:${names[i]}`;

/** With namespaces of its own for processes and mounts it is a machine that nobody else changes. */
async function onItsOwnMachine(): Promise<void> {
  const children: ChildProcess[] = [];
  for (const name of names) {
    execFileSync('ip', ['netns', 'add', name]);
    execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
    const child = spawn('ip', ['netns', 'exec', name, 'python3', '-c', LISTEN], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    children.push(child);
    await once(child.stdout as NodeJS.ReadableStream, 'data');
  }
  const collector = createLocalCollector();
  const picture = createPicture();
  const options = { hashes: false, root: '/', now: Date.now };
  const look = async (budgetMs: number, ...first: string[]) => {
    const seen = await collector.collectRound(options, { budgetMs, first: new Set(first) });
    const happened = picture.look(seen.round).filter(({ listener }) => listener.port === PORT);
    const covered = seen.round.coverage.map((c) => c.scope).filter((s) => names.some((name) => s.endsWith(name)));
    return { ...seen, covered, told: happened.map((h) => `${h.kind} ${h.listener.scope}`) };
  };
  const ours = () => picture.listeners().flatMap((l) => (l.port === PORT ? [l.scope] : []));

  const whole = await look(Number.POSITIVE_INFINITY);
  assert.deepEqual(
    ours().sort(),
    names.map((_, i) => scope(i)),
  );
  assert.ok(whole.isWhole);
  const everywhere = whole.together.coverage;

  children[1]?.stdin?.write('\n');
  await once(children[1]?.stdout as NodeJS.ReadableStream, 'data');
  const other = await look(0, scope(0));
  assert.deepEqual([other.covered, other.told], [[scope(0)], []]);
  assert.ok(!other.round.coverage.some((c) => c.scope === '*'));
  assert.deepEqual(other.together.coverage, everywhere, 'with the looks before, all of it');
  assert.ok(other.round.listeners.every((l) => l.scope === 'host' || l.scope === scope(0)));
  assert.ok(ours().includes(scope(1)), 'nobody looked');
  assert.deepEqual((await look(0, scope(1))).told, [`closed ${scope(1)}`]);

  children[2]?.kill('SIGKILL');
  await once(children[2] as ChildProcess, 'exit');
  execFileSync('ip', ['netns', 'del', names[2] as string]);
  const gone = await look(0, scope(3));
  assert.deepEqual(gone.told, [`closed ${scope(2)}`]);
  assert.deepEqual(gone.covered.sort(), [scope(2), scope(3)]);
  const held = gone.round.listeners.find((l) => l.scope === scope(3));
  assert.match(held?.process?.exe ?? '', /python3/, 'owners are known as ever');
}

if (process.argv[2] === 'inside') {
  await onItsOwnMachine();
  process.exit(); // the processes end with it, and the namespaces with them
} else
  test('a look at some of the namespaces covers what it read; what closed elsewhere is told in its turn, what is gone at once', {
    skip: whyNoTestbed('unshare'),
    timeout: 60_000,
  }, () => {
    const script = 'mkdir -p /run/netns && mount -t tmpfs tmpfs /run/netns && "$@"';
    const inside = ['sh', '-c', script, 'sh', process.execPath, import.meta.filename, 'inside'];
    const { status, stdout, stderr } = spawnSync('unshare', ['-mpf', '--mount-proc', '--kill-child', ...inside], {
      encoding: 'utf8',
    });
    assert.equal(status, 0, stdout + stderr);
  });

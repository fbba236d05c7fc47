import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { whyNoTestbed } from './network-testbed.ts';
import { asNobody, executable, quietdoor, temporaryFolder } from './run-quietdoor.ts';

/** `quietdoor watch` from outside: what it prints, what it records, and what it says of times in which it did not run. */

interface Line {
  readonly schemaVersion: number;
  readonly kind: string;
  readonly subject?: string;
  readonly because?: string;
  readonly method?: string;
  readonly opens?: number;
  readonly closes?: number;
  readonly over?: boolean;
  readonly entries?: number;
  readonly summary?: string;
  readonly reach?: readonly Reach[];
  readonly listener?: { readonly process: { readonly exe?: string; readonly user?: string } | null };
  readonly register?: { readonly word: string; readonly entry?: string; readonly owner?: string };
}

interface Reach {
  readonly ports: string;
  readonly gained?: { readonly words: string; readonly cidrs: readonly string[] };
  readonly lost?: unknown;
}

interface Running {
  readonly child: ChildProcess;
  readonly lines: readonly Line[];
  /** The first line that is so, from the given place on. */
  readonly until: (is: (line: Line) => boolean, what: string) => Promise<Line>;
  /** Ends it with a signal; its exit code, null where the signal itself ended it. */
  readonly stop: (signal: NodeJS.Signals, pid?: number) => Promise<number | null>;
}

const TIMEOUT_MS = 30_000;

/** What a test that failed leaves behind. */
const children = new Set<ChildProcess>();

function begin(program: string, args: readonly string[], cwd: string): Running {
  const child = spawn(program, [...args], {
    cwd,
    env: { PATH: process.env.PATH, HOME: process.env.HOME },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: Line[] = [];
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  createInterface({ input: child.stdout as NodeJS.ReadableStream }).on('line', (line) => lines.push(JSON.parse(line)));
  const ended = once(child, 'close') as Promise<[number | null]>;
  children.add(child);
  child.on('close', () => children.delete(child));
  return {
    child,
    lines,
    until: async (is, what) => {
      for (const since = Date.now(); Date.now() - since < TIMEOUT_MS; await sleep(20)) {
        const found = lines.find(is);
        if (found) return found;
        if (child.exitCode !== null) break;
      }
      throw new Error(`${what} was not told:\n${lines.map((line) => JSON.stringify(line)).join('\n')}\n${stderr}`);
    },
    stop: async (signal, pid = child.pid) => {
      if (child.exitCode === null && pid !== undefined) process.kill(pid, signal);
      return (await ended)[0];
    },
  };
}

/** Listeners that come and go as they are told, in a network namespace. */
const PUPPET = `
import socket, sys, time
open_ = {}
def listen(port):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(('127.0.0.1', port)); s.listen(); return s
print('ready', flush=True)
for line in sys.stdin:
    verb, port, *more = line.split(); port = int(port)
    if verb == 'open': open_[port] = listen(port)
    elif verb == 'close': open_.pop(port).close()
    elif verb == 'restart':
        open_[port].close(); time.sleep(0.3); open_[port] = listen(port)
    elif verb == 'flap':
        for _ in range(int(more[0])):
            s = listen(port); time.sleep(0.02); s.close(); time.sleep(0.005)
    print('done', flush=True)
`;

interface Puppet {
  readonly tell: (command: string) => Promise<void>;
  readonly close: () => void;
}

async function puppetIn(namespace: string): Promise<Puppet> {
  const child = spawn('ip', ['netns', 'exec', namespace, 'python3', '-c', PUPPET], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  await answers.next();
  return {
    tell: async (command) => {
      child.stdin.write(`${command}\n`);
      await answers.next();
    },
    close: () => child.kill('SIGKILL'),
  };
}

function workspace(t: TestContext): string {
  const cwd = temporaryFolder(t);
  writeFileSync(
    join(cwd, 'quietdoor.yaml'),
    'name: test\nowners: { team: { email: team@example.org } }\npolicy: { privileged: ["*"] }\n',
  );
  mkdirSync(join(cwd, 'register'));
  return cwd;
}

function register(cwd: string, ...ports: readonly number[]): void {
  const entries = ports.map(
    (port) =>
      `  - { id: port-${port}, purpose: x, owner: team, hosts: ["*"], scope: any, port: ${port}, bind: any, sources: [] }\n`,
  );
  writeFileSync(join(cwd, 'register/ports.yaml'), `ports:\n${entries.join('')}`);
}

interface Recorded {
  readonly type: string;
  readonly subject: string;
  readonly body: { readonly because?: string; readonly access?: unknown; readonly seconds?: number };
}

async function eventsOf(cwd: string, ...args: readonly string[]): Promise<readonly Recorded[]> {
  const { stdout, stderr, code } = await quietdoor(['events', '--format', 'json', '--limit', '10000', ...args], {
    cwd,
  });
  assert.equal(code, 0, stderr);
  return (JSON.parse(stdout).events as Recorded[]).toReversed();
}

const skip = whyNoTestbed('unshare');
const host = hostname();

describe('watch', { skip, timeout: 300_000 }, () => {
  const namespace = `qdw-${process.pid}`;
  const endpoint = (port: number) => `${host}:${port}/tcp@netns:${namespace}`;
  let puppet: Puppet;
  before(async () => {
    execFileSync('ip', ['netns', 'add', namespace]);
    execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
    // Without an interface to the outside nobody could come in, whatever the filters say.
    execFileSync('ip', ['-n', namespace, 'link', 'add', 'outside', 'type', 'veth', 'peer', 'name', 'wire']);
    execFileSync('ip', ['-n', namespace, 'addr', 'add', '10.99.0.1/24', 'dev', 'outside']);
    execFileSync('ip', ['-n', namespace, 'addr', 'add', 'fd99::1/64', 'dev', 'outside', 'nodad']);
    for (const end of ['outside', 'wire']) execFileSync('ip', ['-n', namespace, 'link', 'set', end, 'up']);
    puppet = await puppetIn(namespace);
  });
  after(() => {
    puppet?.close();
    for (const child of children) child.kill('SIGKILL');
    spawnSync('ip', ['netns', 'del', namespace]);
  });

  /** In a mount namespace of its own, where tracefs can be mounted without anybody else seeing it. */
  const watch = (cwd: string, ...more: readonly string[]): Running => {
    const script = 'mount -t tracefs tracefs /sys/kernel/tracing 2>/dev/null; exec "$@"';
    const command = [process.execPath, executable, 'watch', '--format', 'jsonl', '--no-hashes', ...more];
    return begin('unshare', ['-m', 'sh', '-c', script, 'sh', ...command], cwd);
  };

  test('tells of what opens, closes, restarts and flaps, and records all of it', async (t) => {
    const cwd = workspace(t);
    register(cwd, 18_080);
    const running = watch(cwd);
    const started = await running.until((line) => line.kind === 'started', 'the start');
    const traced = started.method?.includes('trace (TCP)') === true;
    const about = (port: number, ...kinds: string[]) =>
      running.lines.filter((l) => l.subject === endpoint(port) && (kinds.length === 0 || kinds.includes(l.kind)));

    await puppet.tell('open 18080');
    const opened = await running.until((l) => l.kind === 'opened' && l.subject === endpoint(18_080), 'an opening');
    assert.equal(opened.schemaVersion, 1);
    assert.match(opened.listener?.process?.exe ?? '', /python3/);
    assert.equal(opened.listener?.process?.user, 'root');
    assert.deepEqual(
      [opened.register?.word, opened.register?.entry, opened.register?.owner],
      ['unproven', 'port-18080', 'team'],
      JSON.stringify(opened.register),
    );
    await puppet.tell('restart 18080');

    await puppet.tell('open 19999');
    const unknown = await running.until(
      (l) => l.kind === 'opened' && l.subject === endpoint(19_999),
      'another opening',
    );
    assert.equal(unknown.register?.word, 'unregistered');
    register(cwd, 18_080, 19_999);
    await running.until((l) => l.kind === 'register' && l.entries === 2, 'a register that changed');
    await puppet.tell('close 19999');
    const closed = await running.until((l) => l.kind === 'closed' && l.subject === endpoint(19_999), 'a closing');
    assert.equal(closed.register?.word, 'unproven', 'by the register of now');

    await puppet.tell('flap 18081 40');
    if (traced) await running.until((l) => l.kind === 'flapping' && l.subject === endpoint(18_081), 'flapping');
    const second = await quietdoor(['watch', '--for', '1s'], { cwd });
    assert.equal(second.code, 2);
    assert.match(second.stderr, /another watch runs/);

    assert.equal(await running.stop('SIGTERM'), 0);
    assert.deepEqual(
      [running.lines.at(-1)?.kind, running.lines.at(-1)?.because],
      ['stopped', 'asked to stop (SIGTERM)'],
    );
    assert.deepEqual(
      about(18_080).map((l) => l.kind),
      ['opened'],
      'a restart is quiet',
    );
    const events = await eventsOf(cwd);
    const count = (type: string, port: number) =>
      events.filter((e) => e.type === type && e.subject === endpoint(port)).length;
    assert.equal(events.filter((e) => e.type === 'watch.started').length, 1);
    assert.equal(events.find((e) => e.type === 'watch.stopped')?.body.because, 'asked to stop (SIGTERM)');
    assert.equal(count('listener.closed', 19_999), 1);
    if (traced) {
      assert.deepEqual([count('listener.opened', 18_080), count('listener.closed', 18_080)], [2, 1], 'the restart too');
      assert.deepEqual([count('listener.opened', 18_081), count('listener.closed', 18_081)], [40, 40]);
      const [first, ...rest] = about(18_081);
      assert.equal(first?.kind, 'opened');
      assert.ok(rest.length <= 3, 'folded');
      const last = rest.at(-1);
      assert.deepEqual([last?.kind, last?.opens, last?.closes, last?.over], ['flapping', 40, 40, true]);
    } else t.diagnostic(`without the trace: ${started.method}`);
    const verified = await quietdoor(['ledger', 'verify'], { cwd });
    assert.equal(verified.code, 0, verified.stdout + verified.stderr);
    await puppet.tell('close 18080');
  });

  test('what happened while nobody watched is caught up, and the time is a gap; so it is after kill -9', async (t) => {
    const cwd = workspace(t);
    const first = watch(cwd, '--no-checkpoint');
    await first.until((l) => l.kind === 'started', 'the start');
    await first.stop('SIGINT');
    await puppet.tell('open 18090');
    const second = watch(cwd, '--no-checkpoint');
    assert.equal((await second.until((l) => l.kind === 'gap', 'a gap')).because, 'the watch was stopped');
    await second.until((l) => l.kind === 'caught-up', 'what changed meanwhile');
    await second.until((l) => l.kind === 'opened' && l.subject === endpoint(18_090), 'what opened meanwhile');
    assert.equal(await second.stop('SIGKILL'), null);
    await puppet.tell('close 18090');
    const third = watch(cwd, '--no-checkpoint', '--for', '2s');
    const gap = await third.until((l) => l.kind === 'gap', 'a gap');
    assert.equal(gap.because, 'the watch ended without saying so');
    await third.until((l) => l.kind === 'stopped', 'the end');
    const events = await eventsOf(cwd);
    assert.deepEqual(
      events.filter((e) => e.type === 'watch.gap').map((e) => e.body.because),
      ['the watch was stopped', 'the watch ended without saying so'],
    );
    const own = events.filter((e) => e.subject === endpoint(18_090)).map((e) => e.type);
    assert.deepEqual(own, ['listener.opened', 'listener.closed']);
  });

  test('Ctrl-C ends it with 130, --for with the code of a look', async (t) => {
    const cwd = workspace(t);
    const first = watch(cwd, '--no-checkpoint', '--no-trace');
    const started = await first.until((l) => l.kind === 'started', 'the start');
    assert.equal(started.method, 'polling (as asked)');
    assert.equal(await first.stop('SIGINT'), 130);
    const timed = await quietdoor(['watch', '--for', '1s', '--no-checkpoint', '--no-hashes'], { cwd });
    assert.ok(timed.code === 0 || timed.code === 3, timed.stderr);
    assert.match(timed.stdout, /\d\d:\d\d:\d\d {2}watching {2}/);
    assert.match(timed.stdout, /\d\d:\d\d:\d\d {2}stopped {3}its time was over\n$/);
    for (const wrong of ['10', '0s', '5w', '99999d'])
      assert.equal((await quietdoor(['watch', '--for', wrong], { cwd })).code, 2, wrong);
  });

  test('a changed packet filter is told with who can reach what now, and recorded', async (t) => {
    const cwd = workspace(t);
    const nft = (...args: string[]) => execFileSync('ip', ['netns', 'exec', namespace, 'nft', ...args]);
    nft('add', 'table', 'inet', 'filter');
    nft('add chain inet filter input { type filter hook input priority filter; policy drop; }');
    nft('add rule inet filter input tcp dport 22 ip saddr 10.0.0.0/8 accept');
    t.after(() => nft('flush', 'ruleset'));
    // The namespace is the whole machine to it: its first process is the program.
    const inside = ['unshare', '-m', '-pf', '--kill-child', '--mount-proc'];
    const command = [
      process.execPath,
      executable,
      'watch',
      '--format',
      'jsonl',
      '--no-trace',
      '--no-checkpoint',
      '--no-hashes',
    ];
    const running = begin('ip', ['netns', 'exec', namespace, ...inside, ...command], cwd);
    await running.until((l) => l.kind === 'started', 'the start');
    // Known before it changes: the first look at the filters is in the ledger.
    for (let i = 0; i < 500 && !(await eventsOf(cwd)).some((e) => e.type === 'firewall.recorded'); i++)
      await sleep(100);
    nft('add rule inet filter input tcp dport 8443 accept');
    const changed = await running.until((l) => l.kind === 'firewall', 'a changed packet filter');
    assert.equal(changed.summary, '1 rule added');
    const [reach, ...more] = changed.reach ?? [];
    assert.deepEqual([reach?.ports, reach?.lost, more], ['8443', undefined, []]);
    assert.match(reach?.gained?.words ?? '', /^every address$/);
    assert.ok(reach?.gained?.cidrs.includes('128.0.0.0/1'));
    const child = readFileSync(`/proc/${running.child.pid}/task/${running.child.pid}/children`, 'utf8').trim();
    assert.equal(await running.stop('SIGTERM', Number(child)), 0);
    const events = (await eventsOf(cwd)).filter((e) => e.type === 'firewall.changed');
    assert.equal(events.length, 1);
    assert.deepEqual(events[0]?.body.access, changed.reach);
  });

  test('alerts that are configured while it runs are sent', async (t) => {
    const cwd = workspace(t);
    const running = watch(cwd, '--no-checkpoint', '--no-trace');
    await running.until((l) => l.kind === 'started', 'the start');
    await puppet.tell('open 18095');
    await running.until((l) => l.kind === 'opened' && l.subject === endpoint(18_095), 'an opening');
    const config = join(cwd, 'quietdoor.yaml');
    const alerts = 'alerts: { channels: [{ name: file, kind: jsonl, path: alerts.jsonl }] }\n';
    writeFileSync(config, readFileSync(config, 'utf8') + alerts);
    for (let i = 0; i < 600 && !existsSync(join(cwd, 'alerts.jsonl')); i++) await sleep(100);
    assert.ok(existsSync(join(cwd, 'alerts.jsonl')), JSON.stringify(running.lines));
    assert.equal(await running.stop('SIGTERM'), 0);
    await puppet.tell('close 18095');
  });

  test('without root it watches what it can, and says what it cannot see', async (t) => {
    const cwd = workspace(t);
    mkdirSync(join(cwd, '.quietdoor'), { mode: 0o777 });
    execFileSync('chmod', ['777', join(cwd, '.quietdoor')]);
    const { code, stdout, stderr } = await asNobody(['watch', '--for', '2s', '--no-checkpoint'], cwd);
    assert.equal(code, 3, stderr);
    assert.match(stdout, /by polling \(no trace: /);
    assert.match(stdout, /Packet filters are not watched: packet filters can only be read as root\./);
    assert.ok(existsSync(join(cwd, '.quietdoor/watch.json')));
  });
});

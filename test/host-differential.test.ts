import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { createLocalCollector } from '../src/collectors/local.ts';
import type { Listener } from '../src/model/listener.ts';
import type { Observation } from '../src/model/observation.ts';

/**
 * The host collector against `ss` in network namespaces of our own: the same listeners, entry by entry, both ways, with
 * the same processes. Others use this machine meanwhile, so the host's own namespace is compared with patience.
 */

const SPACE_A = `qd-${process.pid}-a`;
const SPACE_B = `qd-${process.pid}-b`;
const root = resolve(import.meta.dirname, '..');
const options = { hashes: false, root: '/', now: Date.now };

function whyNot(): string | false {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.geteuid?.() !== 0) return 'needs root, for network namespaces and the descriptors of others';
  for (const tool of ['ip', 'ss', 'python3'])
    if (spawnSync(tool, ['--version']).error && spawnSync(tool, ['-V']).error) return `needs ${tool}`;
  if (spawnSync('ip', ['netns', 'add', SPACE_A]).status !== 0) return 'needs the right to make network namespaces';
  return false;
}
const skip = whyNot();

/** A server that opens what each line of its input says and answers with `ok`; ends with its input. */
const SERVER = `
import ctypes, os, resource, signal, socket, sys, time
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
kept, children = [], []
def stream(family, address, port, v6only=None, reuseport=False):
    s = socket.socket(family, socket.SOCK_STREAM)
    if v6only is not None: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    if reuseport: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((address, port)); s.listen(16); kept.append(s); return s
def dgram(family, address, port, proto=0, reuseport=False):
    s = socket.socket(family, socket.SOCK_DGRAM, proto)
    if reuseport: s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind((address, port)); kept.append(s); return s
def child(then=None):
    ready, told = os.pipe()
    pid = os.fork()
    if pid == 0:
        if then: then()
        os.write(told, b'1'); time.sleep(600); os._exit(0)
    os.close(told); os.read(ready, 1); os.close(ready)
    children.append(pid)
def end_child():
    pid = children.pop(0); os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
v4, v6 = socket.AF_INET, socket.AF_INET6
def kinds():
    stream(v4, '127.0.0.1', 7001)
    for _ in range(3): child()
    stream(v4, '0.0.0.0', 7002, reuseport=True); stream(v4, '0.0.0.0', 7002, reuseport=True)
    child(lambda: stream(v4, '0.0.0.0', 7002, reuseport=True))
    stream(v6, '::', 7003, v6only=0)
    stream(v6, '::', 7004, v6only=1); stream(v4, '0.0.0.0', 7004)
    stream(v6, '::1', 7005); stream(v6, '::ffff:127.0.0.1', 7006)
    stream(v4, '0.0.0.0', 7007, reuseport=True); stream(v6, '::', 7007, v6only=0, reuseport=True)
    dgram(v4, '0.0.0.0', 7010); dgram(v6, '::', 7011); dgram(v4, '127.0.0.1', 40010)
    dgram(v4, '0.0.0.0', 40011, reuseport=True); dgram(v4, '0.0.0.0', 40011, reuseport=True)
    c = socket.socket(v4, socket.SOCK_DGRAM); c.connect(('127.0.0.1', 7010)); kept.append(c)
    e = socket.socket(v4, socket.SOCK_DGRAM); e.sendto(b'x', ('127.0.0.1', 7010)); kept.append(e)
    kept.append(socket.socket(v4, socket.SOCK_RAW, 1)); kept.append(socket.socket(v6, socket.SOCK_RAW, 58))
    try: dgram(v4, '0.0.0.0', 7012, proto=136)
    except OSError: pass
    s = stream(v4, '127.0.0.1', 7013)
    for _ in range(20):
        c = socket.create_connection(('127.0.0.1', 7013)); kept.append(c); kept.append(s.accept()[0])
def many(first, count):
    for port in range(first, first + count): stream(v4, '127.0.0.1', port)
    for port in range(first, first + 200): dgram(v6, '::1', port)
def as_nobody(port):
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0) # PR_SET_DUMPABLE: visible to its own user again
    stream(v4, '127.0.0.1', port)
commands = dict(kinds=kinds, many=many, end_child=end_child, child=child, as_nobody=as_nobody,
    tcp=lambda port: stream(v4, '0.0.0.0', port), only6=lambda port: stream(v6, '::', port, v6only=1),
    close=lambda: kept.pop(0).close())
for line in sys.stdin:
    name, *args = line.split()
    try: commands[name](*map(int, args)); print('ok', flush=True)
    except Exception as e: print('failed', repr(e), flush=True)
while children: end_child()
`;

interface Server {
  readonly child: ChildProcess;
  readonly pid: number;
  readonly tell: (command: string) => Promise<void>;
}
const servers: Server[] = [];

/** Starts the server in a namespace. `ip netns exec` becomes the program, so the pid is the program's. */
async function serve(space: string, python = 'python3', env: NodeJS.ProcessEnv = {}, script = SERVER): Promise<Server> {
  const child = spawn('ip', ['netns', 'exec', space, python, '-c', script], {
    stdio: ['pipe', 'pipe', 'inherit'],
    env: { ...process.env, ...env },
  });
  const answers = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const server: Server = {
    child,
    pid: child.pid as number,
    tell: async (command) => {
      child.stdin.write(`${command}\n`);
      const answer = await answers.next();
      assert.equal(answer.value, 'ok', `${command} in ${space}`);
    },
  };
  servers.push(server);
  return server;
}

/** What `ss` says: `transport|address|port` with pids. It prints a dual-stack socket as `*`. */
function askSs(space: string | undefined, what: string): { pids: Map<string, number[]>; only6: Set<string> } {
  const args = ['ss', '-H', '-n', '-p', '-l', what];
  const [file, ...rest] = space === undefined ? args : ['ip', 'netns', 'exec', space, ...args];
  const text = execFileSync(file as string, rest, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 });
  const found = new Map<string, Set<number>>();
  const only6 = new Set<string>();
  const transport = { '-t': 'tcp', '-u': 'udp', '-w': 'raw' }[what] as string;
  for (const line of text.split('\n').filter((l) => l !== '')) {
    const [, , , local = '', , ...users] = line.trim().split(/\s+/);
    const colon = local.lastIndexOf(':');
    const port = local
      .slice(colon + 1)
      .replace(/^ipv6-icmp$/, '58')
      .replace(/^icmp$/, '1');
    const written = local
      .slice(0, colon)
      .replace(/%.*$/, '')
      .replace(/^\[(.*)\]$/, '$1');
    const address = written === '*' ? '::' : written;
    const key = `${transport}|${address}|${port}`;
    if (written === '::') only6.add(key);
    const pids = found.get(key) ?? new Set();
    for (const match of users.join(' ').matchAll(/pid=(\d+)/g)) pids.add(Number(match[1]));
    found.set(key, pids);
  }
  return { pids: new Map([...found].map(([key, pids]) => [key, [...pids].sort((a, b) => a - b)])), only6 };
}

function pidsOf(l: Listener): number[] {
  return [l.process, ...l.sharedWith].flatMap((p) => (p === null ? [] : [p.pid])).sort((a, b) => a - b);
}

function ours(observation: Omit<Observation, 'id'>, scope: string, transport: string): Map<string, number[]> {
  const mine = observation.listeners.filter((l) => l.scope === scope && l.transport === transport);
  return new Map(mine.map((l) => [`${l.transport}|${l.address}|${l.port}`, pidsOf(l)]));
}

const sorted = <T>(map: ReadonlyMap<string, T>) => [...map].sort(([a], [b]) => (a < b ? -1 : 1));

function assertSameAsSs(observation: Omit<Observation, 'id'>, space: string): void {
  for (const [what, transport] of [
    ['-t', 'tcp'],
    ['-u', 'udp'],
    ['-w', 'raw'],
  ] as const)
    assert.deepEqual(sorted(ours(observation, `netns:${space}`, transport)), sorted(askSs(space, what).pids));
}

function find(observation: Omit<Observation, 'id'>, space: string, port: number, address?: string): Listener {
  const found = observation.listeners.filter(
    (l) => l.scope === `netns:${space}` && l.port === port && (address === undefined || l.address === address),
  );
  assert.equal(found.length, 1, `one listener on port ${port} in ${space}`);
  return found[0] as Listener;
}

describe('host collector against ss', { skip, timeout: 90_000 }, () => {
  const collector = createLocalCollector();
  let observation: Omit<Observation, 'id'>;
  let first: Server;
  let tmp = '';
  const started = Date.now();

  before(async () => {
    tmp = mkdtempSync(join(tmpdir(), 'qd-diff-'));
    execFileSync('ip', ['netns', 'add', SPACE_B]);
    for (const space of [SPACE_A, SPACE_B]) execFileSync('ip', ['-n', space, 'link', 'set', 'lo', 'up']);
    first = await serve(SPACE_A);
    await first.tell('kinds');
    await (await serve(SPACE_A)).tell('many 10000 3000');
    await (await serve(SPACE_A)).tell('as_nobody 7021');
    observation = await collector.collect(options);
  });

  after(async () => {
    for (const { child } of servers) {
      child.stdin?.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    }
    for (const space of [SPACE_A, SPACE_B]) spawnSync('ip', ['netns', 'del', space]);
    if (tmp !== '') rmSync(tmp, { recursive: true, force: true });
  });

  test('finds the same sockets with the same processes', () => {
    assertSameAsSs(observation, SPACE_A);
    assert.ok(ours(observation, `netns:${SPACE_A}`, 'tcp').size > 3000);
  });

  test('names every process that shares a socket, the oldest first', () => {
    const shared = find(observation, SPACE_A, 7001);
    assert.equal(shared.process?.pid, first.pid);
    assert.equal(shared.sharedWith.length, 4);
    const pids = shared.sharedWith.map((p) => p.pid);
    assert.deepEqual(
      pids,
      [...pids].sort((a, b) => a - b),
    );
    assert.ok((shared.process?.startedAt ?? 0) >= started - 5000);
    assert.equal(find(observation, SPACE_A, 7002).sharedWith.length, 1);
  });

  test('says which families answer, and never IPv6 only where ss says both', () => {
    assert.deepEqual(find(observation, SPACE_A, 7003).families, ['ipv4', 'ipv6']);
    assert.deepEqual(find(observation, SPACE_A, 7005).families, ['ipv6']);
    assert.deepEqual(find(observation, SPACE_A, 7006).families, ['ipv4']);
    const { only6 } = askSs(SPACE_A, '-t');
    assert.ok(only6.has('tcp|::|7004') && !only6.has('tcp|::|7007'), 'ss tells them apart');
    for (const l of observation.listeners)
      if (l.scope === `netns:${SPACE_A}` && l.address === '::' && l.transport === 'tcp' && l.families.length === 1)
        assert.ok(only6.has(`tcp|::|${l.port}`), `port ${l.port} is IPv6 only`);
  });

  test('tells UDP services from sockets on ports of the local range, and leaves connected ones out', () => {
    const udp = observation.listeners.filter((l) => l.scope === `netns:${SPACE_A}` && l.transport === 'udp');
    const role = (port: number) => udp.find((l) => l.port === port)?.role;
    const range = observation.host.ephemeralPorts;
    assert.equal(role(7010), 'service');
    assert.equal(role(7011), 'service');
    if (range && range.from <= 40010 && range.to >= 40011) {
      assert.equal(role(40010), 'ephemeral');
      assert.equal(role(40011), 'service', 'the kernel hands no shared port out');
    }
    const handedOut = udp.filter((l) => l.address === '0.0.0.0' && ![7010, 40011].includes(l.port));
    assert.equal(handedOut.length, 1);
    assert.equal(handedOut[0]?.role, 'ephemeral');
  });

  test('reads UDP-Lite, which ss does not show', { skip: !existsSync('/proc/net/udplite') && 'no UDP-Lite' }, () => {
    const lite = observation.listeners.filter((l) => l.scope === `netns:${SPACE_A}` && l.transport === 'udplite');
    assert.deepEqual(
      lite.map((l) => [l.port, l.process?.pid]),
      [[7012, first.pid]],
    );
  });

  test('gives the user of a process that gave up its rights', () => {
    const l = find(observation, SPACE_A, 7021);
    assert.equal(l.uid, 65534);
    assert.equal(l.process?.uid, 65534);
    assert.equal(l.process?.user, 'nobody');
  });

  test('follows changes with what it remembers', async () => {
    await first.tell('end_child');
    await first.tell('child');
    await first.tell('tcp 7030');
    const again = await collector.collect(options);
    assertSameAsSs(again, SPACE_A);
    assert.equal(find(again, SPACE_A, 7030).process?.pid, first.pid);
    await first.tell('close');
    assertSameAsSs(await collector.collect(options), SPACE_A);
  });

  test('sees a deleted and a replaced binary, and IPv6 only beside another user', async () => {
    const python = execFileSync(
      'python3',
      ['-c', 'import os,sys; print(os.path.realpath(sys.executable), sys.base_prefix)'],
      {
        encoding: 'utf8',
      },
    ).trim();
    const [program = '', prefix = ''] = python.split(' ');
    const states: [string, string, string][] = [];
    for (const [name, port] of [
      ['deleted', 7041],
      ['replaced', 7042],
      ['present', 7043],
    ] as const) {
      const copy = join(tmp, name);
      execFileSync('cp', [program, copy]);
      const server = await serve(SPACE_B, copy, { PYTHONHOME: prefix });
      await server.tell(`tcp ${port}`);
      if (name === 'deleted') rmSync(copy);
      if (name === 'replaced') execFileSync('sh', ['-c', `cp /bin/true '${copy}.new' && mv '${copy}.new' '${copy}'`]);
      states.push([name, copy, String(port)]);
    }
    const nobody = await serve(SPACE_B);
    await nobody.tell('as_nobody 7044');
    await nobody.tell('only6 7041');
    const seen = await collector.collect(options);
    assertSameAsSs(seen, SPACE_B);
    for (const [state, exe, port] of states) {
      const { process: owner } = find(seen, SPACE_B, Number(port), '0.0.0.0');
      assert.equal(owner?.exe, exe);
      assert.equal(owner?.exeState, state);
    }
    assert.deepEqual(find(seen, SPACE_B, 7041, '::').families, ['ipv6']);
  });

  test('agrees with ss about the host itself', async () => {
    let differences: unknown;
    for (let attempt = 0; attempt < 10; attempt++) {
      const seen = await collector.collect(options);
      const wanted = [...askSs(undefined, '-t').pids, ...askSs(undefined, '-u').pids].map(([key]) => key).sort();
      const got = [...ours(seen, 'host', 'tcp'), ...ours(seen, 'host', 'udp')].map(([key]) => key).sort();
      differences = { got, wanted };
      if (JSON.stringify(got) === JSON.stringify(wanted)) return;
    }
    assert.fail(`still differs after 10 attempts: ${JSON.stringify(differences)}`);
  });

  /** Collects in another process with fewer rights. */
  function collectAs(uid: number, prefix: readonly string[]): Omit<Observation, 'id'> {
    const program = `
      const { local } = await import(${JSON.stringify(join(root, 'src/collectors/local.ts'))});
      process.setgroups([]); process.setgid(${uid}); process.setuid(${uid});
      console.log(JSON.stringify(await local.collect({ hashes: false, root: '/', now: Date.now })));`;
    const [file, ...args] = [...prefix, process.execPath, '--input-type=module', '-e', program];
    return JSON.parse(execFileSync(file as string, args, { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 }));
  }

  test('without root it reports what it can see and names what it cannot', () => {
    const seen = collectAs(65534, []);
    assert.equal(seen.privilege, 'user');
    const space = seen.gaps.filter((g) => g.code === 'process-owner-hidden' && g.message.startsWith('32'));
    assert.equal(space.length, 1, JSON.stringify(seen.gaps));
    const many = seen.listeners.filter((l) => l.scope === space[0]?.subject && l.transport === 'tcp');
    assert.deepEqual(
      many.map((l) => `tcp|${l.address}|${l.port}`).sort(),
      [...askSs(SPACE_A, '-t').pids.keys()].sort(),
      'the tables of every namespace are readable for all',
    );
    assert.ok(seen.coverage.every((c) => c.scope !== '*'));
    const own = many.find((l) => l.port === 7021);
    assert.equal(own?.process?.user, 'nobody');
  });

  const oldKernel = !/^(?:[6-9]|\d\d|5\.(?:[89]|\d\d))/.test(execFileSync('uname', ['-r'], { encoding: 'utf8' }));
  test('with hidepid it says so', { skip: oldKernel && 'before Linux 5.8 hidepid is not per mount' }, () => {
    const script = 'mount -t proc -o hidepid=2 proc /proc && exec "$@"';
    const seen = collectAs(65534, ['unshare', '-m', 'sh', '-c', script, 'sh']);
    assert.ok(seen.gaps.some((g) => g.code === 'hidepid'));
    assert.ok(seen.coverage.every((c) => c.scope !== '*'));
  });
});

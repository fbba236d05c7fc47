import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { createLocalCollector } from '../src/collectors/local.ts';
import { lookOverSsh, type SshOptions } from '../src/collectors/ssh/look.ts';
import { makeProbe } from '../src/collectors/ssh/probe.ts';
import type { Listener } from '../src/model/listener.ts';
import { isCovered, type UnnamedObservation } from '../src/model/observation.ts';
import { quietdoor } from './run-quietdoor.ts';
import { type Sshd, startSshd, whyNoSshd } from './sshd-fixture.ts';

/**
 * `scan ssh` against a real sshd on loopback: the same listeners with the same facts as the local collector sees on this
 * machine, and every way in which a machine fails or lies.
 */

const SPACE = `qdssh-${process.pid}`;

function whyNot(): string | false {
  const why = whyNoSshd();
  if (why !== false) return why;
  for (const tool of ['ip', 'python3', 'unshare']) if (spawnSync(tool, ['--version']).error) return `needs ${tool}`;
  if (spawnSync('ip', ['netns', 'add', SPACE]).status !== 0) return 'needs the right to make network namespaces';
  return false;
}
const skip = whyNot();

/** Listens in several ways, forks, and holds a file open whose name looks like a line of `ls` about another's socket. */
const SERVER = `
import ctypes, os, signal, socket, sys, time
kept = []
def stream(family, address, port, v6only=None):
    s = socket.socket(family, socket.SOCK_STREAM)
    if v6only is not None: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    s.bind((address, port)); s.listen(16); kept.append(s); return s
def dgram(family, address, port):
    s = socket.socket(family, socket.SOCK_DGRAM); s.bind((address, port)); kept.append(s)
v4, v6 = socket.AF_INET, socket.AF_INET6
stream(v4, '127.0.0.1', 7001); stream(v4, '0.0.0.0', 7002); stream(v6, '::', 7003, 0); stream(v6, '::1', 7005)
stream(v6, '::ffff:127.0.0.1', 7006); dgram(v4, '0.0.0.0', 7010); dgram(v6, '::', 7011); dgram(v4, '127.0.0.1', 40010)
kept.append(socket.socket(v4, socket.SOCK_RAW, 1))
s = stream(v4, '127.0.0.1', 7013)
for _ in range(50):
    c = socket.create_connection(('127.0.0.1', 7013)); kept.append(c); kept.append(s.accept()[0])
inode = os.fstat(kept[0].fileno()).st_ino
worker = os.fork()
if worker == 0: time.sleep(600); os._exit(0)
liar = os.fork()
if liar == 0:
    for k in kept: k.close()
    os.setgroups([]); os.setgid(65534); os.setuid(65534)
    ctypes.CDLL(None).prctl(4, 1, 0, 0, 0) # PR_SET_DUMPABLE: visible to its own user again
    stream(v4, '127.0.0.1', 7021)
    name = 'x\\nlrwx------ 1 0 0 64 Nov 22 03:00 %d/fd/3 -> socket:[%d]' % (os.getpid(), inode)
    lie = open(os.path.join(sys.argv[1], name.replace('/', '\\u2215')), 'w')
    other = open(os.path.join(sys.argv[1], 'y 1 -> socket:[%d]' % inode), 'w')
    print(os.getpid(), flush=True); time.sleep(600); os._exit(0)
sys.stdin.read()
for pid in (worker, liar): os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)
`;

/** An address of a listener as one text, and everything that both collectors know of it. */
const keyOf = (l: Listener) => `${l.scope}|${l.transport}|${l.address}|${l.port}`;
function byKey(listeners: readonly Listener[], hashes: boolean): Map<string, string> {
  const kept = (key: string, value: unknown) => (key === 'sha256' && !hashes ? undefined : value);
  return new Map(listeners.map((l) => [keyOf(l), JSON.stringify(l, kept)]));
}

describe('scan ssh', { skip, timeout: 180_000 }, () => {
  let sshd: Sshd;
  let server: ChildProcess;
  let liar = 0;
  let folder = '';

  function look(alias: string, more: Partial<SshOptions> = {}): Promise<UnnamedObservation> {
    const timeouts = { timeoutMs: 60_000, connectTimeoutMs: 10_000 };
    const options = { sudo: false, hashes: true, ...timeouts, config: sshd.config, env: process.env, now: Date.now };
    return lookOverSsh({ name: alias, host: alias }, { ...options, ...more });
  }
  const here = createLocalCollector();
  const lookHere = (hashes: boolean) => here.collect({ hashes, root: '/', now: Date.now });
  const run = (...args: string[]) => quietdoor(['scan', 'ssh', '--ssh-config', sshd.config, ...args], { cwd: folder });

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'qd-ssh-'));
    const open = join(folder, 'open');
    mkdirSync(open, { mode: 0o777 });
    execFileSync('chmod', ['777', folder, open]);
    execFileSync('ip', ['-n', SPACE, 'link', 'set', 'lo', 'up']);
    server = spawn('ip', ['netns', 'exec', SPACE, 'python3', '-c', SERVER, open], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    const [line] = await once(createInterface({ input: server.stdout as NonNullable<typeof server.stdout> }), 'line');
    liar = Number(line);
    sshd = await startSshd();
    sshd.addHost('plain');
  });

  after(async () => {
    sshd?.stop();
    server?.stdin?.end();
    if (server && server.exitCode === null) await once(server, 'exit');
    spawnSync('ip', ['netns', 'del', SPACE]);
    if (folder !== '') rmSync(folder, { recursive: true, force: true });
  });

  /** Compares what stays the same while both look; others use this machine. */
  async function assertSameAsLocal(alias: string, hashes = false): Promise<UnnamedObservation> {
    const first = await lookHere(hashes);
    const seen = await look(alias, { hashes });
    const last = byKey((await lookHere(hashes)).listeners, hashes);
    const got = byKey(seen.listeners, hashes);
    const stable = [...byKey(first.listeners, hashes)].filter(([key, facts]) => last.get(key) === facts);
    assert.ok(stable.filter(([key]) => key.startsWith(`netns:${SPACE}|`)).length >= 11);
    assert.ok(stable.some(([key]) => key === `host|tcp|127.0.0.1|${sshd.port}`));
    for (const [key, facts] of stable) assert.equal(got.get(key), facts);
    const mine = (o: readonly Listener[]) =>
      o
        .map(keyOf)
        .filter((key) => key.startsWith(`netns:${SPACE}|`))
        .sort();
    assert.deepEqual(mine(seen.listeners), mine(first.listeners));
    const isSeen = (o: UnnamedObservation) => isCovered(o.coverage, { ...place, transport: 'udp', port: 7010 });
    const place = { host: seen.host.name, scope: `netns:${SPACE}` };
    assert.ok(isSeen(seen) && isSeen(first));
    const { names, ...host } = seen.host;
    assert.deepEqual(host, first.host);
    assert.deepEqual(names, [alias]);
    return seen;
  }

  test('sees what the local collector sees, with the same facts', async () => {
    const seen = await assertSameAsLocal('plain', true);
    assert.equal(seen.vantage, 'agentless');
    assert.equal(seen.privilege, 'root');
    const ssh = seen.listeners.find((l) => l.port === sshd.port && l.scope === 'host');
    assert.equal(ssh?.process?.exe, '/usr/sbin/sshd');
    assert.match(ssh?.process?.sha256 ?? '', /^[0-9a-f]{64}$/);
    const shared = seen.listeners.find((l) => l.port === 7001 && l.scope === `netns:${SPACE}`);
    assert.equal(shared?.sharedWith.length, 1);
    const pids = [shared?.process, ...(shared?.sharedWith ?? [])].map((p) => p?.pid);
    assert.ok(!pids.includes(liar), 'a file name cannot pass for a socket');
  });

  const noBusybox = spawnSync('busybox', ['true']).error && 'needs busybox';
  test('sees the same through busybox', { skip: noBusybox }, async () => {
    const bin = join(folder, 'bin');
    mkdirSync(bin);
    const path = execFileSync('sh', ['-c', 'command -v busybox'], { encoding: 'utf8' }).trim();
    for (const applet of execFileSync(path, ['--list'], { encoding: 'utf8' }).split('\n'))
      if (applet !== '' && !/^(?:dpkg|rpm)/.test(applet)) execFileSync('ln', ['-sf', path, join(bin, applet)]);
    // the probe adds the usual folders behind its PATH, so that package managers are found
    sshd.addHost('busybox', { command: `exec env -i PATH=${bin} ${path} sh -s` });
    await assertSameAsLocal('busybox');
  });

  for (const shell of ['bash', 'mksh', 'ksh', 'yash', 'zsh --emulate sh'])
    test(`runs in ${shell}`, {
      skip: spawnSync(shell.split(' ')[0] as string, ['-c', ':']).error && `needs ${shell}`,
    }, async () => {
      const alias = shell.split(' ')[0] as string;
      sshd.addHost(alias, { command: `exec ${shell} -s` });
      await assertSameAsLocal(alias);
    });

  test('the probe is ASCII, as some shells read nothing else without a locale', () => {
    const { script } = makeProbe(true);
    assert.equal(Buffer.byteLength(script), script.length);
  });

  test('without root it names what it cannot see, as the local collector does', async () => {
    sshd.addHost('user', { command: 'exec setpriv --reuid 65534 --regid 65534 --clear-groups sh -s' });
    const seen = await look('user', { hashes: false });
    assert.equal(seen.privilege, 'user');
    assert.ok(seen.coverage.length > 0 && seen.coverage.every((c) => c.scope !== '*'));
    const own = seen.listeners.find((l) => l.port === 7021);
    assert.equal(own?.process?.user, 'nobody');
    assert.ok(own?.process?.exe);
    const other = seen.listeners.find((l) => l.port === 7001 && l.scope === own?.scope);
    assert.equal(other?.process, null);
    assert.ok(seen.gaps.some((g) => g.code === 'process-owner-hidden' && g.subject === own?.scope));
    const copy = JSON.parse(
      execFileSync(
        process.execPath,
        [
          '--input-type=module',
          '-e',
          `const { local } = await import(${JSON.stringify(join(import.meta.dirname, '../src/collectors/local.ts'))});
          process.setgroups([]); process.setgid(65534); process.setuid(65534);
          console.log(JSON.stringify(await local.collect({ hashes: false, root: '/', now: Date.now })));`,
        ],
        { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 },
      ),
    ) as UnnamedObservation;
    // a namespace without a name that everybody may read is told apart by age from others that come and go
    const scopeOf = (o: UnnamedObservation) => o.listeners.find((l) => l.port === 7021)?.scope;
    const facts = (o: UnnamedObservation) =>
      o.listeners
        .filter((l) => l.scope === scopeOf(o))
        .map((l) => [
          l.transport,
          l.address,
          l.port,
          l.uid,
          l.user,
          l.process?.pid,
          l.process?.exe,
          l.process?.commandLine,
        ])
        .map((row) => JSON.stringify(row))
        .sort();
    assert.deepEqual(facts(seen), facts(copy));
    const codes = (o: UnnamedObservation) => o.gaps.filter((g) => g.subject === scopeOf(o)).map((g) => g.code);
    assert.deepEqual(codes(seen), codes(copy));
  });

  const failures: readonly {
    readonly name: string;
    readonly code: string;
    readonly host: Parameters<Sshd['addHost']>[1];
    readonly more?: Partial<SshOptions>;
    readonly message?: RegExp;
  }[] = [
    { name: 'unknown-key', code: 'ssh-host-key-unknown', host: { hostKey: 'unknown', command: 'touch MARK' } },
    { name: 'changed-key', code: 'ssh-host-key-changed', host: { hostKey: 'changed', command: 'touch MARK' } },
    { name: 'denied', code: 'ssh-permission-denied', host: { allowed: false } },
    { name: 'closed', code: 'ssh-unreachable', host: { port: 1 }, message: /Connection refused/ },
    {
      name: 'no-shell',
      code: 'ssh-no-shell',
      host: { command: 'echo no shell today >&2; exit 1' },
      message: /no shell today/,
    },
    { name: 'garbage', code: 'ssh-no-shell', host: { command: 'head -c 3000000 /dev/urandom' } },
    { name: 'endless', code: 'ssh-output-truncated', host: { command: 'exec cat /dev/zero' } },
    { name: 'hangs', code: 'ssh-timeout', host: { command: 'exec sleep 100' }, more: { timeoutMs: 2000 } },
    {
      name: 'asks-password',
      code: 'ssh-sudo-password',
      host: { command: 'echo "sudo: a password is required" >&2; exit 1' },
      more: { sudo: true },
    },
    {
      name: 'no-sudoer',
      code: 'ssh-sudo-denied',
      host: { command: 'echo "Sorry, user x is not allowed to execute sh as root (sudo)" >&2; exit 1' },
      more: { sudo: true },
    },
  ];
  for (const { name, code, host, more = {}, message } of failures)
    test(`a machine that fails is a gap: ${code} (${name})`, async () => {
      const mark = join(folder, `ran-${name}`);
      sshd.addHost(name, { ...host, ...(host?.command && { command: host.command.replace('MARK', mark) }) });
      const seen = await look(name, more);
      assert.deepEqual(
        seen.gaps.map((g) => [g.code, g.subject]),
        [[code, name]],
      );
      assert.deepEqual([seen.coverage, seen.listeners], [[], []]);
      assert.equal(seen.host.name, name);
      if (message) assert.match(seen.gaps[0]?.message ?? '', message);
      assert.ok(!existsSync(mark), 'nothing was run');
    });

  test('what came before a machine hung or broke off is used, and the gap says so', async () => {
    const half = (after: string) => `sh -s | sed '/^@[0-9a-f]* holders/q'; ${after}`;
    sshd.addHost('half', { command: half('exec sleep 100') });
    sshd.addHost('broken', { command: half('exit 1') });
    for (const [alias, code] of [
      ['half', 'ssh-timeout'],
      ['broken', 'ssh-broken-off'],
    ] as const) {
      const seen = await look(alias, { timeoutMs: 10_000 });
      assert.ok(
        seen.gaps.some((g) => g.code === code),
        alias,
      );
      assert.ok(seen.listeners.some((l) => l.port === 7002));
      assert.ok(seen.coverage.length > 0 && seen.coverage.every((c) => c.scope !== '*'), alias);
    }
  });

  test('with --sudo the same runs through sudo -n', async () => {
    const bin = join(folder, 'sudo-bin');
    mkdirSync(bin);
    writeFileSync(join(bin, 'sudo'), `#!/bin/sh\necho "$*" >>${folder}/sudo-said\nshift\nexec "$@"\n`, { mode: 0o755 });
    sshd.addHost('sudo', { command: `PATH=${bin}:$PATH; eval "$SSH_ORIGINAL_COMMAND"` });
    const seen = await look('sudo', { sudo: true, hashes: false });
    assert.equal(readFileSync(join(folder, 'sudo-said'), 'utf8'), '-n sh -s\n');
    assert.equal(seen.privilege, 'root');
  });

  test('twenty at one time, named in an inventory; one machine by twenty names is recorded once', async () => {
    const names = Array.from({ length: 20 }, (_, i) => `many${i}`);
    for (const name of names) sshd.addHost(name);
    const inventory = join(folder, 'hosts.ini');
    writeFileSync(inventory, `[many]\n${names.join('\n')}\nnot-me\nwin ansible_connection=winrm\n`);
    const args = ['--no-record', '--no-hashes', '--parallel', '20', '-i', inventory, '--limit', 'many:!not-me'];
    const { stdout, stderr, code } = await run(...args, '-f', 'jsonl');
    assert.match(stderr, /20 machines: 20 looked at/);
    assert.match(stderr, /hosts\.ini:23: win is not reached over SSH/);
    assert.equal(stdout.trim().split('\n').length, 1);
    assert.equal(code, 3);
  });

  test('recorded: a failure closes nothing, is found by check, and makes no second host', async () => {
    const place = join(folder, 'workspace');
    assert.equal((await quietdoor(['init', place], { cwd: folder })).code, 0);
    const state = ['-w', place];
    sshd.addHost('flaky', { command: `test -e ${folder}/down && exec sleep 100; exec sh -s` });
    const first = await run(...state, '--no-hashes', 'flaky');
    assert.match(first.stderr, /\d+ opened, 0 closed/);
    writeFileSync(join(folder, 'down'), '');
    const second = await run(...state, '--timeout', '2', '--no-hashes', 'flaky');
    assert.match(second.stderr, /1 machine: 0 looked at, 1 could not be looked at\n0 opened, 0 closed/);
    assert.equal(second.code, 3);
    const { stdout, stderr } = await quietdoor(['check', ...state, '-f', 'json'], { cwd: folder });
    assert.notEqual(stdout, '', stderr);
    const { findings } = JSON.parse(stdout) as {
      findings: { rule: string; subject: { host?: string }; message: string }[];
    };
    const gap = findings.find((f) => f.message.includes('flaky was not done within 2 s'));
    assert.equal(gap?.rule, 'coverage-gap');
    assert.equal(gap?.subject.host, (await lookHere(false)).host.name);
  });

  test("a machine that takes another's name does not become it", async () => {
    const place = join(folder, 'names');
    assert.equal((await quietdoor(['init', place], { cwd: folder })).code, 0);
    const id = join(folder, 'machine-id');
    writeFileSync(id, `${'ab'.repeat(16)}\n`);
    const pretend = `exec unshare -mu sh -c 'mount --bind ${id} /etc/machine-id; exec sh -s'`;
    sshd.addHost('honest');
    sshd.addHost('impostor', { command: pretend });
    await run('-w', place, '--no-hashes', 'honest');
    const { stdout, stderr } = await run('-w', place, '--no-hashes', 'impostor', '-f', 'json');
    const { observations } = JSON.parse(stdout) as { observations: UnnamedObservation[] };
    assert.equal(observations[0]?.host.name, 'impostor');
    assert.ok(observations[0]?.gaps.some((g) => g.code === 'host-name-taken'));
    assert.ok(observations[0]?.listeners.every((l) => l.host === 'impostor'));
    assert.match(stderr, / 0 closed/);
  });

  test('what is no host is refused before anything runs', async () => {
    for (const word of ['-oProxyCommand=touch x', 'a b', '$(id)', 'u;v@host', "h'x"]) {
      const { code, stderr } = await run('--no-record', '--', word);
      assert.equal(code, 2, `${word}: ${stderr}`);
    }
  });
});

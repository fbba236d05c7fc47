import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  readFileSync,
  renameSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { packed } from '../src/flows/netflow-sample.ts';
import { executable, quietdoor, type Run, temporaryFolder } from './run-quietdoor.ts';

/** `flows collect` as a person runs it: from its start to what `flows top` says of it. */

const CLIENT = 'qd-fl-client';
const SERVER = 'qd-fl-server';

/** A Node older than 24 runs the program in a second process. */
const oldNode = Number(/^v(\d+)/.exec(spawnSync('node', ['--version'], { encoding: 'utf8' }).stdout ?? '')?.[1] ?? 99);
const noOldNode = oldNode >= 20 && oldNode < 24 ? false : 'needs a Node from 20 to 23 on the PATH';

interface Collecting {
  /** What it said it collects from. */
  readonly sources: string;
  readonly stderr: () => string;
  stop(signal?: NodeJS.Signals): Promise<Run>;
}

async function collect(
  t: TestContext,
  args: readonly string[],
  space?: string,
  node = process.execPath,
): Promise<Collecting> {
  const command = [node, executable, 'flows', 'collect', ...args];
  const [program, ...rest] = space === undefined ? command : ['ip', 'netns', 'exec', space, ...command];
  const child = spawn(program as string, rest, {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: process.env.HOME, QUIETDOOR_HOST: 'db-1' },
  });
  t.after(() => child.kill('SIGKILL'));
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<Run> => {
    child.kill(signal);
    const [code] = await closed;
    return { code, stdout, stderr };
  };
  await until(
    () => /^collecting: /m.test(stderr) || child.exitCode !== null,
    () => stderr,
  );
  assert.equal(child.exitCode, null, stderr);
  return { sources: /^collecting: (.*)$/m.exec(stderr)?.[1] ?? '', stderr: () => stderr, stop };
}

async function until(isTrue: () => boolean | Promise<boolean>, told: () => string): Promise<void> {
  for (let n = 0; n < 400; n++) {
    if (await isTrue()) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.fail(`waited for 20 s: ${isTrue}\n${told()}`);
}

async function workspace(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t);
  assert.equal((await quietdoor(['init', folder])).code, 0);
  return folder;
}

interface Row {
  readonly destination: string;
  readonly port: number;
  readonly connections: number;
  readonly denied: number;
  readonly bytes: number;
}

/** What `flows top` shows, by address and port. */
async function top(folder: string): Promise<Map<string, Row>> {
  const { stdout, stderr } = await quietdoor(['flows', 'top', '-w', folder, '--format', 'json']);
  assert.equal(stderr, '');
  const { rows }: { rows: Row[] } = JSON.parse(stdout);
  return new Map(rows.map((row) => [`${row.destination}:${row.port}`, row]));
}

/** What is said to be missing, newest first. */
async function gaps(folder: string): Promise<string[]> {
  const { stdout } = await quietdoor(['events', '-w', folder, '--type', 'flows.gap', '--format', 'json']);
  const { events }: { events: { subject: string; body: { because: string } }[] } = JSON.parse(stdout);
  return events.map(({ subject, body }) => `${subject}: ${body.because}`);
}

function portOf(sources: string): number {
  return Number(/:(\d+)/.exec(sources)?.[1]);
}

function v5(sequence: number, port: number): Uint8Array {
  const now = Math.floor(Date.now() / 1000);
  const header = packed([5, 2], [1, 2], [100_000, 4], [now, 4], [0, 4], [sequence, 4], [0, 4]);
  const addresses = packed([0x0a000005, 4], [0x0a000102, 4], [0, 4], [1, 2], [2, 2]);
  const counts = packed([10, 4], [1000, 4], [99_000, 4], [99_900, 4], [port, 2], [5432, 2], [0, 1], [0x1b, 1], [6, 1]);
  return Uint8Array.from([...header, ...addresses, ...counts, ...Array(9).fill(0)]);
}

async function send(port: number, datagrams: readonly Uint8Array[], address = '127.0.0.1'): Promise<void> {
  const socket = createSocket(address.includes(':') ? 'udp6' : 'udp4');
  for (const bytes of datagrams)
    await new Promise<void>((resolve, reject) =>
      socket.send(bytes, port, address, (error) => (error ? reject(error) : resolve())),
    );
  socket.close();
}

const received = (count: number, running: Collecting) =>
  until(() => new RegExp(`: ${count} records`).test(running.stderr()), running.stderr);

describe('NetFlow', { timeout: 120_000 }, () => {
  test('what an exporter sends is what flows top shows', async (t) => {
    const folder = await workspace(t);
    const running = await collect(t, ['-w', folder, '--netflow', '127.0.0.1:0', '--interval', '1']);
    await send(portOf(running.sources), [v5(0, 1), v5(1, 2), v5(5, 3)]);
    await received(3, running);
    const { code, stderr } = await running.stop();
    assert.equal(code, 0);
    assert.match(stderr, /3 records, 3 connections, 1 rows kept, 3 lost; exporters: 1/);
    const row = (await top(folder)).get('10.0.1.2:5432');
    assert.equal(row?.connections, 3);
    assert.equal(row?.bytes, 3000);
    assert.deepEqual(await gaps(folder), []);
  });

  test('only exporters that are named are read, over IPv6 too', async (t) => {
    const folder = await workspace(t);
    const args = ['-w', folder, '--interval', '1', '--netflow', '[::1]:0', '--from', '2001:db8::/32'];
    const running = await collect(t, args);
    await send(portOf(running.sources.replace('[::1]', '')), [v5(0, 1)], '::1');
    await until(() => /0 records/.test(running.stderr()), running.stderr);
    const { stderr } = await running.stop();
    assert.match(stderr, / 0 records, 0 connections, 0 rows kept\n$/);
    const other = await collect(t, ['-w', folder, '--interval', '1', '--netflow', '[::1]:0', '--from', '::1']);
    await send(portOf(other.sources.replace('[::1]', '')), [v5(0, 1)], '::1');
    await received(1, other);
    await other.stop();
  });

  test('a killed collector: what it had not written is a gap', async (t) => {
    const folder = await workspace(t);
    const first = await collect(t, ['-w', folder, '--netflow', '127.0.0.1:0', '--interval', '1']);
    await send(portOf(first.sources), [v5(0, 1)]);
    await received(1, first);
    await first.stop();
    const second = await collect(t, ['-w', folder, '--netflow', '127.0.0.1:0', '--interval', '1']);
    await send(portOf(second.sources), [v5(1, 1)]);
    await received(1, second);
    await second.stop('SIGKILL');
    const third = await collect(t, ['-w', folder, '--netflow', '127.0.0.1:0', '--interval', '1']);
    await send(portOf(third.sources), [v5(2, 1)]);
    await received(1, third);
    await third.stop();
    assert.deepEqual(await gaps(folder), [
      'netflow:127.0.0.1: the collector ended without warning',
      'netflow:127.0.0.1: nothing was collected',
    ]);
    assert.equal([...(await top(folder)).values()][0]?.connections, 2);
  });

  test('two collectors of one state are refused', async (t) => {
    const folder = await workspace(t);
    const running = await collect(t, ['-w', folder, '--netflow', '127.0.0.1:0']);
    const { code, stderr } = await quietdoor(['flows', 'collect', '-w', folder, '--netflow', '127.0.0.1:0']);
    assert.equal(code, 2);
    assert.match(stderr, /another "flows collect" runs on/);
    await running.stop();
  });

  const wrong: readonly { name: string; args: string[]; want: RegExp }[] = [
    { name: 'no source', args: [], want: /there is no source to collect from/ },
    { name: 'no format', args: ['--follow', '/dev/null'], want: /--follow needs the format of the log: --as/ },
    { name: 'no port', args: ['--netflow', '10.0.0.1'], want: /Expected 127\.0\.0\.1:2055/ },
    { name: 'no network', args: ['--netflow', '2055', '--from', '10.0.0'], want: /--from 10\.0\.0: / },
    {
      name: 'an address of another machine',
      args: ['--netflow', '192.0.2.1:2055', '--from', '::1'],
      want: /no address 192\.0\.2\.1/,
    },
    { name: 'bytes of nothing', args: ['--netflow', '2055', '--with-bytes'], want: /belong to --conntrack/ },
  ];
  for (const { name, args, want } of wrong)
    test(name, async (t) => {
      const { code, stderr } = await quietdoor(['flows', 'collect', '-w', await workspace(t), ...args]);
      assert.equal(code, 2);
      assert.match(stderr, want);
    });
});

const has = (program: string) => spawnSync('which', [program]).status === 0;

describe('real exporters', { timeout: 120_000 }, () => {
  const noReplay = ['nfcapd', 'nfreplay'].every(has) ? false : 'nfdump is not installed';
  for (const version of ['5', '9'])
    test(`nfreplay sends NetFlow v${version}`, { skip: noReplay }, async (t) => {
      const folder = await workspace(t);
      const captured = temporaryFolder(t);
      const port = 29_000 + (process.pid % 1_000) + Number(version);
      const capture = spawn('nfcapd', ['-b', '127.0.0.1', '-p', String(port), '-w', captured], { stdio: 'ignore' });
      t.after(() => capture.kill('SIGKILL'));
      await until(() => readFileSync('/proc/net/udp', 'latin1').includes(port.toString(16).toUpperCase()), String);
      await send(port, [v5(0, 40_001), v5(1, 40_002), v5(2, 40_003)]);
      await new Promise((resolve) => setTimeout(resolve, 500));
      capture.kill('SIGTERM');
      await once(capture, 'exit');
      const [file] = execFileSync('find', [captured, '-name', 'nfcapd.2*'], { encoding: 'utf8' }).trim().split('\n');
      assert.ok(file);
      const running = await collect(t, ['-w', folder, '--netflow', '127.0.0.1:0', '--interval', '1']);
      const to = String(portOf(running.sources));
      execFileSync('nfreplay', ['-r', file, '-H', '127.0.0.1', '-p', to, '-v', version], { stdio: 'ignore' });
      await received(3, running);
      const { stderr } = await running.stop();
      assert.match(stderr, /3 records, 3 connections/);
      const row = [...(await top(folder)).values()][0];
      assert.equal(row?.bytes, 3000, stderr);
    });

  const noProbe = has('softflowd') && process.getuid?.() === 0 ? false : 'softflowd is not installed, or not root';
  for (const [version, extra] of [
    ['5', []],
    ['9', []],
    ['10', []],
    ['10', ['-b']],
  ] as const)
    test(`softflowd sends version ${version} ${extra.join('')}`, { skip: noProbe }, async (t) => {
      const folder = await workspace(t);
      // It gives up its rights, and never ends where it cannot remove its control socket then: it gets none.
      const shared = temporaryFolder(t);
      chmodSync(shared, 0o755);
      const file = join(shared, 'packets.pcap');
      writeFileSync(file, conversation());
      const running = await collect(t, ['-w', folder, '--netflow', '127.0.0.1:0', '--interval', '1']);
      const to = `127.0.0.1:${portOf(running.sources)}`;
      const files = ['-p', join(shared, 'pid'), '-c', 'none'];
      execFileSync('softflowd', ['-r', file, '-n', to, '-v', version, '-d', ...extra, ...files], {
        ...{ stdio: 'ignore', timeout: 20_000 },
      });
      await until(() => / [12] records/.test(running.stderr()), running.stderr);
      const { stderr } = await running.stop();
      assert.doesNotMatch(stderr, /problems/);
      const rows = [...(await top(folder)).values()];
      // The two directions are two records, or one that has both.
      assert.equal(
        rows.reduce((sum, { bytes }) => sum + bytes, 0),
        6 * 40 + 100,
        stderr,
      );
    });
});

/** A capture of one TCP connection: three packets of the handshake, 100 bytes, two packets of the end. */
function conversation(): Uint8Array {
  const started = Math.floor(Date.now() / 1000) - 30;
  const packets: (readonly [isReply: boolean, flags: number, data: number])[] = [
    [false, 0x02, 0],
    [true, 0x12, 0],
    [false, 0x10, 0],
    [false, 0x18, 100],
    [true, 0x11, 0],
    [false, 0x11, 0],
  ];
  const bytes = [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, ...Array(8).fill(0), 0, 0, 4, 0, 1, 0, 0, 0];
  const little = (value: number) => packed([value, 4]).reverse();
  for (const [i, [isReply, flags, data]] of packets.entries()) {
    const [from, to] = isReply ? [0x0a000102, 0x0a000005] : [0x0a000005, 0x0a000102];
    const [sport, dport] = isReply ? [5432, 40_000] : [40_000, 5432];
    const ip = packed([0x4500, 2], [40 + data, 2], [i, 2], [0x4000, 2], [0x4006, 2], [0, 2], [from, 4], [to, 4]);
    const tcp = packed([sport, 2], [dport, 2], [i, 4], [i, 4], [0x5000 + flags, 2], [1024, 2], [0, 4]);
    const frame = [...Array(12).fill(2), 8, 0, ...ip, ...tcp, ...Array(data).fill(65)];
    bytes.push(...little(started + i), ...little(0), ...little(frame.length), ...little(frame.length), ...frame);
  }
  return Uint8Array.from(bytes);
}

function whyNoConntrack(): string | false {
  if (process.getuid?.() !== 0) return 'needs root: it makes network namespaces';
  const missing = ['ip', 'nft', 'conntrack', 'python3'].find((program) => !has(program));
  if (missing !== undefined) return `${missing} is not installed`;
  return false;
}

const RULES = `table inet t {
  chain in { type filter hook input priority 0; ct state invalid drop; }
  chain pre { type nat hook prerouting priority dstnat; ip daddr 10.207.0.2 tcp dport 8080 dnat ip to 10.207.0.2:7001; }
}
`;

const SERVE = `
import socket, threading
def tcp(family, address, port):
    s = socket.socket(family); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind((address, port)); s.listen(100)
    def run():
        while True:
            c, _ = s.accept(); c.recv(100); c.sendall(b'y' * 500); c.close()
    threading.Thread(target=run, daemon=True).start()
tcp(socket.AF_INET, '0.0.0.0', 7001); tcp(socket.AF_INET6, '::', 7002)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(('0.0.0.0', 7003))
print('ready', flush=True)
while True:
    data, address = u.recvfrom(100); u.sendto(data, address)
`;

const CONNECT = `
import socket
def go(family, address, times):
    for _ in range(times):
        s = socket.socket(family); s.connect(address); s.sendall(b'x' * 100)
        while s.recv(1000): pass
        s.close()
go(socket.AF_INET, ('10.207.0.2', 8080), 5)
go(socket.AF_INET, ('10.207.0.2', 7001), 3)
go(socket.AF_INET6, ('fd07::2', 7002), 4)
for _ in range(2):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'q', ('10.207.0.2', 7003)); s.recv(10); s.close()
`;

describe('connection tracking', { skip: whyNoConntrack(), timeout: 240_000 }, () => {
  let server: ChildProcess;
  const ip = (...args: string[]) =>
    execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'inherit'], encoding: 'utf8' });
  const clean = () => {
    for (const space of [CLIENT, SERVER]) spawnSync('ip', ['netns', 'del', space], { stdio: 'ignore' });
  };
  const setting = (name: string) =>
    ip('netns', 'exec', SERVER, 'cat', `/proc/sys/net/netfilter/nf_conntrack_${name}`).trim();
  const connect = () => ip('netns', 'exec', CLIENT, 'python3', '-c', CONNECT);
  const rules = (text: string) =>
    execFileSync('ip', ['netns', 'exec', SERVER, 'nft', '-f', '-'], {
      input: text,
      stdio: ['pipe', 'ignore', 'inherit'],
    });

  before(async () => {
    clean();
    for (const space of [CLIENT, SERVER]) {
      ip('netns', 'add', space);
      ip('-n', space, 'link', 'set', 'lo', 'up');
    }
    ip('link', 'add', 'qdfl0', 'netns', CLIENT, 'type', 'veth', 'peer', 'name', 'qdfl1', 'netns', SERVER);
    for (const [space, link, last] of [
      [CLIENT, 'qdfl0', 1],
      [SERVER, 'qdfl1', 2],
    ] as const) {
      ip('-n', space, 'addr', 'add', `10.207.0.${last}/24`, 'dev', link);
      ip('-n', space, 'addr', 'add', `fd07::${last}/64`, 'dev', link, 'nodad');
      ip('-n', space, 'link', 'set', link, 'up');
    }
    server = spawn('ip', ['netns', 'exec', SERVER, 'python3', '-c', SERVE], { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(server.stdout as NodeJS.ReadableStream, 'data');
  });
  after(() => {
    server?.kill('SIGKILL');
    clean();
  });

  test('says that nothing can come where no rule tracks connections', async (t) => {
    const running = await collect(t, ['-w', await workspace(t), '--conntrack'], SERVER);
    const { stderr } = await running.stop();
    assert.match(stderr, /no rule of the packet filter here uses connection tracking/);
  });

  test('counts new connections: IPv4, IPv6, UDP, and behind a translation', async (t) => {
    rules(RULES);
    const folder = await workspace(t);
    const running = await collect(t, ['-w', folder, '--conntrack', '--interval', '1'], SERVER);
    assert.doesNotMatch(running.stderr(), /no rule/);
    connect();
    await until(() => /1[4-9] records/.test(running.stderr()), running.stderr);
    const { code, stderr } = await running.stop();
    assert.equal(code, 0, stderr);
    const rows = await top(folder);
    const of = (key: string) => rows.get(key)?.connections;
    assert.equal(of('10.207.0.2:7001'), 8, 'the translated ones count at the service');
    assert.equal(of('fd07::2:7002'), 4);
    assert.equal(of('10.207.0.2:7003'), 2);
    assert.deepEqual(await gaps(folder), []);
  });

  test('accounting: a plan first, bytes then, and everything back as it was', async (t) => {
    const folder = await workspace(t);
    const args = ['-w', folder, '--conntrack', '--enable-accounting'];
    const command = ['netns', 'exec', SERVER, process.execPath, executable, 'flows', 'collect', ...args];
    const refused = spawnSync('ip', command, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });
    assert.equal(refused.status, 2);
    assert.match(refused.stdout, /net\.netfilter\.nf_conntrack_acct: 0 → 1/);
    assert.match(refused.stderr, /nothing was changed/);
    assert.equal(setting('acct'), '0');
    ip('netns', 'exec', SERVER, 'conntrack', '-F');
    const running = await collect(t, [...args, '--yes', '--interval', '1'], SERVER);
    assert.equal(setting('acct'), '1');
    connect();
    await until(() => /1[4-9] records/.test(running.stderr()), running.stderr);
    ip('netns', 'exec', SERVER, 'conntrack', '-F');
    await until(() => /(2[89]|3\d) records/.test(running.stderr()), running.stderr);
    const { stderr } = await running.stop();
    assert.match(stderr, /put back: net\.netfilter\.nf_conntrack_acct: 1 → 0/);
    assert.equal(setting('acct'), '0');
    const rows = await top(folder);
    const row = rows.get('10.207.0.2:7001');
    assert.equal(row?.connections, 8);
    assert.ok((row?.bytes ?? 0) > 8 * 600, 'both directions, with their headers');
  });

  test('settings of a killed run are put back by --undo', async (t) => {
    const folder = await workspace(t);
    const args = ['-w', folder, '--conntrack', '--enable-accounting', '--yes'];
    const running = await collect(t, args, SERVER);
    await running.stop('SIGKILL');
    assert.equal(setting('timestamp'), '1');
    const undo = ['netns', 'exec', SERVER, process.execPath, executable, 'flows', 'collect', '-w', folder, '--undo'];
    const elsewhere = await quietdoor(['flows', 'collect', '-w', folder, '--undo']);
    assert.match(elsewhere.stderr, /were changed in the network namespace/);
    assert.match(spawnSync('ip', undo, { encoding: 'utf8' }).stderr, /nf_conntrack_timestamp: 1 → 0/);
    assert.equal(setting('timestamp'), '0');
  });

  test('conntrack that dies is started again; the time between is a gap', async (t) => {
    const folder = await workspace(t);
    const running = await collect(t, ['-w', folder, '--conntrack', '--interval', '1'], SERVER);
    const listening = ip('netns', 'pids', SERVER)
      .split('\n')
      .filter((pid) => pid !== '' && readFileSync(`/proc/${pid}/cmdline`, 'latin1').startsWith('conntrack\0-E'));
    // One of a run that was killed ends when it cannot write its next event.
    for (const pid of listening) process.kill(Number(pid), 'SIGKILL');
    await until(() => /conntrack had ended/.test(running.stderr()), running.stderr);
    const { code } = await running.stop();
    assert.equal(code, 0);
    assert.deepEqual(await gaps(folder), ['conntrack:db-1: conntrack had ended']);
  });
});

describe('followed logs', { timeout: 240_000 }, () => {
  const line = (n: number) => {
    const time = new Date(Date.now() - 1000).toISOString();
    return `${time} db-1 kernel: drop: IN=eth0 OUT= SRC=10.0.0.${n} DST=10.0.1.2 LEN=60 TOS=0x00 PREC=0x00 TTL=64 ID=1 DF PROTO=TCP SPT=40000 DPT=23 WINDOW=64240 RES=0x00 SYN URGP=0\n`;
  };
  const args = (folder: string, log: string) => [
    ...['-w', folder, '--interval', '1', '--follow', log, '--as', 'netfilter-log', '--prefix', 'drop: =denied'],
  ];
  const denied = async (folder: string): Promise<number> =>
    [...(await top(folder)).values()].reduce((sum, row) => sum + row.denied, 0);

  test('every line counts once, through rotation, truncation, stops and kills', async (t) => {
    const folder = await workspace(t);
    const log = join(temporaryFolder(t), 'kern.log');
    writeFileSync(log, line(1));
    const first = await collect(t, args(folder, log));
    assert.match(first.stderr(), /is followed from its end/);
    appendFileSync(log, line(2));
    appendFileSync(log, line(3).slice(0, 40)); // a line that is being written
    await received(1, first);
    appendFileSync(log, line(3).slice(40));
    await received(2, first);
    renameSync(log, `${log}.1`);
    appendFileSync(`${log}.1`, line(4)); // the writer has not noticed yet
    writeFileSync(log, line(5));
    await received(4, first);
    assert.equal((await first.stop()).code, 0);
    assert.equal(await denied(folder), 4);

    appendFileSync(log, line(6));
    const second = await collect(t, args(folder, log));
    await received(1, second);
    copyFileSync(log, `${log}.2`);
    truncateSync(log);
    await until(() => /was cut off while it was followed/.test(second.stderr()), second.stderr);
    appendFileSync(log, line(7));
    await received(2, second);
    await second.stop('SIGKILL'); // nothing since its start was written
    renameSync(log, `${log}.3`);
    writeFileSync(log, line(8));
    const third = await collect(t, args(folder, log));
    await received(2, third);
    await third.stop();
    // 6 was written when the file was cut off; 7 is read again from the file that was rotated meanwhile.
    assert.equal(await denied(folder), 7);
    assert.equal((await gaps(folder)).length, 1);
  });

  test('a log that was cut off and is as long as before began anew', async (t) => {
    const folder = await workspace(t);
    const log = join(temporaryFolder(t), 'kern.log');
    writeFileSync(log, '');
    const run = await collect(t, args(folder, log));
    appendFileSync(log, line(1));
    await received(1, run);
    writeFileSync(log, line(2)); // cut off and written again between two looks
    await received(2, run);
    await run.stop();
    assert.equal(await denied(folder), 2);
    assert.match(run.stderr(), /was cut off while it was followed/);
  });

  test('a log that is gone at the next start: the gap begins where it was last known', async (t) => {
    const folder = await workspace(t);
    const log = join(temporaryFolder(t), 'kern.log');
    writeFileSync(log, line(1));
    await (await collect(t, args(folder, log))).stop();
    const state = join(folder, '.quietdoor/flows-collect.json');
    const known = Math.floor(Date.now() / 1000) - 7200;
    writeFileSync(state, readFileSync(state, 'utf8').replace(/"at": [\d.]+/, `"at": ${known}`));
    writeFileSync(`${log}.new`, line(2));
    renameSync(`${log}.new`, log);
    await (await collect(t, args(folder, log))).stop();
    const { stdout } = await quietdoor(['events', '-w', folder, '--type', 'flows.gap', '--format', 'jsonl']);
    const { from, until, to } = JSON.parse(stdout.trim()).body;
    assert.ok((until ?? to) - from >= 7200 && (until ?? to) - from < 8000, stdout);
  });

  test('the collector ends with the process that began it, also where that was killed', {
    skip: noOldNode,
  }, async (t) => {
    const folder = await workspace(t);
    const log = join(temporaryFolder(t), 'kern.log');
    writeFileSync(log, '');
    const run = await collect(t, args(folder, log), undefined, 'node');
    await run.stop('SIGKILL'); // resolves when nobody has its standard error open any more
    assert.match(run.stderr(), /collecting/);
    const next = await collect(t, args(folder, log));
    assert.equal((await next.stop()).code, 0);
  });

  test('a log that is not there is said at once', async (t) => {
    const folder = await workspace(t);
    const { code, stderr } = await quietdoor(['flows', 'collect', ...args(folder, join(folder, 'nothing.log'))]);
    assert.equal(code, 2);
    assert.match(stderr, /cannot follow .*nothing\.log/);
  });
});

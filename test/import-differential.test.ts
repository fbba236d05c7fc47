import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { createLocalCollector } from '../src/collectors/local.ts';
import type { Listener } from '../src/model/listener.ts';
import { readText } from './read-import.ts';

/**
 * Imports of real output of ss, netstat and lsof against the local collector, in a network namespace of our own: the same
 * endpoints, addresses, families and processes, as far as the tool tells them.
 */

const SPACE = `qd-imp-${process.pid}`;

/** Listens on every kind of address and holds a connection, which nobody must take for a listener. */
const SERVER = `
import os, socket, sys, time
kept = []
def listen(family, kind, address, port, v6only=None):
    s = socket.socket(family, kind)
    if v6only is not None: s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    s.bind((address, port))
    if kind == socket.SOCK_STREAM: s.listen(16)
    kept.append(s)
v4, v6, tcp, udp = socket.AF_INET, socket.AF_INET6, socket.SOCK_STREAM, socket.SOCK_DGRAM
listen(v4, tcp, '127.0.0.1', 5432); listen(v4, tcp, '0.0.0.0', 22); listen(v4, tcp, '10.20.3.4', 80)
listen(v6, tcp, '::', 8080, 0); listen(v6, tcp, '::', 8443, 1); listen(v6, tcp, '::1', 631)
listen(v6, tcp, '::ffff:127.0.0.1', 9000, 0)
listen(v4, udp, '0.0.0.0', 68); listen(v4, udp, '127.0.0.1', 323); listen(v6, udp, '::', 5353, 0)
listen(v6, tcp, 'fd00:20::3', 8000)
if os.fork() == 0:
    sys.stdin.read(); os._exit(0)
kept.append(socket.create_connection(('127.0.0.1', 22)))
print('ok', flush=True)
sys.stdin.read()
`;

function whyNot(): string | false {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.geteuid?.() !== 0) return 'needs root, for a network namespace';
  for (const tool of ['ip', 'ss', 'netstat', 'lsof', 'python3'])
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return `needs ${tool}`;
  if (spawnSync('ip', ['netns', 'add', SPACE]).status !== 0) return 'needs the right to make network namespaces';
  return false;
}
const skip = whyNot();

function inSpace(...command: readonly string[]): string {
  return spawnSync('ip', ['netns', 'exec', SPACE, ...command], { encoding: 'utf8' }).stdout;
}

describe('imports against the local collector', { skip }, () => {
  let server: ReturnType<typeof spawn>;
  let expected: readonly Listener[] = [];

  before(async () => {
    inSpace('ip', 'link', 'set', 'lo', 'up');
    inSpace('ip', 'address', 'add', '10.20.3.4/24', 'dev', 'lo');
    inSpace('ip', 'address', 'add', 'fd00:20::3/64', 'dev', 'lo', 'nodad');
    server = spawn('ip', ['netns', 'exec', SPACE, 'python3', '-c', SERVER], { stdio: ['pipe', 'pipe', 'inherit'] });
    const [line] = await once(createInterface({ input: server.stdout as NonNullable<typeof server.stdout> }), 'line');
    assert.equal(line, 'ok');
    const seen = await createLocalCollector().collect({ hostName: 'host-1', hashes: false, root: '/', now: Date.now });
    expected = seen.listeners.filter((l) => l.scope === `netns:${SPACE}`);
    assert.equal(expected.length, 11);
  });

  after(async () => {
    server?.stdin?.end();
    if (server?.exitCode === null) await once(server, 'exit');
    spawnSync('ip', ['netns', 'delete', SPACE]);
  });

  /** What every tool tells: endpoint, address and the process that leads. `families` only where it says IPV6_V6ONLY. */
  const endpoints = (listeners: readonly Listener[]) =>
    listeners.map((l) => `${l.transport} ${l.address} ${l.port} ${l.bind}`).sort();
  const holders = (listeners: readonly Listener[]) =>
    listeners
      .map(
        (l) =>
          `${l.transport} ${l.address} ${l.port} ${[l.process, ...l.sharedWith].map((p) => `${p?.pid}:${p?.name}`).sort()}`,
      )
      .sort();

  const cases = [
    { name: 'ss', command: ['ss', '-tulpn'], all: true },
    { name: 'ss', command: ['ss', '-H', '-tulpneO'], all: true },
    { name: 'ss', command: ['ss', '-tuanpi'], all: true },
    { name: 'netstat', command: ['netstat', '-tulpnW'], all: false },
    { name: 'netstat', command: ['netstat', '-anpeW'], all: false },
    { name: 'lsof', command: ['lsof', '+c0', '-i', '-P', '-n'], all: true },
    { name: 'lsof', command: ['lsof', '-i', '-P', '-n', '-F'], all: true },
    { name: 'lsof', command: ['lsof', '-i', '-P', '-n', '-F0pcLftPnT'], all: true },
  ];
  for (const { name, command, all } of cases)
    test(command.join(' '), async () => {
      // lsof shows the whole machine whatever its namespace; the sockets of this one are told by their processes.
      const pids = new Set(expected.flatMap((l) => [l.process, ...l.sharedWith].map((p) => p?.pid)));
      const { observations, problems } = await readText(name, inSpace(...command));
      const [observation] = observations;
      assert.deepEqual(problems, []);
      const found = (observation?.listeners ?? []).filter((l) => name !== 'lsof' || pids.has(l.process?.pid));
      assert.deepEqual(endpoints(found), endpoints(expected));
      if (all) assert.deepEqual(holders(found), holders(expected));
      const whole = observation?.coverage.find((c) => c.addresses === 'all');
      assert.deepEqual(whole?.transports, ['tcp', 'udp']);
    });

  test('ss tells a socket of IPv6 only, which /proc does not', async () => {
    const { observations } = await readText('ss', inSpace('ss', '-tulpn'));
    const families = (port: number) => observations[0]?.listeners.find((l) => l.port === port)?.families;
    assert.deepEqual([families(8080), families(8443)], [['ipv4', 'ipv6'], ['ipv6']]);
  });
});

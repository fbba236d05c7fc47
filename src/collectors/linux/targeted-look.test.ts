import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { userInfo } from 'node:os';
import { describe, test } from 'node:test';
import type { Listener } from '../../model/listener.ts';
import type { SocketTraceEvent } from './socket-trace-types.ts';
import { createTargetedLook } from './targeted-look.ts';

const skip = process.platform !== 'linux' && 'needs Linux';

function netns(): string {
  return readlinkSync('/proc/self/ns/net');
}

function event(more: Partial<SocketTraceEvent>): SocketTraceEvent {
  return {
    kind: 'listen',
    at: Date.now(),
    pid: process.pid,
    comm: 'test',
    family: 'ipv4',
    address: '127.0.0.1',
    port: 1,
    netns: netns(),
    ...more,
  };
}

async function listen(address: string): Promise<{ server: Server; port: number }> {
  const server = createServer().listen(0, address);
  await once(server, 'listening');
  return { server, port: (server.address() as AddressInfo).port };
}

function lookWith(known: readonly Listener[] = []) {
  return createTargetedLook({ host: 'h', now: Date.now, known: () => known });
}

describe('a targeted look', { skip }, () => {
  test('at a listener that is there', async () => {
    const { server, port } = await listen('127.0.0.1');
    try {
      const { listeners, unplaced } = lookWith().lookAtTraced([event({ port })]);
      assert.deepEqual(unplaced, []);
      assert.equal(listeners.length, 1);
      const { listener, seenInTable, gaps, closedAt } = listeners[0] ?? assert.fail();
      assert.equal(seenInTable, true);
      assert.equal(closedAt, null);
      assert.deepEqual(gaps, []);
      assert.deepEqual(
        [listener.host, listener.transport, listener.address, listener.port, listener.bind, listener.families],
        ['h', 'tcp', '127.0.0.1', port, 'loopback', ['ipv4']],
      );
      assert.equal(listener.uid, process.geteuid?.());
      assert.equal(listener.process?.pid, process.pid);
      assert.equal(listener.process?.exe, process.execPath);
      assert.equal(listener.process?.user, userInfo().username);
    } finally {
      server.close();
    }
  });

  test('at one that closed just before: what is known of its process, and what is not known', async () => {
    const { server, port } = await listen('::1');
    server.close();
    await once(server, 'close');
    const traced = { port, family: 'ipv6', address: '::1' } as const;
    const { listeners } = lookWith().lookAtTraced([
      event({ ...traced, at: 5 }),
      event({ ...traced, kind: 'unlisten', at: 6 }),
    ]);
    assert.equal(listeners.length, 1);
    const { listener, seenInTable, gaps, openedAt, closedAt } = listeners[0] ?? assert.fail();
    assert.deepEqual([seenInTable, openedAt, closedAt], [false, 5, 6]);
    assert.equal(listener.uid, undefined);
    assert.deepEqual(listener.families, ['ipv6']);
    // it began long after the event: another process of the same pid
    assert.deepEqual(listener.process, { pid: process.pid, name: 'test' });
    assert.deepEqual(
      gaps.map(({ code }) => code),
      ['process-ended', 'socket-gone'],
    );
  });

  test('at a process that has ended, in a namespace that was not told', () => {
    const { pid } = spawnSync('true');
    const { netns: _, ...gone } = event({ pid, port: 4711 });
    const { listeners } = lookWith().lookAtTraced([gone]);
    const { listener, gaps } = listeners[0] ?? assert.fail();
    assert.equal(listener.scope, 'unknown');
    assert.deepEqual(listener.process, { pid, name: 'test' });
    assert.deepEqual(
      gaps.map(({ code, subject }) => `${code} ${subject}`),
      ['netns-unknown h:4711/tcp@unknown', 'process-ended h:4711/tcp@unknown'],
    );
  });

  test('at a close by a process that has ended: in the scope where it was known to listen', async () => {
    const { server, port } = await listen('127.0.0.1');
    const open = lookWith().lookAtTraced([event({ port })]).listeners[0]?.listener ?? assert.fail();
    server.close();
    await once(server, 'close');
    const { pid } = spawnSync('true');
    const { netns: _, ...gone } = event({ kind: 'unlisten', pid, port });
    const known = { ...open, process: { pid } };
    const { listener, closedAt } = lookWith([known]).lookAtTraced([gone]).listeners[0] ?? assert.fail();
    assert.equal(listener.scope, open.scope);
    assert.equal(closedAt, gone.at);
    // somebody else's listener on the port proves nothing
    const other = { ...open, process: { pid: process.pid } };
    assert.equal(lookWith([other]).lookAtTraced([gone]).listeners[0]?.listener.scope, 'unknown');
  });

  test('at a close in a namespace that is gone: of the endpoint that was open there', () => {
    const { pid } = spawnSync('true');
    const was = (more: Partial<Listener>): Listener => ({
      ...{ host: 'h', scope: 'netns:gone', transport: 'tcp', port: 4711, address: '127.0.0.1', bind: 'loopback' },
      ...{ families: ['ipv4'], role: 'service', process: { pid }, sharedWith: [] },
      ...more,
    });
    const scopeOf = (known: readonly Listener[], more: Partial<SocketTraceEvent>) => {
      const { netns: _, ...gone } = event({ kind: 'unlisten', pid, port: 4711 });
      const { listener, gaps } = lookWith(known).lookAtTraced([{ ...gone, ...more }]).listeners[0] ?? assert.fail();
      assert.equal(gaps.length, listener.scope === 'unknown' ? 1 : 0);
      return listener.scope;
    };
    const other = was({ scope: 'netns:also-gone', process: { pid: 1 } });
    assert.equal(scopeOf([was({})], {}), 'netns:gone', 'the namespace is not told');
    assert.equal(scopeOf([was({})], { netns: 'net:[1]' }), 'netns:gone', 'it is told, and has no name any more');
    assert.equal(scopeOf([was({}), other], {}), 'netns:gone', 'by its process');
    assert.equal(scopeOf([was({ scope: 'host' })], { netns: 'net:[1]' }), 'unknown', 'the host is another namespace');
    assert.equal(scopeOf([was({}), was({ scope: 'netns:also-gone' })], {}), 'unknown', 'one of two');
    assert.equal(scopeOf([was({ port: 4712 })], {}), 'unknown');
    // A socket that its process left to the kernel to close is told of without one.
    assert.equal(
      scopeOf([was({})], { pid: 0, netns: 'net:[1]' }),
      'netns:gone',
      'the only one in a namespace that is gone',
    );
    assert.equal(scopeOf([was({}), other], { pid: 0, netns: 'net:[1]' }), 'unknown', 'one of two that are gone');
  });

  test('at a socket that closed while another one shares its port', async () => {
    const { server, port } = await listen('127.0.0.1');
    try {
      const events = [event({ kind: 'unlisten', port, at: 6 })];
      const { closedAt, seenInTable } = lookWith().lookAtTraced(events).listeners[0] ?? assert.fail();
      assert.deepEqual([closedAt, seenInTable], [null, true]);
    } finally {
      server.close();
    }
  });

  test('at a port that the kernel chose after it told of the event', {
    skip: spawnSync('python3', ['-V']).error && 'needs python3',
  }, async () => {
    const code =
      'import socket, sys\ns = socket.socket(); s.listen(); print(s.getsockname()[1], flush=True); sys.stdin.read()';
    const child = spawn('python3', ['-c', code], { stdio: ['pipe', 'pipe', 'inherit'] });
    try {
      const [printed] = await once(child.stdout, 'data');
      const pid = child.pid as number;
      const { listeners, unplaced } = lookWith().lookAtTraced([event({ pid, address: '0.0.0.0', port: 0 })]);
      assert.deepEqual(unplaced, []);
      assert.deepEqual(
        listeners.map(({ listener }) => [listener.port, listener.process?.pid]),
        [[Number(String(printed)), pid]],
      );
    } finally {
      child.stdin.end();
      await once(child, 'exit');
    }
    const late = lookWith().lookAtTraced([event({ pid: child.pid as number, address: '0.0.0.0', port: 0 })]);
    assert.deepEqual(late.listeners, []);
    assert.deepEqual(
      late.unplaced.map(({ gap }) => gap.code),
      ['port-unknown'],
    );
  });

  test('at nothing', () => {
    assert.deepEqual(lookWith().lookAtTraced([]).listeners, []);
  });
});

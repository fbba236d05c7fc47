import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmdirSync } from 'node:fs';
import { resolve } from 'node:path';
import { after, describe, test } from 'node:test';
import { openSocketTrace, type SocketTraceOptions } from '../src/collectors/linux/socket-trace.ts';
import type { SocketTrace, SocketTraceEvent } from '../src/collectors/linux/socket-trace-types.ts';
import { createTargetedLook } from '../src/collectors/linux/targeted-look.ts';
import { mountTracefs } from './tracefs-mount.ts';

/** The trace on a real kernel, with listeners of a Python of our own. Others use this machine: only its events count. */

const mounted = mountTracefs();
const space = `qd-trace-${process.pid}`;
const root = resolve(import.meta.dirname, '..');

function whyNot(): string | false {
  if (typeof mounted === 'string') return mounted;
  if (!existsSync(`${mounted.path}/instances`)) return 'needs a kernel with trace instances';
  if (!existsSync(`${mounted.path}/events/sock/inet_sock_set_state`)) return 'needs the tracepoint inet_sock_set_state';
  for (const tool of ['ip', 'python3']) if (spawnSync(tool, ['-V']).error) return `needs ${tool}`;
  if (spawnSync('ip', ['netns', 'add', space]).status !== 0) return 'needs the right to make network namespaces';
  return false;
}
const skip = whyNot();
const tracefs = typeof mounted === 'string' ? '' : mounted.path;

after(() => {
  spawnSync('ip', ['netns', 'del', space]);
  if (typeof mounted !== 'string') mounted.unmount();
});

async function open(options: SocketTraceOptions = {}): Promise<SocketTrace> {
  const trace = await openSocketTrace({ tracefs, ...options });
  assert.ok('events' in trace, 'unavailable' in trace ? trace.unavailable : '');
  return trace;
}

/** Runs Python and gives its pid and what it printed. */
function python(code: string, inSpace?: string): { pid: number; output: string } {
  const command = ['python3', '-c', `import os, socket, ctypes\nprint(os.getpid())\n${code}`];
  const [program = '', ...args] = inSpace === undefined ? command : ['ip', 'netns', 'exec', inSpace, ...command];
  const { stdout, stderr, status } = spawnSync(program, args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
  const [pid = '', ...lines] = stdout.split('\n');
  return { pid: Number(pid), output: lines.join('\n').trim() };
}

/** Events of the pid until `count` have come. */
async function take(trace: SocketTrace, pid: number, count: number): Promise<SocketTraceEvent[]> {
  const mine: SocketTraceEvent[] = [];
  for await (const batch of trace.events) {
    mine.push(...batch.filter((event) => event.pid === pid));
    if (mine.length >= count) break;
  }
  return mine;
}

const brief = ({ kind, family, address, port }: SocketTraceEvent) => `${kind} ${family} ${address} ${port}`;

/** What one of our traces is named, to see whether it is there. */
const ours = () => readdirSync(`${tracefs}/instances`).filter((name) => name.startsWith(`quietdoor-${process.pid}-`));

describe('trace of listening sockets', { skip }, () => {
  for (const readiness of ['wait', 'look'] as const)
    test(`listeners that open and close, waiting by ${readiness}`, async () => {
      await using trace = await open({ readiness });
      const before = Date.now();
      const { pid, output } = python(`
ctypes.CDLL(None).prctl(15, b'od d [0]', 0, 0, 0)
for family, address in ((2, '127.0.0.1'), (10, '::1'), (10, '::ffff:127.0.0.1'), (10, '::')):
    s = socket.socket(family); s.bind((address, 0)); s.listen(); print(s.getsockname()[1]); s.close()
s = socket.socket(); s.listen(); print(s.getsockname()[1]); s.close()`);
      const [a, b, c, d, e] = output.split('\n');
      const events = await take(trace, pid, 10);
      assert.deepEqual(events.map(brief), [
        `listen ipv4 127.0.0.1 ${a}`,
        `unlisten ipv4 127.0.0.1 ${a}`,
        `listen ipv6 ::1 ${b}`,
        `unlisten ipv6 ::1 ${b}`,
        `listen ipv6 ::ffff:127.0.0.1 ${c}`,
        `unlisten ipv6 ::ffff:127.0.0.1 ${c}`,
        `listen ipv6 :: ${d}`,
        `unlisten ipv6 :: ${d}`,
        'listen ipv4 0.0.0.0 0',
        `unlisten ipv4 0.0.0.0 ${e}`,
      ]);
      for (const event of events) {
        assert.equal(event.comm, 'od d [0]');
        assert.ok(event.at >= before - 1 && event.at <= Date.now(), 'the time is UTC');
      }
      assert.equal(trace.unrecognised?.(), 0);
    });

  test('connections that a listener takes in are no events', async () => {
    await using trace = await open();
    const { pid } = python(`
s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen()
for n in range(20):
    c = socket.create_connection(s.getsockname()); a = s.accept()[0]; c.close(); a.close()
s.close()`);
    const { pid: last } = python('s = socket.socket(); s.listen()');
    const events: SocketTraceEvent[] = [];
    for await (const batch of trace.events) {
      events.push(...batch);
      if (events.some((event) => event.pid === last)) break;
    }
    assert.equal(events.filter((event) => event.pid === pid).length, 2);
  });

  test('another network namespace, named at the time of reading', async () => {
    await using trace = await open();
    const listening = python(
      `
s = socket.socket(); s.bind(('0.0.0.0', 4711)); s.listen()
pid = os.fork()
if pid == 0:
    os.close(1); os.close(2)
    import time
    time.sleep(30)
print(pid, os.readlink('/proc/self/ns/net'))`,
      space,
    );
    const [child = '', netns] = listening.output.split(' ');
    try {
      const [event] = await take(trace, listening.pid, 1);
      assert.equal(brief(event as SocketTraceEvent), 'listen ipv4 0.0.0.0 4711');
      // the process ended before the event was read, since python() waits for it: then nothing is claimed
      assert.ok(event?.netns === undefined || event.netns === netns);
      const look = createTargetedLook({ host: 'h', now: Date.now });
      const found = look.lookAtTraced([{ ...(event as SocketTraceEvent), netns: netns as string, pid: Number(child) }]);
      const [traced] = found.listeners;
      assert.equal(traced?.listener.scope, `netns:${space}`);
      assert.equal(traced?.seenInTable, true);
      assert.equal(traced?.listener.process?.pid, Number(child));
      assert.deepEqual(traced?.gaps, []);
    } finally {
      process.kill(Number(child));
    }
    const closed = await take(trace, Number(child), 1);
    assert.deepEqual(closed.map(brief), ['unlisten ipv4 0.0.0.0 4711']);
  });

  test('instances of processes that have ended are removed, others are left', async () => {
    const dead = spawnSync('true').pid;
    const stale = `${tracefs}/instances/quietdoor-${dead}-1-0123abcd`;
    const reused = `${tracefs}/instances/quietdoor-${process.pid}-1-0123abcd`;
    const foreign = [`quietdoor-${dead}`, `other-${dead}-1-0123abcd`].map((name) => `${tracefs}/instances/${name}`);
    for (const path of [stale, reused, ...foreign]) mkdirSync(path);
    try {
      await using other = await open();
      await using trace = await open();
      assert.equal(existsSync(stale), false);
      assert.equal(existsSync(reused), false, 'a later process has the pid');
      for (const path of foreign) assert.ok(existsSync(path), path);
      assert.equal(ours().length, 2, 'one that is in use stays');
      await other.close();
      assert.equal(ours().length, 1);
      assert.equal(await trace.lost(), 0);
    } finally {
      for (const path of foreign) rmdirSync(path);
    }
    assert.deepEqual(ours(), []);
  });

  test('what a small buffer drops is counted', async () => {
    await using trace = await open({ bufferKbPerCpu: 8 });
    // synchronous: nothing is read meanwhile
    const { pid } = python(`
for n in range(1000):
    s = socket.socket(); s.bind(('127.0.0.1', 0)); s.listen(); s.close()`);
    const { pid: last } = python('s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()');
    let seen = 0;
    for await (const batch of trace.events) {
      seen += batch.filter((event) => event.pid === pid).length;
      if (batch.some((event) => event.pid === last && event.kind === 'unlisten')) break;
    }
    const lost = await trace.lost();
    assert.ok(lost > 0, 'the buffer holds far fewer than 2,000 events');
    // what others on this machine did meanwhile may be among the lost
    assert.ok(seen + lost >= 2000, `${seen} seen, ${lost} lost`);
    await trace.close();
    assert.equal(await trace.lost(), lost, 'still known when it is closed');
  });

  for (const readiness of ['wait', 'look'])
    test(`a process that exits without closing leaves nothing behind, waiting by ${readiness}`, () => {
      const code = `
        const { openSocketTrace } = await import('./src/collectors/linux/socket-trace.ts');
        const trace = await openSocketTrace({ tracefs: ${JSON.stringify(tracefs)}, readiness: '${readiness}' });
        if (!('events' in trace)) throw new Error(trace.unavailable);
        setTimeout(() => process.exit(7), 50);`;
      const { status, pid, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
        cwd: root,
        encoding: 'utf8',
      });
      assert.equal(status, 7, stderr);
      assert.deepEqual(
        readdirSync(`${tracefs}/instances`).filter((name) => name.startsWith(`quietdoor-${pid}-`)),
        [],
      );
    });

  test('the sequence ends when the trace is closed', async () => {
    const trace = await open();
    const all = (async () => {
      for await (const _ of trace.events);
      return 'ended';
    })();
    await trace.close();
    await trace.close();
    assert.equal(await all, 'ended');
  });
});

describe('why there is no trace', { skip: process.platform !== 'linux' && 'needs Linux' }, () => {
  test('tracefs is elsewhere', async () => {
    const trace = await openSocketTrace({ tracefs: '/proc' });
    assert.match('unavailable' in trace ? trace.unavailable : '', /^\/proc\/instances\/.* is missing/);
  });

  test('not root', { skip: process.geteuid?.() !== 0 && 'needs root, to be somebody else' }, (t) => {
    if (skip !== false) return t.skip(skip);
    const code = `
      const { openSocketTrace } = await import('./src/collectors/linux/socket-trace.ts');
      console.log((await openSocketTrace({ tracefs: ${JSON.stringify(tracefs)} })).unavailable);`;
    const run = spawnSync(process.execPath, ['--input-type=module', '-e', code], {
      cwd: root,
      encoding: 'utf8',
      uid: 65534,
    });
    assert.match(run.stdout, /^Only root may trace/, run.stderr);
  });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeProcess } from './describe.ts';
import type { Listener, ProcessFacts } from './listener.ts';
import { isInterpreter, programName } from './program.ts';

test('interpreters are known by their name, with a version behind it too', () => {
  for (const name of ['python3.11', 'python', 'java', 'node', 'perl5.36', 'ruby3.1', 'php8.2', 'lua5.4'])
    assert.ok(isInterpreter(name), name);
  for (const name of ['nginx', 'redis-server', 'pythonista', 'constructor']) assert.ok(!isInterpreter(name), name);
});

test('a program is called by its file, or by the well-known name it goes by', () => {
  const cases: [Partial<ProcessFacts>, string | undefined][] = [
    [{ exe: '/usr/bin/redis-check-rdb', name: 'redis-server' }, 'redis-server'],
    [{ exe: '/usr/sbin/nginx', name: 'nginx' }, 'nginx'],
    [{ exe: '/usr/sbin/nginx', name: 'sshd' }, 'nginx'],
    [{ exe: '/usr/bin/python3.11', name: 'sshd' }, 'python3.11'],
    [{ exe: '/opt/shop/server', name: 'worker-3' }, 'server'],
    [{ name: 'server' }, 'server'],
    [{}, undefined],
  ];
  for (const [process, want] of cases) assert.equal(programName({ pid: 1, ...process }), want);
});

test('prose names the file too where the process goes by another name', () => {
  const listener = { process: { pid: 1, exe: '/usr/bin/redis-check-rdb', name: 'redis-server', user: 'redis' } };
  assert.equal(describeProcess(listener as Listener), 'redis-server (executable redis-check-rdb, user redis)');
});

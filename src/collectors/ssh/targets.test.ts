import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientArguments } from './client.ts';
import { parseSshTarget } from './targets.ts';

test('targets as people write them', () => {
  for (const [text, want] of [
    ['web1', { name: 'web1', host: 'web1' }],
    ['admin@web1.example.org:2222', { name: 'web1.example.org', host: 'web1.example.org', user: 'admin', port: 2222 }],
    ['me@corp@gate', { name: 'gate', host: 'gate', user: 'me@corp' }],
    ['10.0.0.1', { name: '10.0.0.1', host: '10.0.0.1' }],
    ['fd00::1', { name: 'fd00::1', host: 'fd00::1' }],
    ['::1', { name: '::1', host: '::1' }],
    ['[fe80::1%eth0]:22', { name: 'fe80::1%eth0', host: 'fe80::1%eth0', port: 22 }],
    ['ssh://root@db:22/', { name: 'db', host: 'db', user: 'root', port: 22 }],
  ] as const)
    assert.deepEqual(parseSshTarget(text), want, text);
});

test('what could be taken for an option or a command is no target', () => {
  for (const text of [
    '-oProxyCommand=x',
    'a b',
    'a;b',
    '$(x)',
    '`x`',
    "a'b",
    'a"b',
    'a\nb',
    '-l@host',
    'user@-host',
    '',
    '@host',
    'host:0',
    'host:70000',
    'a:b:c',
    'x'.repeat(300),
    'ü',
  ])
    assert.equal(typeof parseSshTarget(text), 'string', JSON.stringify(text));
});

test('the client asks nothing, checks host keys as it is told to, and takes a host for nothing else', () => {
  const options = { sudo: true, connectTimeoutMs: 1500, config: 'c' };
  const args = clientArguments({ host: 'h', user: 'u', port: 2 }, options);
  assert.deepEqual(args.slice(-7), ['-p', '2', '-l', 'u', '--', 'h', 'sudo -n sh -s']);
  assert.ok(args.includes('BatchMode=yes') && args.includes('ConnectTimeout=2'));
  assert.ok(!args.some((arg) => /HostKey|KnownHosts/i.test(arg)));
});

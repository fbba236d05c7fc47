import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAddresses, parseOsRelease, parsePortRange, parseReservedPorts } from './host-facts.ts';
import { effectiveUid } from './process-facts.ts';
import { parseBootTime, parseProcessStat } from './process-stat.ts';
import { socketInode } from './socket-owners.ts';
import { parsePasswd, uidInside } from './users.ts';

test('os-release: quoted, bare, escaped, absent', () => {
  const text = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nNAME=\'A "b"\'\nESC="a\\"b"\n';
  assert.equal(parseOsRelease(text, 'PRETTY_NAME'), 'Debian GNU/Linux 12 (bookworm)');
  assert.equal(parseOsRelease(text, 'ID'), 'debian');
  assert.equal(parseOsRelease(text, 'NAME'), 'A "b"');
  assert.equal(parseOsRelease(text, 'ESC'), 'a"b');
  assert.equal(parseOsRelease(text, 'VERSION'), undefined);
});

test('port ranges of the kernel', () => {
  assert.deepEqual(parsePortRange('32768\t60999\n'), { from: 32768, to: 60999 });
  assert.equal(parsePortRange('60999 32768'), undefined);
  assert.equal(parsePortRange('1 70000'), undefined);
  assert.deepEqual(parseReservedPorts('8080,9148-9150\n'), [
    { from: 8080, to: 8080 },
    { from: 9148, to: 9150 },
  ]);
  assert.deepEqual(parseReservedPorts('\n'), []);
});

test('addresses of interfaces, loopback and broadcast left out', () => {
  const trie =
    '     |-- 10.0.0.5\n        /32 host LOCAL\n     |-- 10.0.0.255\n        /32 link BROADCAST\n     |-- 127.0.0.1\n        /32 host LOCAL\n';
  assert.deepEqual(parseAddresses(trie, 'fe80000000000000020102fffe030405 02 40 20 80 eth0\n'), [
    '10.0.0.5',
    'fe80::201:2ff:fe03:405',
  ]);
});

test('process stat: names with blanks and parentheses, cut and foreign text', () => {
  const rest = 'S 1 1 1 0 -1 4194560 1 0 0 0 0 0 0 0 20 0 1 0 4711 1 1\n';
  assert.deepEqual(parseProcessStat(Buffer.from(`7 (a) b) ${rest}`)), { name: 'a) b', startTicks: 4711 });
  assert.equal(parseProcessStat(Buffer.from('7 (a) S 1')), undefined);
  assert.equal(parseProcessStat(Buffer.from('')), undefined);
  assert.equal(parseBootTime('cpu 1\nbtime 1700000000\n'), 1_700_000_000_000);
  assert.equal(parseBootTime(''), undefined);
  assert.equal(effectiveUid('Name:\tx\nUid:\t1000\t33\t33\t33\n'), 33);
  assert.equal(effectiveUid(''), undefined);
});

test('descriptors that are sockets', () => {
  assert.equal(socketInode('socket:[4711]'), 4711);
  for (const link of ['pipe:[1]', 'socket:[x]', 'socket:[1', '/tmp/socket:[1]', ''])
    assert.equal(socketInode(link), -1);
});

test('users: the first name of a uid wins, NIS lines and garbage are passed over', () => {
  const names = parsePasswd('root:x:0:0::/:/bin/sh\ntoor:x:0:0::/:/bin/sh\n+::::::\nbad\nx:x:-1:0\npg:x:112:1::/:\n');
  assert.deepEqual(
    [...names],
    [
      [0, 'root'],
      [112, 'pg'],
    ],
  );
  assert.equal(uidInside('         0     100000      65536\n', 100_101), 101);
  assert.equal(uidInside('         0     100000      65536\n', 0), undefined);
  assert.equal(uidInside('', 0), undefined);
});

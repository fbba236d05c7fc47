import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Listener, ProcessFacts } from './listener.ts';
import { compareProcess } from './process-match.ts';
import type { ProcessRule } from './register.ts';

const nginx: ProcessFacts = { pid: 812, exe: '/usr/sbin/nginx', user: 'www-data', uid: 33, unit: 'nginx.service' };
const systemd: ProcessFacts = { pid: 1, exe: '/usr/lib/systemd/systemd', user: 'root', uid: 0, unit: 'init.scope' };
const other: ProcessFacts = { pid: 900, exe: '/tmp/x', user: 'www-data', uid: 33 };

function heldBy(...holders: readonly (ProcessFacts | null)[]): Listener {
  const [process = null, ...sharedWith] = holders;
  return {
    ...{ host: 'web-1', scope: 'host', transport: 'tcp', port: 80, address: '0.0.0.0', bind: 'any' },
    ...{ families: ['ipv4'], role: 'service', process },
    sharedWith: sharedWith.filter((p) => p !== null),
  };
}

const cases: readonly {
  name: string;
  rule: ProcessRule;
  listener: Listener;
  differences?: readonly string[];
  unknown?: readonly string[];
}[] = [
  { name: 'an entry that names nothing allows anything', rule: {}, listener: heldBy(other) },
  { name: 'an entry that names nothing misses nothing', rule: {}, listener: heldBy(null) },
  { name: 'exe with wildcard', rule: { exe: '/usr/*/nginx' }, listener: heldBy(nginx) },
  { name: 'another exe', rule: { exe: '/usr/sbin/nginx' }, listener: heldBy(other), differences: ['exe /tmp/x'] },
  {
    name: 'a second holder by SO_REUSEPORT is judged too',
    rule: { exe: '/usr/sbin/nginx' },
    listener: heldBy(nginx, other),
    differences: ['exe /tmp/x'],
  },
  {
    name: 'not visible',
    rule: { exe: '/usr/sbin/nginx', user: 'a' },
    listener: heldBy(null),
    unknown: ['exe', 'user'],
  },
  { name: 'visible, but the field is not', rule: { unit: 'x.service' }, listener: heldBy(other), unknown: ['unit'] },
  {
    name: 'a known wrong holder beside one that is not visible',
    rule: { exe: '/usr/sbin/nginx' },
    listener: heldBy(null, other),
    differences: ['exe /tmp/x'],
    unknown: ['exe'],
  },
  { name: 'user by name', rule: { user: 'root' }, listener: heldBy(nginx), differences: ['user www-data'] },
  { name: 'user by number', rule: { user: '33' }, listener: heldBy(nginx) },
  {
    name: 'a uid without a name is no difference',
    rule: { user: 'shop' },
    listener: heldBy({ pid: 5, uid: 998 }),
    unknown: ['user'],
  },
  {
    name: 'workers of another user are no difference',
    rule: { user: 'root' },
    listener: heldBy({ ...nginx, user: 'root', uid: 0 }, nginx),
  },
  { name: 'systemd beside the service it started', rule: { exe: '/usr/sbin/nginx' }, listener: heldBy(systemd, nginx) },
  { name: 'the entry names systemd', rule: { exe: '/usr/lib/systemd/systemd' }, listener: heldBy(systemd, nginx) },
  {
    name: 'systemd alone says nothing of the service that it will start',
    rule: { exe: '/usr/sbin/nginx' },
    listener: heldBy(systemd),
    unknown: ['exe'],
  },
  { name: 'an empty list of hashes restricts nothing', rule: { sha256: [] }, listener: heldBy(nginx) },
  { name: 'hash not known', rule: { sha256: ['ab'] }, listener: heldBy(nginx), unknown: ['sha256'] },
  { name: 'hash of the list', rule: { sha256: ['ab', 'cd'] }, listener: heldBy({ ...nginx, sha256: 'cd' }) },
];

for (const { name, rule, listener, differences = [], unknown = [] } of cases)
  test(name, () => {
    const found = compareProcess(rule, listener);
    assert.deepEqual(
      found.differences.map((d) => `${d.field} ${d.observed}`),
      differences,
    );
    assert.deepEqual(found.unknown, unknown);
  });

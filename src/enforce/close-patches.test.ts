import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { EMPTY } from '../model/address-set.ts';
import { fromCidrs } from '../model/address-set-text.ts';
import { ansibleTasks, composeOverride, kubernetesPatch } from './close-patches.ts';
import { systemdDropIn } from './systemd-drop-in.ts';

const UNIT = {
  unit: 'web@1.service',
  activeState: 'active',
  fileState: 'enabled',
  stop: true,
  disable: true,
  mask: true,
};

test('patches that close a port where it is declared', () => {
  assert.deepEqual(parse(ansibleTasks('port 80/tcp', [UNIT]).text), [
    {
      name: 'Close port 80/tcp: web@1.service',
      'ansible.builtin.systemd': { name: 'web@1.service', state: 'stopped', enabled: false, masked: true },
      become: true,
    },
  ]);
  assert.match(composeOverride('db', 5432, []).text, /services:\n {2}db:\n {4}ports: !reset \[\]/);
  const kept = {
    published: [{ from: 53, to: 53 }],
    target: [{ from: 5353, to: 5353 }],
    transport: 'udp',
    address: '::1',
  };
  assert.match(composeOverride('no', 80, [kept]).text, /"no":\n {4}ports: !override\n {6}- "\[::1\]:53:5353\/udp"/);
  const at = {
    namespace: 'orders',
    kind: 'Deployment',
    name: 'api',
    container: 'web',
    port: 8080,
    transport: 'tcp',
    reach: 'host',
  };
  assert.deepEqual(parse(kubernetesPatch(at).text), {
    spec: {
      template: {
        spec: { containers: [{ name: 'web', ports: [{ containerPort: 8080, protocol: 'TCP', $patch: 'delete' }] }] },
      },
    },
  });
  assert.deepEqual(Object.keys(parse(kubernetesPatch({ ...at, kind: 'Pod' }).text).spec), ['containers']);
});

const noAnsible = spawnSync('ansible-playbook', ['--version']).status === 0 ? false : 'needs ansible-playbook';

test('ansible takes the tasks', { skip: noAnsible }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'quietdoor-close-'));
  try {
    writeFileSync(
      join(folder, 'tasks.yml'),
      ansibleTasks('port 80/tcp', [UNIT, { ...UNIT, unit: 'x.socket', mask: false }]).text,
    );
    writeFileSync(
      join(folder, 'play.yml'),
      '- hosts: localhost\n  gather_facts: false\n  tasks:\n    - ansible.builtin.import_tasks: tasks.yml\n',
    );
    const { status, stderr } = spawnSync(
      'ansible-playbook',
      ['--syntax-check', '-i', 'localhost,', join(folder, 'play.yml')],
      { encoding: 'utf8' },
    );
    assert.equal(status, 0, stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a drop-in of systemd', () => {
  const base = {
    unit: 'pg.service',
    entries: ['pg'],
    digest: 'sha256:1',
    peers: EMPTY,
    sources: fromCidrs(['10.0.0.0/8', 'fd00::/8']),
  };
  const { text, path, cannot } = systemdDropIn({
    ...base,
    listens: [
      { transport: 'tcp', ports: [{ from: 5432, to: 5432 }] },
      { transport: 'udp', ports: [{ from: 6000, to: 6010 }] },
    ],
  });
  assert.deepEqual(cannot, []);
  assert.equal(path, '/etc/systemd/system/pg.service.d/50-quietdoor.conf');
  assert.deepEqual(
    text.split('\n').filter((line) => !line.startsWith('#')),
    [
      '[Service]',
      'SocketBindAllow=ipv4:tcp:5432',
      'SocketBindAllow=ipv4:udp:6000-6010',
      'SocketBindAllow=ipv6:tcp:5432',
      'SocketBindAllow=ipv6:udp:6000-6010',
      'SocketBindDeny=any',
      'IPAddressAllow=10.0.0.0/8',
      'IPAddressAllow=127.0.0.0/8',
      'IPAddressAllow=::1/128',
      'IPAddressAllow=fd00::/8',
      'IPAddressDeny=any',
      '',
    ],
  );
  const everybody = systemdDropIn({ ...base, listens: [], sources: fromCidrs(['0.0.0.0/0', '::/0']) });
  assert.ok(!everybody.text.includes('IPAddress'));
  assert.match(
    systemdDropIn({ ...base, listens: [{ transport: 'sctp', ports: [] }] }).cannot.join(),
    /no bind rule for sctp/,
  );
  assert.match(systemdDropIn({ ...base, unit: 'x.scope', listens: [] }).cannot.join(), /no service and no socket/);
  const hostile = systemdDropIn({
    ...base,
    unit: 'a\nExecStart=/bin/evil.service',
    entries: ['x\n[Service]\nExecStart=/bin/evil'],
    listens: [],
  });
  assert.ok(!/^ExecStart/m.test(hostile.text), hostile.text);
});

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { readSavedConfiguration } from './firewall-saved.ts';

const noNamespaces =
  process.geteuid?.() === 0 && existsSync('/usr/sbin/nft') ? false : 'needs root and nft (Debian package nftables)';

/** A folder that looks like the root of a machine: texts by path, and services that start with it. */
async function withMachine(
  files: Record<string, string>,
  services: readonly string[],
  use: (root: string) => Promise<void>,
) {
  const root = mkdtempSync(join(tmpdir(), 'quietdoor-saved-'));
  try {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    const wants = join(root, 'etc/systemd/system/multi-user.target.wants');
    mkdirSync(wants, { recursive: true });
    for (const service of services)
      symlinkSync(`/lib/systemd/system/${service}.service`, join(wants, `${service}.service`));
    await use(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

const RULES = '*filter\n:INPUT DROP [0:0]\nCOMMIT\n';

test('rules that no service loads are not what the machine starts with', () =>
  withMachine({ '/etc/iptables/rules.v4': RULES, '/etc/nftables.conf': 'flush ruleset\n' }, ['ssh'], async (root) => {
    assert.equal(await readSavedConfiguration({ root }), undefined);
  }));

test('texts of iptables-restore are taken as they are', () =>
  withMachine(
    { '/etc/iptables/rules.v4': RULES, '/etc/iptables/rules.v6': RULES },
    ['netfilter-persistent'],
    async (root) => {
      assert.deepEqual(await readSavedConfiguration({ root }), {
        files: [
          { name: '/etc/iptables/rules.v4', text: RULES },
          { name: '/etc/iptables/rules.v6', text: RULES },
        ],
        problems: [],
      });
    },
  ));

test('services that make rules of their own are named, so that nothing is compared', () =>
  withMachine(
    { '/etc/iptables/rules.v4': RULES, '/etc/ufw/ufw.conf': '# ufw\nENABLED=yes\n' },
    ['netfilter-persistent', 'docker'],
    async (root) => {
      assert.deepEqual((await readSavedConfiguration({ root }))?.problems, [
        'ufw makes rules of its own from /etc/ufw when the machine starts',
        'docker makes rules of its own when it starts',
      ]);
    },
  ));

test('a script of nft becomes rules, in a namespace of its own', { skip: noNamespaces }, () =>
  withMachine(
    {
      '/etc/nftables.conf':
        '#!/usr/sbin/nft -f\nflush ruleset\ntable inet saved { chain in { type filter hook input priority 0; policy drop; tcp dport 22 accept; }\n}\n',
    },
    ['nftables'],
    async (root) => {
      const saved = await readSavedConfiguration({ root });
      assert.deepEqual(saved?.problems, []);
      const { nftables } = JSON.parse(saved?.files[0]?.text ?? '') as { nftables: { table?: { name: string } }[] };
      assert.deepEqual(
        nftables.flatMap((object) => object.table?.name ?? []),
        ['saved'],
      );
    },
  ),
);

test('a script that nft refuses is told with its reason', { skip: noNamespaces }, () =>
  withMachine({ '/etc/nftables.conf': 'table inet broken { chain }\n' }, ['nftables'], async (root) => {
    const saved = await readSavedConfiguration({ root });
    assert.deepEqual(saved?.files, []);
    assert.match(saved?.problems[0] ?? '', /nftables\.conf could not be turned into rules: .*syntax error/);
  }),
);

test('a script that never ends, or lies where nobody writes, keeps nobody waiting', { skip: noNamespaces }, () =>
  withMachine({}, ['nftables', 'netfilter-persistent'], async (root) => {
    mkdirSync(join(root, 'etc/iptables'), { recursive: true });
    execFileSync('mkfifo', [join(root, 'etc/pipe'), join(root, 'etc/iptables/rules.v4')]);
    writeFileSync(join(root, 'etc/nftables.conf'), `include "${join(root, 'etc/pipe')}"\n`);
    const saved = await readSavedConfiguration({ root, timeoutMs: 300 });
    assert.deepEqual(saved, {
      files: [],
      problems: [
        '/etc/iptables/rules.v4 is no file',
        '/etc/nftables.conf could not be turned into rules: nft ended with a signal',
      ],
    });
  }),
);

test('what a script includes does not depend on the folder that one stands in', { skip: noNamespaces }, () =>
  withMachine({ '/etc/nftables.conf': 'include "./here.nft"\n' }, ['nftables'], async (root) => {
    writeFileSync(join(root, 'here.nft'), 'table inet here {\n}\n');
    const before = process.cwd();
    try {
      process.chdir(root);
      assert.deepEqual((await readSavedConfiguration({ root }))?.files, []);
    } finally {
      process.chdir(before);
    }
  }),
);

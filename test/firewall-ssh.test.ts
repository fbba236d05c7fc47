import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { legacyTables } from '../src/collectors/linux/firewall-dump.ts';
import { lookOverSsh } from '../src/collectors/ssh/look.ts';
import type { RulesetDump } from '../src/model/admission.ts';
import { whyNoTestbed } from './network-testbed.ts';
import { quietdoor, temporaryFolder } from './run-quietdoor.ts';
import { type Sshd, startSshd, whyNoSshd } from './sshd-fixture.ts';

/** `scan ssh` brings the packet filters of a machine: a network namespace of our own, entered behind a real sshd. */

const SPACE = `qdfw-${process.pid}`;
const skip = whyNoSshd() || whyNoTestbed('iptables-nft', 'busybox');
const RULES = `table inet filter {
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    tcp dport 22 ip saddr 10.0.0.0/8 accept
  }
}`;

describe('scan ssh and packet filters', { skip, timeout: 120_000 }, () => {
  let sshd: Sshd;
  before(async () => {
    execFileSync('ip', ['netns', 'add', SPACE]);
    execFileSync('ip', ['-n', SPACE, 'link', 'set', 'lo', 'up']);
    execFileSync('ip', ['-n', SPACE, 'link', 'add', 'wire', 'type', 'veth', 'peer', 'name', 'other']);
    execFileSync('ip', ['-n', SPACE, 'addr', 'add', '192.0.2.7/24', 'dev', 'wire']);
    for (const end of ['wire', 'other']) execFileSync('ip', ['-n', SPACE, 'link', 'set', end, 'up']);
    execFileSync('ip', ['netns', 'exec', SPACE, 'nft', '-f', '-'], { input: RULES });
    execFileSync('ip', ['netns', 'exec', SPACE, 'iptables-nft', '-A', 'INPUT', '-s', '10.9.0.0/16', '-j', 'DROP']);
    sshd = await startSshd();
    const inside = `exec ip netns exec ${SPACE} unshare -pf --mount-proc`;
    sshd.addHost('filtered', { command: `${inside} sh -s` });
    sshd.addHost('busybox', { command: `${inside} busybox sh -s` });
    sshd.addHost('user', { command: 'exec setpriv --reuid 65534 --regid 65534 --clear-groups sh -s' });
    sshd.addHost('bare', { command: `${inside} unshare -m sh -c 'mount --bind /dev/null /usr/sbin/nft; exec sh -s'` });
  });
  after(() => {
    sshd?.stop();
    spawnSync('ip', ['netns', 'del', SPACE]);
  });

  async function look(alias: string): Promise<RulesetDump> {
    let dump: RulesetDump | undefined;
    await lookOverSsh(
      { name: alias, host: alias },
      {
        ...{ sudo: false, hashes: false, timeoutMs: 60_000, connectTimeoutMs: 10_000, config: sshd.config },
        ...{ env: process.env, now: Date.now },
        onFirewall: (taken) => {
          dump = taken;
        },
      },
    );
    assert.ok(dump);
    return dump;
  }

  for (const alias of ['filtered', 'busybox'])
    test(`${alias}: every listing, as the programs print it`, async () => {
      const dump = await look(alias);
      assert.deepEqual(dump.problems, []);
      assert.equal(dump.source, `ssh:${alias}`);
      const names = dump.files.map((file) => file.name);
      // busybox has an ip of its own, without JSON
      const wanted = ['nft -j list ruleset', 'nft --debug=netlink list ruleset', 'iptables-save -c'];
      for (const name of [...wanted, ...(alias === 'busybox' ? [] : ['ip -j addr', 'ip -j route show table all'])])
        assert.ok(names.includes(name), name);
      const own = execFileSync('ip', ['netns', 'exec', SPACE, 'nft', '-j', 'list', 'ruleset'], { encoding: 'utf8' });
      const taken = dump.files.find((file) => file.name === 'nft -j list ruleset')?.text ?? '';
      assert.deepEqual(JSON.parse(taken), JSON.parse(own));
    });

  test('without root nothing is claimed', async () => {
    const dump = await look('user');
    assert.deepEqual(dump.files, []);
    assert.deepEqual(dump.problems, ['packet filters can only be read as root: add --sudo']);
  });

  test('a program that cannot run is a problem, not an empty filter', async () => {
    const dump = await look('bare');
    assert.ok(!dump.files.some((file) => file.name.startsWith('nft')));
    assert.match(dump.problems.join(), /nft is not installed and the kernel may have nftables rules/);
  });

  test('what is brought is recorded, and answers for the machine', async (t) => {
    const cwd = temporaryFolder(t);
    writeFileSync(join(cwd, 'quietdoor.yaml'), 'name: test\n');
    const scan = () =>
      quietdoor(['scan', 'ssh', '--ssh-config', sshd.config, '--no-hashes', '-o', '/dev/null', 'filtered'], { cwd });
    const first = await scan();
    assert.match(first.stderr, /1 machine: 1 looked at/);
    assert.doesNotMatch(first.stderr, /packet filters/);
    await scan();
    const { stdout } = await quietdoor(['events', '--format', 'json', '--limit', '1000'], { cwd });
    const { events } = JSON.parse(stdout) as { events: { type: string; actor: string; body: { source?: string } }[] };
    const told = events.filter((event) => event.type.startsWith('firewall.'));
    assert.deepEqual(
      told.map(({ type, actor, body }) => [type, actor, body.source?.startsWith('ssh:')]),
      [['firewall.recorded', 'collector:ssh', true]],
    );
    const host = (told[0]?.body.source ?? '').slice(4);
    // as nobody: this machine may go by the same name, and root would ask it
    const shown = await quietdoor(['firewall', 'show', `${host}:22/tcp@host`, '--format', 'json'], {
      cwd,
      env: { QUIETDOOR_HOST: 'another-machine' },
    });
    const answer = JSON.parse(shown.stdout);
    assert.equal(answer.source, `ssh:${host}`);
    assert.deepEqual(answer.admitted.lower, {
      ipv4: [
        '10.0.0.0/13',
        '10.8.0.0/16',
        '10.10.0.0/15',
        '10.12.0.0/14',
        '10.16.0.0/12',
        '10.32.0.0/11',
        '10.64.0.0/10',
        '10.128.0.0/9',
      ],
      ipv6: [],
    });
    assert.deepEqual(answer.admitted.upper, answer.admitted.lower);
  });
});

test('names of legacy tables: what a module made, nothing, not readable', () => {
  assert.deepEqual(legacyTables('nat\nfilter\n'), ['nat', 'filter']);
  assert.deepEqual(legacyTables(''), []);
  assert.equal(legacyTables(null), null);
});

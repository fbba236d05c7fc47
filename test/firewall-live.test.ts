import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createTestbed, type NetworkTestbed, whyNoTestbed } from './network-testbed.ts';
import { asNobody, executable, type Run, temporaryFolder } from './run-quietdoor.ts';

/** The packet filters of a machine as they are in force: in a network namespace of our own, by nft and both iptables. */

const skip = whyNoTestbed('iptables-nft', 'iptables-legacy', 'ipset');

interface Sets {
  readonly ipv4: readonly string[];
  readonly ipv6: readonly string[];
}
interface Shown {
  readonly admitted: { readonly lower: Sets; readonly upper: Sets };
  readonly deciding: ReadonlyArray<{ readonly rule: { readonly chain: string }; readonly verdict: string }>;
  readonly problems: readonly string[];
  readonly verdict?: string;
}

const NFT = `table inet filter {
  set office { type ipv4_addr; flags interval; elements = { 10.77.1.0/24, 10.99.0.0/16 } }
  chain input {
    type filter hook input priority filter; policy drop;
    ct state established,related accept
    iif lo accept
    meta l4proto ipv6-icmp accept
    tcp dport 22 ip saddr @office counter accept
    tcp dport 443 counter accept
  }
}`;

describe('packet filters in force', { skip, timeout: 240_000 }, () => {
  let bed: NetworkTestbed;
  before(async () => {
    bed = await createTestbed();
    await bed.listen([22, 443, 8443], '0.0.0.0');
  });
  after(() => bed?.close());

  /** Runs the program as a person at the target would. */
  const at = (args: readonly string[], cwd?: string): Promise<Run> =>
    bed.inTarget(process.execPath, [executable, ...args, ...(cwd === undefined ? [] : ['--workspace', cwd])]);
  /** The same where the target is the whole machine: its first process is the program. */
  const asMachine = (args: readonly string[], cwd: string): Promise<Run> =>
    bed.inTarget('unshare', ['-pf', '--mount-proc', process.execPath, executable, ...args, '--workspace', cwd]);
  async function show(port: string, cwd?: string): Promise<Shown> {
    const { stdout, stderr } = await at(['firewall', 'show', port, '--format', 'json'], cwd);
    assert.equal(stderr, '');
    return JSON.parse(stdout);
  }
  const iptables = async (program: string, ...rules: string[]) => {
    for (const rule of rules) {
      const { code, stderr } = await bed.inTarget(program, rule.split(' '));
      assert.equal(code, 0, `${program} ${rule}: ${stderr}`);
    }
  };
  const exactly = (answer: Shown, ipv4: readonly string[], ipv6: readonly string[] = []) => {
    assert.deepEqual(answer.problems, []);
    assert.deepEqual(answer.admitted, { lower: { ipv4, ipv6 }, upper: { ipv4, ipv6 } });
  };

  test('nftables: without a workspace, by the rules of now', async () => {
    bed.filter(NFT);
    const ssh = await show(':22/tcp@host');
    exactly(ssh, ['10.77.1.0/24', '10.99.0.0/16']);
    assert.equal(ssh.verdict, undefined, 'nobody said what is approved');
    assert.deepEqual(
      ssh.deciding.filter((d) => d.verdict === 'accept').map((d) => d.rule.chain),
      ['nft inet filter input'],
    );
    exactly(await show(':443/tcp@host'), ['0.0.0.0/0'], ['::/0']);
    exactly(await show(':8443/tcp@host'), []);
    const table = await at(['firewall', 'show', ':22/tcp@host']);
    assert.equal(table.code, 0);
    assert.match(table.stdout, /ADMITTED +10\.77\.1\.0\/24 and 10\.99\.0\.0\/16/);
    assert.match(table.stdout, /HOOKS +input 0: nft inet filter input \(policy drop, 5 rules\)/);
  });

  test('iptables of both kinds and nftables apply together', async () => {
    bed.filter('');
    await iptables('iptables-nft', '-P INPUT DROP', '-A INPUT -s 10.0.0.0/8 -p tcp --dport 22 -j ACCEPT');
    await iptables('iptables-legacy', '-A INPUT -s 10.128.0.0/9 -p tcp -m multiport --dports 22,80 -j DROP');
    await bed.inTarget('ipset', ['create', 'bad', 'hash:net']);
    await bed.inTarget('ipset', ['add', 'bad', '10.64.0.0/10']);
    await iptables('iptables-legacy', '-A INPUT -m set --match-set bad src -j DROP');
    exactly(await show(':22/tcp@host'), ['10.0.0.0/10'], ['::/0']);
    await iptables('iptables-legacy', '-F INPUT');
    await bed.inTarget('ipset', ['destroy', 'bad']);
    await iptables('iptables-nft', '-P INPUT ACCEPT', '-F INPUT');
  });

  test('one packet, rule by rule', async () => {
    bed.filter(NFT);
    const packet = (from: string, ...more: string[]) =>
      at(['firewall', 'test', '--from', from, '--to', '10.77.0.9:22', '--iif', 'wire', ...more]);
    const in_ = await packet('10.77.1.1');
    assert.match(in_.stdout, /^tcp 10\.77\.1\.1:40000 → 10\.77\.0\.9:22 in by wire: admitted\n/);
    assert.match(in_.stdout, /input: accept ← nft inet filter input rule 4 /);
    assert.equal(in_.code, 0);
    const out = await packet('10.78.0.1', '--format', 'json', '--sport', '1024');
    const { verdict, packet: sent, steps } = JSON.parse(out.stdout);
    assert.equal(verdict, 'refused');
    assert.equal(sent.sourcePort, 1024);
    assert.equal(steps.at(-1).rule.position, 0, 'the policy');
    const wrong = await packet('fd77::1');
    assert.equal(wrong.code, 2);
    assert.match(wrong.stderr, /of different families/);
    // a host by its name: the first address of its own
    const named = await at(['firewall', 'test', '--from', '10.77.1.1', '--to', ':443']);
    assert.match(named.stdout, /^tcp 10\.77\.1\.1:40000 → 10\.77\.0\.1:443: admitted\n/);
  });

  test('a scan records the filters, and tells of a change once rules mean something else', async (t) => {
    const cwd = temporaryFolder(t);
    writeFileSync(join(cwd, 'quietdoor.yaml'), 'name: test\n');
    bed.filter(NFT);
    const scan = async () => {
      const { code, stderr } = await asMachine(['scan', '--no-hashes', '-o', '/dev/null'], cwd);
      assert.notEqual(code, 2, stderr);
    };
    const told = async () => {
      const { stdout } = await at(
        ['events', '--format', 'json', '--type', 'firewall.recorded', '--type', 'firewall.changed'],
        cwd,
      );
      const events = (JSON.parse(stdout) as { events: { type: string; subject: string; body: { summary?: string } }[] })
        .events;
      return events
        .filter((e) => e.type.startsWith('firewall.'))
        .map((e) => `${e.type} ${e.subject} ${e.body.summary ?? ''}`.trim())
        .reverse();
    };
    const host = hostname();
    await scan();
    assert.deepEqual(await told(), [`firewall.recorded ${host}`]);
    await bed.run('python3', ['-c', "import socket; socket.create_connection(('10.77.0.1', 443), 5)"]);
    await scan();
    assert.deepEqual(await told(), [`firewall.recorded ${host}`], 'counters alone are no change');
    await bed.inTarget('nft', ['insert', 'rule', 'inet', 'filter', 'input', 'tcp', 'dport', '8443', 'accept']);
    await scan();
    await bed.inTarget('nft', ['add', 'element', 'inet', 'filter', 'office', '{ 10.66.0.0/16 }']);
    await scan();
    await scan();
    const changes = (await told()).slice(1);
    assert.equal(changes.length, 2, changes.join('\n'));
    assert.equal(changes[0], `firewall.changed ${host} 1 rule added`);
    assert.equal(changes[1], `firewall.changed ${host} 1 rule added, 1 removed`);
    const { stdout } = await at(['events'], cwd);
    assert.match(stdout, /packet filter changed: 1 rule added/);
    const elsewhere = await at(['scan', '--no-hashes', '-o', '/dev/null'], cwd);
    assert.match(elsewhere.stderr, /packet filters: not recorded, as this runs in another network namespace/);
    assert.equal((await told()).length, 3);
    const refused = await at(['firewall', 'verify'], cwd);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /another network namespace than the machine's own/);
  });

  test('verify: everything that listens, the worst first', async (t) => {
    const cwd = temporaryFolder(t);
    writeFileSync(
      join(cwd, 'quietdoor.yaml'),
      'name: test\nowners: { team: team@example.org }\nzones: { office: [10.77.1.0/24, 10.99.0.0/16] }\n',
    );
    mkdirSync(join(cwd, 'register'));
    const entry = (id: string, port: number, sources: string) =>
      `  - { id: ${id}, purpose: x, owner: team, hosts: ["*"], scope: any, port: ${port}, bind: any, sources: [${sources}] }\n`;
    const register = (https: string) =>
      writeFileSync(
        join(cwd, 'register/ports.yaml'),
        `ports:\n${entry('ssh', 22, 'zone:office')}${entry('https', 443, https)}${entry('admin', 8443, '10.0.0.5')}`,
      );
    register('10.0.0.0/8');
    bed.filter(NFT);
    await asMachine(['scan', '--no-hashes', '-o', '/dev/null'], cwd);
    const rows = async () => {
      const run = await asMachine(['firewall', 'verify', '--format', 'json'], cwd);
      assert.equal(run.stderr, '');
      const { endpoints } = JSON.parse(run.stdout) as {
        endpoints: { endpoint: { port: number; scope: string }; verdict: string; entry: string | null }[];
      };
      return { code: run.code, rows: endpoints.filter((e) => e.entry !== null && e.endpoint.scope === 'host') };
    };
    const first = await rows();
    assert.equal(first.code, 1);
    assert.deepEqual(
      first.rows.map((r) => [r.entry, r.verdict]),
      [
        ['https', 'wider'],
        ['admin', 'blocked'],
        ['ssh', 'conforms'],
      ],
    );
    const { stdout } = await asMachine(['firewall', 'verify'], cwd);
    assert.match(stdout, /\nwider +\S+:443\/tcp +10\.0\.0\.0\/8 +every IPv4 address\n/);
    assert.match(stdout, /\nconforms +\S+:22\/tcp +zone:office +zone:office\n/);
    const shown = await show(':443/tcp@host', cwd);
    assert.equal(shown.verdict, 'wider');
    register('0.0.0.0/0, "::/0"');
    assert.ok(!(await rows()).rows.some((r) => r.verdict === 'wider'));
    bed.filter('');
    assert.deepEqual(
      (await rows()).rows.map((r) => [r.entry, r.verdict]),
      [
        ['ssh', 'not filtered'],
        ['admin', 'not filtered'],
        ['https', 'conforms'],
      ],
    );
  });

  test('verify without a workspace: what listens now, and who reaches it', async () => {
    bed.filter(NFT);
    const command = [process.execPath, executable, 'firewall', 'verify', '--format', 'json'];
    const run = await bed.inTarget('unshare', ['-pf', '--mount-proc', ...command]);
    assert.equal(run.code, 0, run.stderr);
    const { endpoints } = JSON.parse(run.stdout) as {
      endpoints: { endpoint: { port: number }; verdict: string; admitted: { upper: Sets } }[];
    };
    assert.deepEqual(endpoints.map((e) => [e.endpoint.port, e.verdict, e.admitted.upper.ipv4]).sort(), [
      [22, 'not compared', ['10.77.1.0/24', '10.99.0.0/16']],
      [443, 'not compared', ['0.0.0.0/0']],
      [8443, 'not compared', []],
    ]);
  });

  test('without root: says that root is needed, and claims nothing', async (t) => {
    const cwd = temporaryFolder(t);
    const shown = await asNobody(['firewall', 'show', ':22'], cwd);
    assert.equal(shown.code, 2);
    assert.match(shown.stderr, /only root may read those in force\n.*as root/);
    writeFileSync(join(cwd, 'quietdoor.yaml'), 'name: test\n');
    mkdirSync(join(cwd, '.quietdoor'));
    chmodSync(join(cwd, '.quietdoor'), 0o777);
    const scanned = await asNobody(['scan', '--no-hashes', '-o', '/dev/null'], cwd);
    assert.match(scanned.stderr, /packet filters: packet filters can only be read as root/);
    const events = await asNobody(['events', '--format', 'json'], cwd);
    assert.doesNotMatch(events.stdout, /firewall\./);
  });
});

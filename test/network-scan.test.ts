import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Observation } from '../src/model/observation.ts';
import { endpointsOfNmap, endpointsOfScan, type Word } from './network-endpoints.ts';
import { createTestbed, finished, type NetworkTestbed, whyNoTestbed } from './network-testbed.ts';
import { executable, quietdoor, temporaryFolder } from './run-quietdoor.ts';

/** The network scanner against nmap, and against itself under loss, kills and shortage. In namespaces of our own. */

const skip = whyNoTestbed('nmap');
const FAST = ['--fast', '--no-identify', '--format', 'jsonl'];
const UNRECORDED = [...FAST, '--no-record'];

const RULES = `
table inet testbed {
  chain input {
    type filter hook input priority 0;
    ip daddr 10.77.0.1 tcp dport 100-103 drop
    ip daddr 10.77.0.2 tcp dport 100-103 reject with tcp reset
    ip daddr 10.77.0.3 tcp dport 100-103 reject with icmp type admin-prohibited
    ip daddr 10.77.0.4 tcp dport 100-103 reject with icmp type port-unreachable
    ip daddr 10.77.0.5 tcp dport 100-103 reject with icmp type host-unreachable
    ip6 daddr fd77::2 tcp dport 22 drop
    ip6 daddr fd77::3 tcp dport 80 reject with icmpv6 type admin-prohibited
    ip daddr 10.77.0.200-10.77.0.249 tcp dport != { 22, 443 } drop
    ip daddr 10.77.0.250-10.77.0.254 drop
  }
}`;

const program = (args: readonly string[]) => [process.execPath, executable, ...args];
const openOf = (map: ReadonlyMap<string, Word>) => [...map].filter(([, word]) => word === 'open');

describe('network scan', { skip, timeout: 120_000 }, () => {
  let bed: NetworkTestbed;

  before(async () => {
    bed = await createTestbed();
    await bed.listen([22, 80, 443]);
    await bed.listen([8080], '10.77.0.7');
  });
  after(() => bed?.close());

  async function workspace(t: TestContext, more = ''): Promise<string> {
    const folder = temporaryFolder(t);
    assert.equal((await quietdoor(['init', folder])).code, 0);
    const file = join(folder, 'quietdoor.yaml');
    writeFileSync(file, `${readFileSync(file, 'utf8')}\n${more}`);
    return folder;
  }

  test('says of every endpoint what nmap says', async () => {
    bed.filter(RULES);
    const ports = '21-23,80,100-103,443,8080';
    const [us, them] = [
      await bed.quietdoor(['scan', 'network', '10.77.0.1-254', '-p', ports, ...UNRECORDED]),
      await bed.run('nmap', ['-n', '-Pn', '-sT', '-T5', '-p', ports, '-oX', '-', '10.77.0.1-254']),
    ];
    assert.equal(us.code, 3, 'silent hosts are gaps');
    const found = endpointsOfScan(us.stdout);
    assert.equal(found.size, 254 * 10);
    assert.deepEqual(found, endpointsOfNmap(them.stdout));
    const silent = us.stdout.split('\n').filter((line) => line.includes('"host-silent"'));
    assert.equal(silent.length, 5);
    for (const line of silent) assert.deepEqual((JSON.parse(line) as Observation).coverage, []);
  });

  test('says the same over IPv6', async () => {
    bed.filter(RULES);
    const us = await bed.quietdoor(['scan', 'network', 'fd77::1-fd77::4', '-p', '22,80,443,444', ...UNRECORDED]);
    const args = ['-6', '-n', '-Pn', '-sT', '-T5', '-p', '22,80,443,444', '-oX', '-'];
    const them = await bed.run('nmap', [...args, 'fd77::1', 'fd77::2', 'fd77::3', 'fd77::4']);
    assert.equal(us.code, 0);
    assert.equal(endpointsOfScan(us.stdout).size, 16);
    assert.deepEqual(endpointsOfScan(us.stdout), endpointsOfNmap(them.stdout));
  });

  test('finds the same open ports while packets are lost', async () => {
    bed.filter('');
    const args = ['scan', 'network', '10.77.0.1-100', '-p', '20-89,443', ...UNRECORDED];
    const without = await bed.quietdoor(args);
    bed.filter(`table inet loss {
      chain input { type filter hook input priority 0; numgen random mod 100 < 2 counter drop; }
      chain output { type filter hook output priority 0; numgen random mod 100 < 2 drop; }
    }`);
    const withLoss = await bed.quietdoor(args);
    assert.equal(openOf(endpointsOfScan(without.stdout)).length, 300);
    assert.deepEqual(openOf(endpointsOfScan(withLoss.stdout)), openOf(endpointsOfScan(without.stdout)));
    const dropped = await bed.inTarget('nft', ['list', 'ruleset']);
    assert.match(dropped.stdout, /counter packets [1-9]\d\d/, 'hundreds of packets were lost');
  });

  test('does with 64 file descriptors', async () => {
    bed.filter('');
    const command = `ulimit -n 64; exec "$@"`;
    const run = await bed.run('sh', [
      '-c',
      command,
      'sh',
      ...program(['scan', 'network', '10.77.0.1-50', '-p', '20-80,443', ...UNRECORDED]),
    ]);
    assert.equal(run.code, 0, run.stderr);
    const found = endpointsOfScan(run.stdout);
    assert.equal(openOf(found).length, 150);
    assert.equal(found.size, 50 * 62);
  });

  test('is not deceived by a connection that meets itself', async () => {
    // so few source ports that a connection to the first of them gets it as its own (even ports come first)
    await bed.run('sysctl', ['-q', '-w', 'net.ipv4.ip_local_port_range=40000 40001']);
    const naive = `require('node:net').connect(40000, '127.0.0.1').on('connect', () => process.exit(7));`;
    const proof = await bed.run(process.execPath, ['-e', naive]);
    const own = ['127.0.0.1', '10.77.1.1', '::1', 'fd77::ffff'];
    const run = await bed.quietdoor(['scan', 'network', ...own, '-p', '40000-40001', ...UNRECORDED]);
    await bed.run('sysctl', ['-q', '-w', 'net.ipv4.ip_local_port_range=32768 60999']);
    assert.equal(proof.code, 7, 'a connection meets itself here');
    assert.deepEqual(
      [...endpointsOfScan(run.stdout)].sort(),
      own.flatMap((address) => [40000, 40001].map((port) => [`${address} ${port}`, 'closed'])).sort(),
    );
  });

  test('sends no packet to what is excluded, and says why', async (t) => {
    const folder = await workspace(
      t,
      'scan:\n  rate: 5000\n  exclude:\n    - { target: 10.77.0.8/29, reason: controllers that stop when they are scanned }\n',
    );
    bed.filter(`table inet seen {
    chain input {
      type filter hook input priority 0;
      ip daddr { 10.77.0.8/29, 10.77.0.20 } counter
    }
    }`);
    const run = await bed.quietdoor(
      [
        'scan',
        'network',
        '10.77.0.0-30',
        '--exclude',
        '10.77.0.20',
        '-p',
        '22,23',
        '--no-identify',
        '--format',
        'jsonl',
      ],
      { cwd: folder },
    );
    assert.equal(run.code, 0, run.stderr);
    assert.equal(endpointsOfScan(run.stdout).size, 2 * (30 - 9));
    assert.match(run.stderr, /10\.77\.0\.8\/29 \(controllers that stop when they are scanned\), 8 addresses/);
    assert.match(run.stderr, /10\.77\.0\.20 \(excluded on the command line\), 1 address/);
    assert.match(run.stderr, /10\.77\.0\.0 \(the network address of 10\.77\.1\.1\/23/);
    assert.match(run.stderr, /5000 connections\/s, 100\/s to one host/);
    assert.match((await bed.inTarget('nft', ['list', 'ruleset'])).stdout, /counter packets 0 /);
  });

  test('lets nmap look, with the same result', async (t) => {
    bed.filter(RULES);
    const folder = await workspace(t);
    const args = ['scan', 'network', '10.77.0.1', '10.77.0.3', '10.77.0.7', '-p', '22,23,100,8080', '--no-identify'];
    const us = await bed.quietdoor([...args, ...FAST], { cwd: folder });
    const nmap = ['--engine', 'nmap', '--nmap-option=-sT', '--nmap-option=--max-retries=1'];
    const them = await bed.quietdoor([...args, ...FAST, ...nmap], { cwd: folder });
    assert.equal(endpointsOfScan(us.stdout).size, 12);
    assert.deepEqual(endpointsOfScan(them.stdout), endpointsOfScan(us.stdout));
    assert.match(us.stderr, /3 addresses recorded: 4 found open at a first look, 0 opened, 0 closed, 0 changed/);
    assert.match(them.stderr, /3 addresses recorded: 0 opened, 0 closed, 0 changed/);
  });

  const SLOW = ['-p', '1-60,80,443', '--rate', '1200', '--rate-per-host', '200', '--no-identify', '--format', 'jsonl'];

  /** Waits until the journal of the scan names so many addresses as recorded. */
  async function recorded(folder: string, scan: ChildProcess, hosts: number): Promise<Set<string>> {
    const journals = join(folder, '.quietdoor/scans');
    for (;;) {
      assert.equal(scan.exitCode, null, 'the scan still runs');
      await sleep(50);
      let text = '';
      try {
        for (const name of readdirSync(journals)) text = readFileSync(join(journals, name), 'utf8');
      } catch {
        continue; // not begun yet
      }
      const done = [...text.matchAll(/"done":"([^"]+)"/g)].map(([, address]) => address as string);
      if (done.length >= hosts) return new Set(done);
    }
  }

  async function openedOf(folder: string): Promise<string[]> {
    const run = await quietdoor(['events', '--type', 'listener.opened', '--limit', '1000', '--format', 'jsonl'], {
      cwd: folder,
    });
    const lines = run.stdout.split('\n').filter((line) => line !== '');
    return lines.map((line) => (JSON.parse(line) as { subject: string }).subject).sort();
  }

  for (const signal of ['SIGKILL', 'SIGINT'] as const)
    test(`goes on after ${signal} where it was`, async (t) => {
      bed.filter('');
      const folder = await workspace(t);
      const scan = bed.startQuietdoor(['scan', 'network', '10.77.0.1-40', ...SLOW], { cwd: folder });
      const end = finished(scan);
      const before = await recorded(folder, scan, 4);
      scan.kill(signal);
      const first = await end;
      if (signal === 'SIGINT') {
        assert.equal(first.code, 130);
        assert.match(first.stderr, /go on with: quietdoor scan network --resume \d{8}-\d{6}-[0-9a-f]{4}\n/);
      }
      const other = await bed.quietdoor(['scan', 'network', '--resume', '-p', '22'], { cwd: folder });
      assert.deepEqual([other.code, /it takes no --ports/.test(other.stderr)], [2, true], other.stderr);
      const again = ['scan', 'network', '--resume', '--rate', '4321', '--format', 'jsonl'];
      const second = await bed.quietdoor(again, { cwd: folder });
      assert.match(second.stderr, /4321 connections\/s/, 'a cap may change meanwhile');
      assert.equal(second.code, 0, second.stderr);
      const addresses = second.stdout.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).host.name]));
      assert.deepEqual(
        addresses.filter((address) => before.has(address)),
        [],
        'what was recorded is not scanned again',
      );
      const opened = await openedOf(folder);
      assert.equal(opened.length, 120, '40 hosts with 3 ports each, each opened once');
      assert.equal(new Set(opened).size, 120);
      const third = await bed.quietdoor(['scan', 'network', '--resume'], { cwd: folder });
      assert.equal(third.code, 2);
      assert.match(third.stderr, /there is no scan to resume/);
    });
});

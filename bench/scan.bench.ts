/**
 * The network scanner and nmap by turns, in two namespaces of our own: one host with 65,535 ports (as fast as it goes),
 * 254 hosts with 1,000 ports of which half drop nearly everything, and the rate that is kept by default. Wall, CPU and RSS
 * are those of the whole process, start included; ours is bundled as it is shipped. Medians of ROUNDS. Fails when the
 * endpoints differ from nmap's, never because it is slow. Needs root, iproute2, nftables, python3 and nmap.
 */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { endpointsOfNmap, endpointsOfScan } from '../test/network-endpoints.ts';
import { createTestbed, type NetworkTestbed, whyNoTestbed } from '../test/network-testbed.ts';
import { median, printTable } from './measure.ts';

const ROUNDS = 5;
const SLOW_ROUNDS = 3;
const folder = mkdtempSync(join(tmpdir(), 'quietdoor-bench-'));
const bundle = join(folder, 'main.js');

const RULES = `
table inet bench {
  chain input {
    type filter hook input priority 0;
    ip daddr 10.77.0.1 tcp dport 30001-30500 drop
    ip daddr 10.77.0.1 tcp dport 31001-31100 reject with icmp type admin-prohibited
    ip daddr 10.77.0.1 tcp dport 32001-32100 reject with icmp type port-unreachable
    ip daddr 10.77.0.1 tcp dport 33001-33100 reject with tcp reset
    ip daddr 10.77.0.128-10.77.0.254 tcp dport != { 22, 443 } drop
  }
}`;

interface Cost {
  readonly seconds: number;
  readonly cpu: number;
  readonly rssMb: number;
  readonly stdout: string;
}

/** Runs a program in the scanner's namespace; its cost by getrusage(2) of its parent, which has no other child. */
async function measure(bed: NetworkTestbed, command: readonly string[]): Promise<Cost> {
  const wrapper = `
import json, resource, subprocess, sys, time
started = time.monotonic()
out = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
seconds = time.monotonic() - started
r = resource.getrusage(resource.RUSAGE_CHILDREN)
if out.returncode not in (0, 3): sys.exit(out.stderr.decode())
print(json.dumps(dict(seconds=seconds, cpu=r.ru_utime + r.ru_stime, rssMb=r.ru_maxrss / 1024, stdout=out.stdout.decode())))`;
  const { code, stdout, stderr } = await bed.run('python3', ['-c', wrapper, ...command]);
  assert.equal(code, 0, stderr);
  return JSON.parse(stdout);
}

const scan = (...args: string[]) => [
  process.execPath,
  bundle,
  'scan',
  'network',
  ...args,
  '--no-record',
  '--format',
  'jsonl',
];
const nmap = (...args: string[]) => ['nmap', '-n', '-Pn', '-sT', '-oX', '-', ...args];

async function compare(
  bed: NetworkTestbed,
  title: string,
  rounds: number,
  us: readonly string[],
  them: readonly string[],
): Promise<string[]> {
  const ours: Cost[] = [];
  const theirs: Cost[] = [];
  let open = 0;
  for (let round = 0; round < rounds; round++) {
    const peer = await measure(bed, them);
    const own = await measure(bed, us);
    const found = endpointsOfScan(own.stdout);
    assert.deepEqual(found, endpointsOfNmap(peer.stdout), `${title}: endpoint by endpoint as nmap`);
    open = [...found.values()].filter((word) => word === 'open').length;
    ours.push(own);
    theirs.push(peer);
  }
  const of = (costs: Cost[], key: 'seconds' | 'cpu' | 'rssMb') => median(costs.map((cost) => cost[key]));
  const pair = (key: 'seconds' | 'cpu' | 'rssMb', digits: number) =>
    `${of(ours, key).toFixed(digits)} / ${of(theirs, key).toFixed(digits)} = ${(of(ours, key) / of(theirs, key)).toFixed(2)} x`;
  return [title, pair('seconds', 2), pair('cpu', 2), pair('rssMb', 0), `${open}, same`];
}

/** Connections a second that really left, by the target's own count of SYNs, from the first to the last. */
async function rateKept(bed: NetworkTestbed, args: readonly string[]): Promise<string> {
  bed.filter(
    'table inet count { chain input { type filter hook input priority 0\n tcp flags syn / syn,ack counter\n }\n }',
  );
  const packets = async () =>
    Number(/counter packets (\d+)/.exec((await bed.inTarget('nft', ['list', 'ruleset'])).stdout)?.[1]);
  const running = measure(bed, scan(...args));
  while ((await packets()) === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  const from = await packets();
  const started = performance.now();
  await new Promise((resolve) => setTimeout(resolve, 15_000));
  const until = await packets();
  const perSecond = ((until - from) / (performance.now() - started)) * 1000;
  await running;
  return `${perSecond.toFixed(0)}/s`;
}

async function main(): Promise<void> {
  const lack = whyNoTestbed('nmap');
  if (lack !== false) {
    console.log(`skipped: ${lack}`);
    return;
  }
  buildSync({
    entryPoints: [join(import.meta.dirname, '../src/cli/main.ts')],
    outfile: bundle,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    banner: { js: "import { createRequire as __r } from 'node:module'; const require = __r(import.meta.url);" },
  });
  const bed = await createTestbed();
  try {
    await bed.listen([
      22,
      80,
      443,
      3306,
      5432,
      8080,
      9000,
      ...Array.from({ length: 21 }, (_, n) => 20_000 + n * 2_000),
    ]);
    bed.filter(RULES);
    const fast = ['--fast', '--no-identify'];
    const ports = '1-996,3306,5432,8080,9000';
    const rows = [
      await compare(
        bed,
        '1 host x 65,535, nmap -sT -T4 (bars 1.5, 2, 6)',
        ROUNDS,
        scan('10.77.0.1', '-p', 'all', ...fast),
        nmap('-T4', '-p', '1-65535', '10.77.0.1'),
      ),
      await compare(
        bed,
        '254 hosts x 1,000, half silent, nmap -sT -T5 (bar 0.5)',
        SLOW_ROUNDS,
        scan('10.77.0.1-254', '-p', ports, ...fast),
        nmap('-T5', '-p', ports, '10.77.0.1-254'),
      ),
    ];
    printTable(['scan', 'seconds, we / nmap', 'CPU s', 'RSS MB', 'open'], rows);
    console.log(
      `default rate, 1,000/s wanted: ${await rateKept(bed, ['10.77.0.1-254', '-p', 'top:100', '--no-identify'])}`,
    );
    console.log(
      `default rate of one host, 100/s wanted: ${await rateKept(bed, ['10.77.0.1', '-p', '1-2000', '--no-identify'])}`,
    );
  } finally {
    await bed.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

await main();

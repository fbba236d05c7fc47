/**
 * Live connection tracking at 10,000 new connections a second for 8 s, between two namespaces of its own: new connections
 * alone, then ends of connections too (with packets and bytes). Fails when an event is neither seen nor counted as lost,
 * never because it is slow. Needs root, iproute2, nftables, conntrack and gcc.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildSync } from 'esbuild';
import { printTable } from './measure.ts';

const RATE = 10_000;
const SECONDS = 8;
const CLIENT = 'qd-ct-client';
const SERVER = 'qd-ct-server';
const SOURCES = Array.from({ length: 16 }, (_, n) => `10.203.0.${n + 10}`);

interface Listened {
  readonly lines: number;
  readonly news: number;
  readonly lost: number;
  readonly problems: number;
  readonly cpuMs: number;
  readonly rssMb: number;
}

const folder = mkdtempSync(join(tmpdir(), 'quietdoor-bench-'));
const load = join(folder, 'load');
const listener = join(folder, 'listener.mjs');

function ip(...args: string[]): void {
  execFileSync('ip', args, { stdio: ['ignore', 'ignore', 'inherit'] });
}

function inServer(...args: string[]): string {
  return execFileSync('ip', ['netns', 'exec', SERVER, ...args], { encoding: 'utf8' });
}

function makeNamespaces(): void {
  for (const space of [CLIENT, SERVER]) {
    ip('netns', 'add', space);
    execFileSync('ip', ['netns', 'exec', space, 'sh', '-c', 'echo 1 > /proc/sys/net/ipv6/conf/all/disable_ipv6']);
    ip('-n', space, 'link', 'set', 'lo', 'up');
  }
  ip('link', 'add', 'qdct0', 'netns', CLIENT, 'type', 'veth', 'peer', 'name', 'qdct1', 'netns', SERVER);
  ip('-n', SERVER, 'addr', 'add', '10.203.0.1/24', 'dev', 'qdct1');
  for (const source of SOURCES) ip('-n', CLIENT, 'addr', 'add', `${source}/24`, 'dev', 'qdct0');
  ip('-n', CLIENT, 'link', 'set', 'qdct0', 'up');
  ip('-n', SERVER, 'link', 'set', 'qdct1', 'up');
  const rules =
    'add table inet t; add chain inet t in { type filter hook input priority 0; }; add rule inet t in ct state invalid drop';
  inServer('nft', rules);
  const settings = 'acct=1 timestamp=1 tcp_timeout_time_wait=2 tcp_timeout_close=2 tcp_timeout_last_ack=2';
  for (const setting of settings.split(' ')) {
    const [name, value] = setting.split('=');
    inServer('sh', '-c', `echo ${value} > /proc/sys/net/netfilter/nf_conntrack_${name}`);
  }
}

function inTable(): number {
  return Number(inServer('cat', '/proc/sys/net/netfilter/nf_conntrack_count'));
}

function start(space: string, ...command: string[]): ChildProcess {
  return spawn('ip', ['netns', 'exec', space, ...command], { stdio: ['pipe', 'pipe', 'inherit'] });
}

async function firstLine(child: ChildProcess): Promise<AsyncIterator<string>> {
  assert.ok(child.stdout);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'ready');
  return lines;
}

/** Processor time of conntrack itself, milliseconds. */
function cpuOfConntrack(parent: number): number {
  let ticks = 0;
  for (const pid of readFileSync(`/proc/${parent}/task/${parent}/children`, 'latin1').trim().split(' ')) {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const [user = '', system = ''] = stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .slice(11, 13);
    ticks += Number(user) + Number(system);
  }
  return ticks * 10;
}

async function measure(kind: 'new' | 'bytes'): Promise<string[]> {
  spawnSync('ip', ['netns', 'exec', SERVER, 'conntrack', '-F'], { stdio: 'ignore' });
  const server = start(SERVER, load, 'serve', '7000');
  await firstLine(server);
  const listening = start(SERVER, process.execPath, listener, kind);
  const said = await firstLine(listening);
  const client = start(CLIENT, load, 'connect', '10.203.0.1', '7000', String(RATE), String(SECONDS), ...SOURCES);
  assert.ok(client.stdout);
  const answer = await createInterface({ input: client.stdout })[Symbol.asyncIterator]().next();
  const made = JSON.parse(answer.value as string);
  assert.equal(made.failed + made.unanswered, 0, 'every connection was established');
  if (kind === 'bytes') {
    // Ends come when the kernel gets round to them, seconds after the connections timed out.
    for (let second = 0; second < 30 && inTable() > made.made / 100; second++)
      await new Promise((resolve) => setTimeout(resolve, 1_000));
  }
  const conntrackMs = cpuOfConntrack(listening.pid as number);
  listening.stdin?.end();
  const result: Listened = JSON.parse((await said.next()).value as string);
  const left = inTable();
  server.kill();
  await Promise.all([once(server, 'exit'), listening.exitCode === null ? once(listening, 'exit') : null]);
  const events = kind === 'bytes' ? made.made * 2 - left : made.made;
  assert.equal(result.problems, 0);
  assert.equal(result.lines + result.lost, events, 'every event was seen or counted as lost');
  const percent = (part: number) => `${((part / (made.seconds * 1000)) * 100).toFixed(1)} %`;
  return [
    kind === 'new' ? 'NEW alone' : 'NEW and DESTROY',
    `${(made.made / made.seconds).toFixed(0)}/s`,
    String(events),
    String(result.lines),
    `${result.lost} (${((result.lost / events) * 100).toFixed(2)} %)`,
    `${result.news} of ${made.made}`,
    percent(result.cpuMs),
    percent(conntrackMs),
    `${result.rssMb.toFixed(0)} MB`,
  ];
}

function clean(): void {
  for (const space of [CLIENT, SERVER]) spawnSync('ip', ['netns', 'del', space], { stdio: 'ignore' });
  rmSync(folder, { recursive: true, force: true });
}

if (process.getuid?.() !== 0) throw new Error('needs root: it makes network namespaces');
execFileSync('gcc', ['-O2', '-o', load, join(import.meta.dirname, 'connection-load.c')]);
buildSync({
  entryPoints: [join(import.meta.dirname, 'conntrack-listener.ts')],
  outfile: listener,
  bundle: true,
  platform: 'node',
  format: 'esm',
});
try {
  makeNamespaces();
  const rows = [await measure('new'), await measure('bytes')];
  printTable(['events', 'connections', 'sent', 'seen', 'lost', 'counted', 'Node', 'conntrack', 'memory'], rows);
  console.log(
    `Processor time in % of a core over the ${SECONDS} s of load. Bars: NEW alone 0 lost; both at most 2 %; Node 15 %.`,
  );
} finally {
  clean();
}

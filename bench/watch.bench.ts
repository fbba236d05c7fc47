/**
 * What `watch` sees and costs. Caught: 2,000 listeners a second that live 1 ms, by the trace alone and by the whole command
 * (every one is a line of its JSON Lines), with the time from listen(2) until we had it; and a buffer so small that
 * events are lost, which must be counted. Cost: the whole command at rest, on this machine as it is and beside 1,000
 * processes with 5 listeners each and 50,000 connections, and with 50 network namespaces. Memory: the whole command while
 * listeners come and go, `--minutes=N` of it (2 unless said; the bar is an hour). `--only=caught|rest|memory`. Fails when events are missing and not counted, never because
 * it is slow. Needs root, tracefs, iproute2 and python3.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { openSocketTrace } from '../src/collectors/linux/socket-trace.ts';
import { createTargetedLook } from '../src/collectors/linux/targeted-look.ts';
import { watchUnit } from '../src/reports/watch-unit.ts';
import { mountTracefs } from '../test/tracefs-mount.ts';
import { printTable } from './measure.ts';

const root = resolve(import.meta.dirname, '..');
const { values } = parseArgs({ options: { minutes: { type: 'string', default: '2' }, only: { type: 'string' } } });
const FIRST_PORT = 10_000;
const RATE = 2_000;
const SECONDS = 5;
const ALIVE_MS = 1;
const REST_SECONDS = 30;
const TICKS_PER_SECOND = 100;

/** The program as it is installed, run as the unit runs it (src/reports/watch-unit.ts). */
const installed = mkdtempSync(join(tmpdir(), 'quietdoor-installed-'));
const unitLine = watchUnit({
  node: process.execPath,
  main: join(installed, 'bin/quietdoor.js'),
  workspace: '/w',
  state: '/s',
});
const program = (/^ExecStart=(.*) watch /m.exec(unitLine)?.[1] ?? '').split(' ');

async function install(): Promise<void> {
  const banner = "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);";
  await build({
    ...{ entryPoints: { main: join(root, 'src/cli/main.ts') }, outdir: join(installed, 'dist'), bundle: true },
    ...{ splitting: true, format: 'esm', platform: 'node', target: 'node24', logLevel: 'error' },
    ...{ external: ['@duckdb/*'], banner: { js: banner } },
  });
  cpSync(join(root, 'bin'), join(installed, 'bin'), { recursive: true });
  cpSync(join(root, 'package.json'), join(installed, 'package.json'));
}

const space = `qdw-${process.pid}`;
const started: ChildProcess[] = [];

function inSpace(...command: readonly string[]): ChildProcess {
  const child = spawn('ip', ['netns', 'exec', space, ...command], { stdio: ['pipe', 'pipe', 'inherit'] });
  started.push(child);
  return child;
}

async function lineOf(child: ChildProcess): Promise<string> {
  assert.ok(child.stdout);
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  return String(line);
}

/** A run of watch-load.py: when each of its ports began to listen, by CLOCK_MONOTONIC. */
interface Load {
  readonly times: readonly number[];
  readonly took: number;
}

async function load(rate: number, seconds: number): Promise<Load> {
  const child = inSpace(
    ...['python3', join(import.meta.dirname, 'watch-load.py'), rate, seconds, ALIVE_MS, FIRST_PORT].map(String),
  );
  assert.ok(child.stdout);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  assert.equal((await lines.next()).value, 'ready');
  child.stdin?.write('\n');
  const result: Load = JSON.parse((await lines.next()).value as string);
  if (child.exitCode === null) await once(child, 'exit');
  return result;
}

/** What was caught of a load: `seen` holds the time in nanoseconds at which each port was known. */
function caught(
  title: string,
  { times, took }: Load,
  seen: ReadonlyMap<number, number>,
  lost: number,
  more: string,
): string[] {
  const latencies: number[] = [];
  for (const [n, at] of times.entries()) {
    const known = seen.get(FIRST_PORT + n);
    if (known !== undefined) latencies.push((known - at) / 1e6);
  }
  latencies.sort((a, b) => a - b);
  const quantile = (q: number) =>
    latencies[Math.min(latencies.length - 1, Math.floor(q * latencies.length))]?.toFixed(1);
  assert.ok(
    latencies.length === times.length || lost > 0,
    `${title}: ${times.length - latencies.length} missing, none counted as lost`,
  );
  return [
    title,
    `${Math.round(times.length / took)}/s`,
    `${latencies.length} of ${times.length} (${((100 * latencies.length) / times.length).toFixed(2)} %)`,
    String(lost),
    `${quantile(0.5)} / ${quantile(0.99)} / ${quantile(1)} ms`,
    more,
  ];
}

async function traceAlone(
  title: string,
  tracefs: string,
  { rate, seconds, kb, look, blockMs }: { rate: number; seconds: number; kb?: number; look: boolean; blockMs?: number },
): Promise<string[]> {
  const trace = await openSocketTrace({ tracefs, ...(kb !== undefined && { bufferKbPerCpu: kb }) });
  assert.ok('events' in trace, JSON.stringify(trace));
  const targeted = createTargetedLook({ host: 'bench', now: Date.now });
  const seen = new Map<number, number>();
  let facts = 0;
  const reading = (async () => {
    for await (const batch of trace.events) {
      const now = Number(process.hrtime.bigint());
      for (const { kind, port, comm } of batch) if (kind === 'listen' && comm === 'python3') seen.set(port, now);
      if (!look) continue;
      for (const { listener } of targeted.lookAtTraced(batch).listeners)
        if (listener.process?.exe !== undefined) facts++;
    }
  })();
  const loading = load(rate, seconds);
  await sleep(500);
  const cpu = process.cpuUsage();
  if (blockMs !== undefined) {
    const until = performance.now() + blockMs;
    while (performance.now() < until);
  }
  const loaded = await loading;
  await sleep(300);
  const { user, system } = process.cpuUsage(cpu);
  await trace.close();
  await reading;
  const share = `${((user + system) / 1e4 / loaded.took).toFixed(0)} % of a core`;
  return caught(title, loaded, seen, await trace.lost(), look ? `${share}, ${facts} with program` : share);
}

/** A running `quietdoor watch`, with tracefs in its own mount namespace. */
interface Watch {
  readonly pid: number;
  readonly onLine: (listener: (line: string, at: number) => void) => void;
  readonly stop: () => Promise<void>;
}

async function startWatch(workspace: string): Promise<Watch> {
  const mount = 'mount -t tracefs tracefs /sys/kernel/tracing && exec "$@"';
  const command = [...program, 'watch', '--format', 'jsonl', '--no-checkpoint'];
  const child = spawn('unshare', ['--mount', 'sh', '-c', mount, 'sh', ...command, '--workspace', workspace], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  started.push(child);
  assert.ok(child.pid !== undefined && child.stdout);
  let listener: (line: string, at: number) => void = () => {};
  const ready = Promise.withResolvers<void>();
  child.on('exit', (code) => ready.reject(new Error(`watch ended with ${code}`)));
  ready.promise.catch(() => {});
  createInterface({ input: child.stdout }).on('line', (line) => {
    if (line.includes('"started"')) {
      assert.ok(line.includes('trace'), line);
      ready.resolve();
    }
    listener(line, Number(process.hrtime.bigint()));
  });
  await ready.promise;
  return {
    pid: child.pid,
    onLine: (given) => {
      listener = given;
    },
    stop: async () => {
      child.kill('SIGTERM');
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** User and system time of a process, seconds. */
function cpuOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND;
}

function rssOf(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

async function atRest(title: string, bar: string, workspace: string): Promise<string[]> {
  const watch = await startWatch(workspace);
  await sleep(15_000); // the first looks are not rest
  const before = cpuOf(watch.pid);
  const rss: number[] = [];
  for (let i = 0; i < REST_SECONDS; i++) {
    await sleep(1000);
    rss.push(rssOf(watch.pid));
  }
  const share = (100 * (cpuOf(watch.pid) - before)) / REST_SECONDS;
  await watch.stop();
  const range = `${Math.min(...rss).toFixed(0)} to ${Math.max(...rss).toFixed(0)} MB`;
  // Of everybody on the machine: where there were many it was not at rest.
  const events = ['opened', 'closed'].map((what) => linesOf(ledger(workspace, `listener.${what}`)));
  return [title, `${share.toFixed(2)} %`, bar, range, busyness(), events.join(' / ')];
}

/** Load of the machine, which others use too: what a figure was measured under. */
function busyness(): string {
  return loadavg()[0]?.toFixed(1) ?? '';
}

/** Network namespaces with a listener in each; call what it returns to end them. */
function manyNamespaces(count: number): () => void {
  const names = Array.from({ length: count }, (_, i) => `${space}-${i}`);
  const code = "import socket, sys\ns = socket.socket(); s.bind(('', 8080)); s.listen(); sys.stdin.read()";
  const children = names.map((name) => {
    execFileSync('ip', ['netns', 'add', name]);
    const child = spawn('ip', ['netns', 'exec', name, 'python3', '-c', code], {
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    started.push(child);
    return child;
  });
  return () => {
    for (const child of children) child.kill('SIGKILL');
    for (const name of names) spawnSync('ip', ['netns', 'del', name]);
  };
}

async function wholeWatch(workspace: string): Promise<string[]> {
  const watch = await startWatch(workspace);
  const seen = new Map<number, number>();
  watch.onLine((line, at) => {
    for (const [, port] of line.matchAll(/"port":(\d+)/g)) if (!seen.has(Number(port))) seen.set(Number(port), at);
  });
  await sleep(2_000);
  const cpu = cpuOf(watch.pid);
  const loaded = await load(RATE, SECONDS);
  await sleep(3_000);
  const share = `${((100 * (cpuOf(watch.pid) - cpu)) / loaded.took).toFixed(0)} % of a core`;
  await watch.stop();
  const lines = seen.size;
  const told = openedInLedger(workspace);
  return [
    `whole watch, ${lines} ports told of`,
    `${Math.round(loaded.times.length / loaded.took)}/s`,
    `${told} of ${loaded.times.length} (${((100 * told) / loaded.times.length).toFixed(2)} %) in the ledger`,
    String(linesOf(ledger(workspace, 'watch.gap'))),
    '-', // many at once are told of in one line, a little later
    share,
  ];
}

function ledger(workspace: string, type: string): string {
  const args = [join(root, 'bin/quietdoor.js'), 'events', '--type', type, '--limit', '100000', '--format', 'jsonl'];
  return execFileSync(process.execPath, [...args, '--workspace', workspace], { encoding: 'utf8', maxBuffer: 2 ** 28 });
}

function openedInLedger(workspace: string): number {
  const ports = new Set<number>();
  for (const [, port] of ledger(workspace, 'listener.opened').matchAll(/"port":(\d+)/g)) ports.add(Number(port));
  let count = 0;
  for (let n = 0; n < RATE * SECONDS; n++) if (ports.has(FIRST_PORT + n)) count++;
  return count;
}

function linesOf(text: string): number {
  return text.split('\n').filter((line) => line !== '').length;
}

/** Memory of the command while so many listeners a second come and go. */
async function memory(workspace: string, minutes: number, rate: number): Promise<string[]> {
  const watch = await startWatch(workspace);
  const samples: { readonly at: number; readonly rss: number }[] = [];
  const until = performance.now() + minutes * 60_000;
  while (performance.now() < until) {
    await load(rate, 10);
    samples.push({ at: performance.now() / 60_000, rss: rssOf(watch.pid) });
  }
  await watch.stop();
  const settled = samples.slice(Math.floor(samples.length / 3));
  const highest = Math.max(...samples.map(({ rss }) => rss));
  return [
    `${minutes} minutes, ${rate} listeners/s`,
    `${highest.toFixed(0)} MB (bar 130)`,
    samples.map(({ rss }) => rss.toFixed(0)).join(' '),
    // No forecast: a few minutes say little of an hour.
    `${((samples.at(-1)?.rss ?? 0) - (settled[0]?.rss ?? 0)).toFixed(1)} MB in the last two thirds, slope ${(slope(settled) * 60).toFixed(1)} MB/h`,
    busyness(),
  ];
}

/** MB a minute, by least squares. */
function slope(samples: readonly { readonly at: number; readonly rss: number }[]): number {
  const mean = (of: (s: { at: number; rss: number }) => number) =>
    samples.reduce((sum, s) => sum + of(s), 0) / samples.length;
  const [at, rss] = [mean((s) => s.at), mean((s) => s.rss)];
  return mean((s) => (s.at - at) * (s.rss - rss)) / mean((s) => (s.at - at) ** 2);
}

async function main(): Promise<void> {
  const mounted = mountTracefs();
  if (typeof mounted === 'string') {
    console.log(`skipped: ${mounted}`);
    return;
  }
  const folder = mkdtempSync(join(tmpdir(), 'quietdoor-bench-'));
  const workspace = (name: string) => {
    const path = join(folder, name);
    mkdirSync(path);
    writeFileSync(join(path, 'quietdoor.yaml'), 'schemaVersion: 1\n');
    return path;
  };
  const wanted = (part: string) => values.only === undefined || values.only === part;
  try {
    await install();
    execFileSync('ip', ['netns', 'add', space]);
    execFileSync('ip', ['-n', space, 'link', 'set', 'lo', 'up']);
    if (wanted('caught')) {
      const burst = { rate: 0, seconds: 20_000 };
      const rows = [
        await traceAlone('trace alone', mounted.path, { rate: RATE, seconds: SECONDS, look: false }),
        await traceAlone('trace and look', mounted.path, { rate: RATE, seconds: SECONDS, look: true }),
        await traceAlone('as fast as it goes', mounted.path, { ...burst, look: false }),
        await traceAlone('and 8 KB, 0.5 s busy', mounted.path, { ...burst, kb: 8, look: false, blockMs: 500 }),
        await wholeWatch(workspace('caught')),
      ];
      printTable(['', 'load', 'caught', 'lost', 'p50 / p99 / most', 'CPU'], rows);
    }
    if (wanted('rest')) {
      const rows = [await atRest('this machine as it is', '1 %', workspace('small'))];
      const end = manyNamespaces(50);
      try {
        rows.push(await atRest('50 more namespaces', '-', workspace('namespaces')));
      } finally {
        end();
      }
      const python = ['python3', join(import.meta.dirname, 'host-load.py'), 1000, 5, 100, 25_000, 10_000].map(String);
      const busy = inSpace(...python);
      assert.equal(await lineOf(busy), 'ready');
      rows.push(await atRest('1,000 processes, 5,000 listeners, 50,000 connections', '12 %', workspace('large')));
      busy.stdin?.end();
      if (busy.exitCode === null) await once(busy, 'exit');
      printTable(['whole watch at rest', 'CPU of a core', 'bar', 'RSS', 'load average', 'opened / closed'], rows);
    }
    if (wanted('memory'))
      printTable(
        ['whole watch under load', 'highest RSS', 'RSS, MB', 'grew', 'load average'],
        [
          await memory(workspace('memory'), Number(values.minutes), RATE / 10),
          await memory(workspace('busy'), Number(values.minutes), RATE / 2),
        ],
      );
  } finally {
    for (const child of started) if (child.exitCode === null) child.kill('SIGKILL');
    spawnSync('ip', ['netns', 'del', space]);
    mounted.unmount();
    for (const path of [folder, installed]) rmSync(path, { recursive: true, force: true });
  }
}

await main();

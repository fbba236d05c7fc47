/**
 * The host collector and `ss` in the same run, on three machines in namespaces of their own: a large one (1,000
 * processes, 5,000 TCP listeners, 100 UDP, 50,000 established sockets), a small one (200 processes), and one of 50
 * namespaces. `cold` is a fresh process, with and without its start; `warm` is the 21st and later snapshot of a running one. Medians of
 * 5 alternating rounds. Fails when the sets of listeners or their processes differ from those of ss, never because it is
 * slow. Needs root, iproute2 and python3.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { buildSync } from 'esbuild';
import type { Answer } from './host-snapshot.ts';
import { median, printTable } from './measure.ts';

const ROUNDS = 5;
const bundle = join(mkdtempSync(join(tmpdir(), 'quietdoor-bench-')), 'snapshot.mjs');

/** The same lines from ss. `-N` enters the namespace itself, which is quicker than `ip netns exec`. */
function parseSs(text: string): string[] {
  const pids = new Map<string, Set<number>>();
  for (const line of text.split('\n')) {
    const [transport, , , , local = '', , users = ''] = line.split(/\s+/);
    if (local === '') continue;
    const colon = local.lastIndexOf(':');
    const address = local
      .slice(0, colon)
      .replace(/%.*$/, '')
      .replace(/^\[(.*)\]$/, '$1')
      .replace('*', '::');
    const key = `${transport}|${address}|${local.slice(colon + 1)}`;
    const set = pids.get(key) ?? new Set<number>();
    for (const match of users.matchAll(/pid=(\d+)/g)) set.add(Number(match[1]));
    pids.set(key, set);
  }
  return [...pids].map(([key, set]) => `${key}|${[...set].sort((a, b) => a - b).join(',')}`);
}

/** Output of ss in a namespace, and the user and system time it took (by the shell's own account, 10 ms fine). */
function runSs(space: string, exec: boolean): { text: string; cpuMs: number } {
  const command = exec ? `ip netns exec ${space} ss -Hltnup` : `ss -N ${space} -Hltnup`;
  const output = execFileSync('sh', ['-c', `${command}; times`], { encoding: 'utf8', maxBuffer: 2 ** 26 });
  const lines = output.trimEnd().split('\n');
  let cpuMs = 0;
  for (const match of (lines.pop() as string).matchAll(/(\d+)m([\d.]+)s/g))
    cpuMs += Number(match[1]) * 60_000 + Number(match[2]) * 1000;
  return { text: lines.slice(0, -1).join('\n'), cpuMs };
}

function timed<T>(run: () => T): [number, T] {
  const started = performance.now();
  const result = run();
  return [performance.now() - started, result];
}

const loads: ChildProcess[] = [];
const spaces: string[] = [];

async function load(space: string, ...numbers: readonly number[]): Promise<void> {
  execFileSync('ip', ['netns', 'add', space]);
  spaces.push(space);
  execFileSync('ip', ['-n', space, 'link', 'set', 'lo', 'up']);
  const args = ['netns', 'exec', space, 'python3', join(import.meta.dirname, 'host-load.py'), ...numbers.map(String)];
  const child = spawn('ip', args, { stdio: ['pipe', 'pipe', 'inherit'] });
  loads.push(child);
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  assert.equal(line, 'ready');
}

async function unload(): Promise<void> {
  for (const child of loads.splice(0)) {
    child.stdin?.end();
    if (child.exitCode === null) await once(child, 'exit');
  }
  for (const space of spaces.splice(0)) spawnSync('ip', ['netns', 'del', space]);
}

async function measure(title: string, bars: { warm: number; cold?: number }, eachExec: boolean): Promise<string[]> {
  const server = spawn(process.execPath, [bundle, 'serve'], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const ask = async (line = ''): Promise<Answer> => {
    server.stdin.write(`${line}\n`);
    return JSON.parse((await lines.next()).value as string);
  };
  // a collector that has run for a while: its code is compiled by then
  for (let n = 0; n < 20; n++) await ask('quiet');
  const ss: number[] = [];
  const ssCpu: number[] = [];
  const warmCpu: number[] = [];
  const coldCpu: number[] = [];
  const warm: number[] = [];
  const coldProcess: number[] = [];
  const coldInside: number[] = [];
  let rss = 0;
  let coldRss = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const [ssMs, outputs] = timed(() => spaces.map((space) => runSs(space, eachExec)));
    ss.push(ssMs);
    ssCpu.push(outputs.reduce((sum, output) => sum + output.cpuMs, 0));
    const warmed = await ask();
    warm.push(warmed.ms);
    warmCpu.push(warmed.cpuMs);
    rss = Math.max(rss, warmed.rssMb);
    const [coldMs, text] = timed(() =>
      execFileSync(process.execPath, [bundle, 'once'], { encoding: 'utf8', maxBuffer: 2 ** 26 }),
    );
    coldProcess.push(coldMs);
    const cold: Answer = JSON.parse(text);
    coldInside.push(cold.ms);
    coldCpu.push(cold.cpuMs);
    coldRss = Math.max(coldRss, cold.rssMb);
    for (const [i, space] of spaces.entries()) {
      const wanted = parseSs(outputs[i]?.text ?? '').sort();
      for (const answer of [warmed, cold])
        assert.deepEqual((answer.listeners[`netns:${space}`] ?? []).sort(), wanted, `${title}: ${space} as in ss`);
    }
  }
  server.stdin.end();
  const base = median(ss);
  const ratio = (values: number[], bar?: number) =>
    `${median(values).toFixed(0)} ms ${(median(values) / base).toFixed(2)} x${bar === undefined ? '' : ` (bar ${bar})`}`;
  return [
    title,
    `${base.toFixed(0)} ms`,
    [ssCpu, warmCpu, coldCpu].map((values) => median(values).toFixed(0)).join(' / '),
    ratio(warm, bars.warm),
    ratio(coldProcess, bars.cold),
    ratio(coldInside),
    `${rss.toFixed(0)} / ${coldRss.toFixed(0)} MB`,
    'same',
  ];
}

async function main(): Promise<void> {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) {
    console.log('skipped: needs Linux and root, for network namespaces');
    return;
  }
  const entryPoints = [join(import.meta.dirname, 'host-snapshot.ts')];
  buildSync({ entryPoints, outfile: bundle, bundle: true, platform: 'node', format: 'esm', target: 'node24' });
  const name = (part: string) => `qdb-${process.pid}-${part}`;
  const rows: string[][] = [];
  try {
    await load(name('large'), 1000, 5, 100, 25_000, 10_000);
    rows.push(await measure('1,000 processes, 5,000 listeners', { warm: 0.25, cold: 1.3 }, false));
    await unload();
    await load(name('small'), 200, 1, 20, 100, 10_000);
    rows.push(await measure('200 processes, 200 listeners', { warm: 0.5 }, false));
    await unload();
    for (let n = 0; n < 50; n++) await load(name(String(n)), 1, 5, 1, 0, 10_000);
    rows.push(await measure('50 namespaces', { warm: 1 }, true));
  } finally {
    await unload();
    rmSync(dirname(bundle), { recursive: true, force: true });
  }
  printTable(
    [
      'machine',
      'ss -ltnup',
      'CPU ms ss / warm / cold',
      'warm',
      'cold, whole process',
      'cold, snapshot',
      'RSS warm / cold',
      'set',
    ],
    rows,
  );
}

await main();

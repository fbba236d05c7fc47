/**
 * Import of AWS VPC flow logs in Parquet: a made-up log (bench/flow-log.ts), printed only and into the store, each run in a
 * process of its own: million records a second by the clock and of processor time, and the largest resident set. Directions
 * are decided by 2,000 listeners. Arguments: millions of records (default 4). Everything is in a folder that is deleted again.
 * Fails when a sum is not exactly what SQL says of the file, never because it is slow.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { loadavg, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { openDuckDb } from '../src/util/duckdb.ts';
import { writeFlowLog } from './flow-log.ts';
import { median, printTable } from './measure.ts';

const RECORDS = Math.round(Number(process.argv[2] ?? 4) * 1e6);
const ROUNDS = 3;
const main = resolve(import.meta.dirname, '../src/cli/main.ts');
const dir = mkdtempSync(join(tmpdir(), 'quietdoor-bench-parquet-'));

/** Linux gives ru_maxrss in KiB. */
const WRAPPER = `
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_maxrss, usage.ru_utime + usage.ru_stime, file=sys.stderr)
sys.exit(code)`;

const COLUMNS = `{'version': 'INTEGER', 'account_id': 'VARCHAR', 'interface_id': 'VARCHAR', 'srcaddr': 'VARCHAR', 'dstaddr': 'VARCHAR',
  'srcport': 'INTEGER', 'dstport': 'INTEGER', 'protocol': 'BIGINT', 'packets': 'BIGINT', 'bytes': 'BIGINT',
  'start': 'BIGINT', 'end': 'BIGINT', 'action': 'VARCHAR', 'log_status': 'VARCHAR'}`;

function quietdoor(...args: readonly string[]): string {
  const run = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
  return run.stdout;
}

try {
  const text = join(dir, 'vpc.log');
  const parquet = join(dir, 'vpc.parquet');
  const log = writeFlowLog(text, RECORDS, 'vpc');
  let wanted: readonly number[] = [];
  {
    using duck = await openDuckDb({
      folders: [dir],
      spill: join(dir, 'spill'),
      memoryMb: 2048,
      threads: 2,
      isOrdered: true,
    });
    const connection = await duck.connect();
    await connection.run(`COPY (FROM read_csv('${text}', delim = ' ', header = true, auto_detect = false, nullstr = '-',
      columns = ${COLUMNS})) TO '${parquet}' (FORMAT parquet, COMPRESSION zstd)`);
    const sums = await connection.runAndReadAll(`SELECT count(*)::DOUBLE, sum(packets)::DOUBLE, sum(bytes)::DOUBLE
      FROM '${parquet}' WHERE log_status = 'OK'`);
    wanted = (sums.getRows()[0] ?? []) as number[];
  }
  rmSync(text);
  const listeners = join(dir, 'listeners.csv');
  const lines = log.services.map(({ address, port }) => `${address},${address},${port},tcp`);
  writeFileSync(listeners, `host,address,port,protocol\n${lines.join('\n')}\n`);

  const told = join(dir, 'told.json');
  const rows: string[][] = [];
  for (const [name, options] of [
    ['printed only', ['--no-record']],
    ['into the store', []],
  ] as const) {
    const [seconds, cpu] = [[] as number[], [] as number[]];
    let rss = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const workspace = join(dir, `workspace-${name.length}-${round}`);
      quietdoor('init', workspace);
      quietdoor('import', '-w', workspace, listeners, '-o', join(dir, 'listeners.out'));
      const started = performance.now();
      const command = [process.execPath, main, 'flows', 'import', '-q', '-w', workspace, '-f', 'json', '-o', told];
      const run = spawnSync('python3', ['-c', WRAPPER, ...command, ...options, parquet], { encoding: 'utf8' });
      seconds.push((performance.now() - started) / 1000);
      assert.equal(run.status, 0, run.stderr);
      const [kib, used] = run.stderr.trim().split(/\s+/).slice(-2).map(Number) as [number, number];
      rss = Math.max(rss, kib / 1024);
      cpu.push(used);
      const [{ counts }] = JSON.parse(readFileSync(told, 'utf8')).imports;
      assert.deepEqual([counts.records, counts.packets, counts.bytes], wanted);
      rmSync(workspace, { recursive: true });
    }
    const speed = (times: readonly number[]): string => (log.records / median(times) / 1e6).toFixed(2);
    rows.push([name, speed(seconds), speed(cpu), rss.toFixed(0), loadavg()[0]?.toFixed(1) ?? '']);
  }
  printTable([`Parquet, ${RECORDS / 1e6} M records`, 'M records/s', 'of CPU time', 'MB resident', 'load'], rows);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

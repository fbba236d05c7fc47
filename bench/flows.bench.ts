/**
 * Import of flow logs: a made-up AWS VPC log (bench/flow-log.ts), plain and gzip, printed only and into the store, and the
 * same as CSV; beside it mawk, DuckDB and nfdump -A with the same sums, where they are installed. Each run is a process of
 * its own: million records a second, and the largest resident set. Directions are decided by 2,000 listeners.
 * Arguments: millions of records (default 3). Everything is in a folder that is deleted again.
 * Fails when a sum is not exactly what SQL says, never because it is slow.
 */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createReadStream, createWriteStream, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { type DuckDBConnection, openDuckDb } from '../src/util/duckdb.ts';
import { type FlowLog, writeFlowLog } from './flow-log.ts';
import { median, printTable } from './measure.ts';
import { sendAsNetflow } from './netflow-sender.ts';

const RECORDS = Math.round(Number(process.argv[2] ?? 3) * 1e6);
const ROUNDS = 3;
const PORT = 29_955;
const main = resolve(import.meta.dirname, '../bin/quietdoor.js');
const dir = mkdtempSync(join(tmpdir(), 'quietdoor-bench-flows-'));
const rows: string[][] = [];

/** Linux gives ru_maxrss in KiB. */
const WRAPPER = `
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(usage.ru_maxrss, usage.ru_utime + usage.ru_stime)
sys.exit(code)`;

interface Measured {
  readonly speed: number;
  readonly rss: number;
}

/** Runs a command some times; the median of records a second, and the largest resident set in MB. */
function measure(name: string, records: number, command: readonly string[], before?: () => void): Measured {
  const seconds: number[] = [];
  const cpu: number[] = [];
  let rss = 0;
  for (let round = 0; round < ROUNDS; round++) {
    before?.();
    const started = performance.now();
    const run = spawnSync('python3', ['-c', WRAPPER, ...command], { encoding: 'utf8' });
    seconds.push((performance.now() - started) / 1000);
    assert.equal(run.status, 0, run.stderr);
    const [kib, used] = run.stdout.trim().split(' ').map(Number) as [number, number];
    rss = Math.max(rss, kib / 1024);
    cpu.push(used);
  }
  const speed = records / median(seconds) / 1e6;
  rows.push([name, speed.toFixed(2), (records / median(cpu) / 1e6).toFixed(2), rss.toFixed(0)]);
  return { speed, rss };
}

const node = (...args: readonly string[]): readonly string[] => [process.execPath, main, ...args];

function quiet(...args: readonly string[]): void {
  const run = spawnSync(process.execPath, [main, ...args], { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stderr);
}

function makeWorkspace(name: string, log: FlowLog): string {
  const workspace = join(dir, name);
  quiet('init', workspace);
  const listeners = join(dir, 'listeners.csv');
  const lines = log.services.map(({ address, port }) => `${address},${address},${port},tcp`);
  writeFileSync(listeners, `host,address,port,protocol\n${lines.join('\n')}\n`);
  quiet('import', '-w', workspace, listeners, '-o', join(dir, 'listeners.out'));
  return workspace;
}

const COLUMNS = `{'version': 'UTINYINT', 'account': 'VARCHAR', 'feed': 'VARCHAR', 'src': 'VARCHAR', 'dst': 'VARCHAR',
  'sp': 'USMALLINT', 'dp': 'USMALLINT', 'protocol': 'UTINYINT', 'packets': 'UBIGINT', 'bytes': 'UBIGINT',
  'started': 'UINTEGER', 'ended': 'UINTEGER', 'action': 'VARCHAR', 'status': 'VARCHAR'}`;

/** The roll-up in SQL, with the same rule for the direction. */
const ROLLUP = (file: string): string => `
  SELECT started // 300 * 300 AS bucket, if(r, dst, src) AS src, if(r, src, dst) AS dst, if(r, sp, dp) AS port, protocol,
    if(action = 'ACCEPT', 'accepted', 'denied') AS action, (r OR f)::UTINYINT AS directed, 'aws-vpc:' || feed AS feed,
    sum(if(r, 0, 1))::UBIGINT AS connections, sum(packets)::UBIGINT AS packets, sum(bytes)::UBIGINT AS bytes
  FROM (
    SELECT *, d.port IS NOT NULL AND s.port IS NULL AS f,
      s.port IS NOT NULL AND d.port IS NULL AND action = 'ACCEPT' AS r
    FROM read_csv('${file}', delim = ' ', header = true, auto_detect = false, nullstr = '-', columns = ${COLUMNS}) l
    LEFT JOIN listens d ON d.address = l.dst AND d.port = l.dp
    LEFT JOIN listens s ON s.address = l.src AND s.port = l.sp
    WHERE status = 'OK')
  GROUP BY ALL`;

async function compareWithSql(
  connection: DuckDBConnection,
  log: FlowLog,
  file: string,
  workspace: string,
): Promise<number> {
  const ours = join(dir, 'ours.csv');
  quiet('flows', 'import', '-w', workspace, '--no-record', '-f', 'csv', '-o', ours, file);
  const values = log.services.map(({ address, port }) => `('${address}', ${port})`).join(', ');
  await connection.run(
    `CREATE OR REPLACE TABLE listens AS SELECT DISTINCT * FROM (VALUES ${values}) AS v(address, port)`,
  );
  const started = performance.now();
  await connection.run(`CREATE OR REPLACE TABLE sql AS ${ROLLUP(file)}`);
  const seconds = (performance.now() - started) / 1000;
  await connection.run(`CREATE OR REPLACE TABLE ours AS SELECT bucket, src, dst, port, protocol, action, directed, feed,
    sum(connections)::UBIGINT AS connections, sum(packets)::UBIGINT AS packets, sum(bytes)::UBIGINT AS bytes
    FROM read_csv('${ours}') GROUP BY ALL`);
  const result = await connection.runAndReadAll(`SELECT (SELECT count(*) FROM sql), (SELECT count(*) FROM ours),
    (SELECT count(*) FROM (SELECT * FROM sql EXCEPT ALL SELECT * FROM ours)), (SELECT sum(packets) FROM ours)`);
  const [[inSql, inOurs, different]] = result.getRows() as unknown as [[bigint, bigint, bigint]];
  assert.deepEqual([inOurs, different], [inSql, 0n], 'every row is the one that SQL gives');
  console.log(`${inSql} rows, each exactly as SQL gives it`);
  return seconds;
}

const AWK = `$14=="OK"{b=$11-$11%300
if($13=="ACCEPT"&&(($4,$6) in l)&&!(($5,$7) in l)){k=b" "$5" "$4" "$6" "$8" "$13" "$3}else{k=b" "$4" "$5" "$7" "$8" "$13" "$3;n[k]++}
p[k]+=$9;y[k]+=$10} BEGIN{while((getline x<L)>0){split(x,q,",");l[q[2],q[3]]=1}} END{for(k in p)c++;print c}`;

function has(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}

/** Has nfcapd write the log as it writes what it collects. Returns the records that it has; 0: it cannot. */
async function collectWithNfcapd(file: string, folder: string): Promise<number> {
  mkdirSync(folder);
  const nfcapd = spawn(
    'nfcapd',
    ['-w', folder, '-b', '127.0.0.1', '-p', String(PORT), '-B', '16777216', '-t', '3600'],
    {
      stdio: 'ignore',
    },
  );
  await new Promise((done) => setTimeout(done, 1000));
  const sent = await sendAsNetflow(file, PORT);
  await new Promise((done) => setTimeout(done, 1500));
  const ended = new Promise((done) => nfcapd.once('exit', done));
  nfcapd.kill('SIGTERM');
  await ended;
  const told = spawnSync('nfdump', ['-R', folder, '-I'], { encoding: 'utf8' }).stdout;
  const got = Number(/^Flows: (\d+)/m.exec(told)?.[1] ?? 0);
  console.log(`nfcapd took ${got} of ${sent} records`);
  return got;
}

try {
  const plain = join(dir, 'vpc.log');
  const packed = `${plain}.gz`;
  const csv = join(dir, 'flows.csv');
  const log = writeFlowLog(plain, RECORDS, 'vpc');
  await pipeline(createReadStream(plain), createGzip({ level: 6 }), createWriteStream(packed));
  writeFlowLog(csv, RECORDS, 'csv');
  const workspace = makeWorkspace('workspace', log);
  const print = (file: string) => node('flows', 'import', '-w', workspace, '--no-record', file);

  const ours = measure('AWS VPC, plain, printed only', log.records, print(plain));
  measure('AWS VPC, gzip, printed only', log.records, print(packed));
  let n = 0;
  let target = '';
  measure(
    'AWS VPC, plain, into the store',
    log.records,
    ['sh', '-c', `exec "$@" -w $(cat ${join(dir, 'target')})`, 'sh', ...node('flows', 'import', plain)],
    () => {
      if (target !== '') rmSync(target, { recursive: true });
      target = makeWorkspace(`store-${n++}`, log);
      writeFileSync(join(dir, 'target'), target);
    },
  );
  measure('CSV, plain, printed only', RECORDS, print(csv));

  using duck = await openDuckDb({ folders: [dir], spill: join(dir, 'spill'), memoryMb: 4096, threads: 2 });
  const sql = log.records / (await compareWithSql(await duck.connect(), log, plain, workspace)) / 1e6;
  rows.push(['DuckDB, two threads, plain', sql.toFixed(2), '', '']);

  const peers: [string, number][] = [];
  if (has('mawk')) {
    writeFileSync(join(dir, 'rollup.awk'), AWK);
    const mawk = ['mawk', '-v', `L=${join(dir, 'listeners.csv')}`, '-f', join(dir, 'rollup.awk'), plain];
    peers.push(['mawk', measure('mawk, plain', log.records, mawk).speed]);
  }
  if (has('nfcapd') && has('nfdump')) {
    const folder = join(dir, 'nfcapd');
    const got = await collectWithNfcapd(plain, folder);
    const nfdump = ['nfdump', '-R', folder, '-A', 'srcip,dstip,dstport,proto', '-w', join(dir, 'aggregated')];
    if (got > 0) peers.push(['nfdump -A', measure('nfdump -A, its own binary files', got, nfdump).speed]);
  }
  printTable([`flow logs, ${RECORDS / 1e6} M records`, 'M records/s', 'of CPU time', 'MB resident'], rows);
  for (const [peer, speed] of peers) console.log(`${(ours.speed / speed).toFixed(1)} times ${peer}`);
} finally {
  rmSync(dir, { recursive: true, force: true });
}

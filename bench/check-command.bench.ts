/**
 * `quietdoor check` as a whole process over 100,000 listeners and 20,000 register entries: the first run (register
 * parsed, findings written), later ones (register remembered by content hash), and JSON to a file. Once with drafts only,
 * once with approvals that a signed commit proves. Beside them, in the same run: js-yaml alone on the register, and
 * node:sqlite alone on the rows. Fails when an answer is wrong, never because it is slow.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { load } from 'js-yaml';
import { approveAll, ENTRIES, LISTENERS, WIDER_LISTENERS, writeState, writeWorkspace } from './large-estate.ts';
import { median, printTable } from './measure.ts';

const RUNS = 5;
const executable = join(resolve(import.meta.dirname, '..'), 'bin/quietdoor.js');
const root = mkdtempSync(join(tmpdir(), 'quietdoor-bench-'));

/** Wall and processor seconds, and the largest resident set. */
interface Cost {
  readonly wall: number;
  readonly cpu: number;
  readonly rssMiB: number | null;
}

try {
  const keys = join(root, 'keys');
  const [drafts, approved] = [join(root, 'drafts'), join(root, 'approved')];
  mkdirSync(keys);
  for (const dir of [drafts, approved]) {
    writeWorkspace(dir);
    await writeState(dir);
  }
  const env = await approveAll(approved, keys);
  const rows = [
    ...measure('drafts', drafts, {}, { deviates: LISTENERS, undetermined: 0, conforms: 0 }),
    ...measure('approved', approved, env, {
      deviates: WIDER_LISTENERS,
      undetermined: 0,
      conforms: LISTENERS - WIDER_LISTENERS,
    }),
    row(
      `js-yaml reads the register (median of ${RUNS})`,
      repeat(() => readYaml(drafts)),
    ),
    row(
      `node:sqlite reads the rows of the listeners (median of ${RUNS})`,
      repeat(() => readRows(drafts)),
    ),
  ];
  printTable(['case', 'wall, s', 'CPU, s', 'RSS, MiB'], rows);
} finally {
  rmSync(root, { recursive: true, force: true });
}

/** Runs every case of a workspace; `want`: endpoints by verdict. */
function measure(name: string, dir: string, env: NodeJS.ProcessEnv, want: Readonly<Record<string, number>>) {
  const store = join(dir, '.quietdoor/quietdoor.db');
  const pristine = `${store}.pristine`;
  copyFileSync(store, pristine);
  const output = join(root, 'answer.json');
  const first = repeat(() => {
    copyFileSync(pristine, store);
    return check(dir, env);
  });
  const later = repeat(() => check(dir, env));
  const json = check(dir, env, '--format', 'json', '-o', output);
  const { summary } = JSON.parse(readFileSync(output, 'utf8'));
  for (const [verdict, n] of Object.entries(want)) assert.equal(summary[verdict], n, `${name}: ${verdict}`);
  return [
    row(`${name}: check, first run (median of ${RUNS})`, first),
    row(`${name}: check, later runs (median of ${RUNS})`, later),
    row(`${name}: check --format json -o FILE, later run (1)`, [json]),
  ];
}

function check(dir: string, env: NodeJS.ProcessEnv, ...options: string[]): Cost {
  const args = ['time', '-f', '%e %U %S %M', process.execPath, executable, 'check', ...options];
  const done = spawnSync('/usr/bin/env', args, {
    cwd: dir,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  assert.equal(done.status, 1, `check ends with 1: there are findings\n${done.stderr}`);
  const [wall = 0, user = 0, system = 0, kib = 0] = (done.stderr.trim().split('\n').at(-1) ?? '')
    .split(' ')
    .map(Number);
  return { wall, cpu: user + system, rssMiB: kib / 1024 };
}

function readYaml(dir: string): Cost {
  return inProcess(() => {
    let entries = 0;
    for (const name of readdirSync(join(dir, 'register')))
      entries += (load(readFileSync(join(dir, 'register', name), 'utf8')) as { ports: unknown[] }).ports.length;
    assert.equal(entries, ENTRIES);
  });
}

function readRows(dir: string): Cost {
  return inProcess(() => {
    const db = new DatabaseSync(join(dir, '.quietdoor/quietdoor.db'), { readOnly: true });
    assert.equal(db.prepare('select * from listener_states').all().length, LISTENERS);
    db.close();
  });
}

function inProcess(run: () => void): Cost {
  const [start, used] = [performance.now(), process.cpuUsage()];
  run();
  const { user, system } = process.cpuUsage(used);
  return { wall: (performance.now() - start) / 1000, cpu: (user + system) / 1e6, rssMiB: null };
}

function repeat(run: () => Cost): readonly Cost[] {
  return Array.from({ length: RUNS }, run);
}

function row(title: string, costs: readonly Cost[]): string[] {
  const rss = costs.flatMap(({ rssMiB }) => (rssMiB === null ? [] : [rssMiB]));
  return [
    title,
    median(costs.map((cost) => cost.wall)).toFixed(2),
    median(costs.map((cost) => cost.cpu)).toFixed(2),
    rss.length === 0 ? '' : median(rss).toFixed(0),
  ];
}

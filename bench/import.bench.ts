/**
 * Import of nmap XML: the file taken apart by the parser alone (saxes, no handlers but one), read into observations, and
 * the whole command with and without recording in processes of their own. Medians of MB/s, and the largest resident set.
 * Arguments: megabytes of the file (default 40). The file is deleted again.
 * Fails when a count is wrong, never because it is slow.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createReadStream, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { SaxesParser } from 'saxes';
import { nmap } from '../src/imports/nmap.ts';
import { count } from '../src/util/words.ts';
import { median, printTable } from './measure.ts';
import { writeNmapFile } from './nmap-file.ts';

const MEGABYTES = Number(process.argv[2] ?? 40);
const ROUNDS = MEGABYTES > 200 ? 1 : 3;
const main = resolve(import.meta.dirname, '../src/cli/main.ts');
const dir = mkdtempSync(join(tmpdir(), 'quietdoor-bench-import-'));

async function parseAlone(file: string): Promise<void> {
  const parser = new SaxesParser();
  let tags = 0;
  parser.on('opentag', () => {
    tags++;
  });
  for await (const piece of createReadStream(file, { encoding: 'utf8', highWaterMark: 256 * 1024 }))
    parser.write(piece);
  parser.close();
  assert.ok(tags > 0);
}

/** The file is made by us: nothing of it may be a problem. */
const report = ({ message }: { readonly message: string }) => assert.fail(message);

async function readAlone(file: string, hosts: number): Promise<void> {
  let seen = 0;
  const options = { source: file, host: null, observedAt: 0, now: Date.now(), mapping: new Map(), report };
  for await (const _ of nmap.read(createReadStream(file, { highWaterMark: 256 * 1024 }), options)) seen++;
  assert.equal(seen, hosts);
}

/** Runs the command; returns its largest resident set in MB. */
function command(file: string, hosts: number, args: readonly string[]): number {
  const report = join(dir, 'usage');
  const run = spawnSync(
    '/usr/bin/env',
    ['python3', '-c', WRAPPER, report, process.execPath, main, 'import', file, '-o', join(dir, 'out'), ...args],
    { encoding: 'utf8' },
  );
  assert.equal(run.status, 0, run.stderr);
  if (!args.includes('--no-record')) assert.ok(run.stderr.includes(`${count(hosts, 'host')}, `), run.stderr);
  return Number(run.stdout) / 1024;
}

/** Linux gives ru_maxrss in KiB. */
const WRAPPER = `
import resource, subprocess, sys
code = subprocess.run(sys.argv[2:]).returncode
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
sys.exit(code)`;

const rows: string[][] = [];
async function measure(name: string, file: string, work: () => Promise<void> | number): Promise<void> {
  const times: number[] = [];
  let rss = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    rss = Math.max(rss, (await work()) ?? 0);
    times.push(performance.now() - started);
  }
  const speed = statSync(file).size / 1e6 / (median(times) / 1e3);
  rows.push([name, speed.toFixed(1), rss === 0 ? '' : rss.toFixed(0)]);
}

try {
  for (const kind of ['usual', 'dense'] as const) {
    const file = join(dir, 'scan.xml');
    const hosts = await writeNmapFile(file, MEGABYTES * 1e6, kind);
    let run = 0;
    await measure(`${kind}: saxes alone`, file, () => parseAlone(file));
    await measure(`${kind}: into observations`, file, () => readAlone(file, hosts));
    await measure(`${kind}: command, --no-record`, file, () => command(file, hosts, ['--no-record']));
    await measure(`${kind}: command, recorded`, file, () => {
      const workspace = join(dir, `workspace-${kind}-${run++}`);
      const made = spawnSync(process.execPath, [main, 'init', workspace]);
      assert.equal(made.status, 0);
      const rss = command(file, hosts, ['-w', workspace]);
      rmSync(workspace, { recursive: true });
      return rss;
    });
    rmSync(file);
  }
} finally {
  rmSync(dir, { recursive: true });
}
printTable([`nmap XML, ${MEGABYTES} MB`, 'MB/s', 'MB resident'], rows);

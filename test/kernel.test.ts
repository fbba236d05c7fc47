import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { loadEngine, OWN_SOURCE } from './kernel/engine.ts';
import { copyWithFault, FAULTS } from './kernel/faults.ts';
import { judgeObservation } from './kernel/run-case.ts';
import { readVectors } from './kernel/vectors.ts';

/**
 * Who is let in, asked of our engine and of the Linux kernel: random rulesets and packets in namespaces of our own, new
 * ones in every run. docs/decisions/kernel-differential.md says how. `npm run test:kernel` runs more of it.
 */

const RULESETS = 330;
const ENOUGH = { rulesets: 300, verdicts: 200_000 };
const main = join(import.meta.dirname, 'kernel/main.ts');
const vectors = join(import.meta.dirname, '../fixtures/kernel');

interface Run {
  readonly status: number | null;
  readonly out: string;
}

const running = new Set<ChildProcess>();

function run(...args: string[]): Promise<Run> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
    running.add(child);
    let out = '';
    child.stdout.on('data', (data: Buffer) => {
      out += data.toString();
    });
    child.stderr.on('data', (data: Buffer) => {
      out += data.toString();
    });
    child.once('error', reject);
    child.once('close', (status) => {
      running.delete(child);
      resolve({ status, out });
    });
  });
}

/** Why the kernel cannot be asked here; false: it can. */
function whyNoKernel(): string | false {
  if (process.platform !== 'linux') return 'needs Linux';
  for (const tool of ['ip', 'iptables-nft-restore', 'iptables-legacy-restore', 'ipset', 'conntrack', 'python3'])
    if (spawnSync('sh', ['-c', `command -v ${tool}`]).status !== 0) return `needs ${tool}`;
  const hello = spawnSync('python3', [join(import.meta.dirname, 'kernel/prober.py')], { input: '' });
  const answer = hello.stdout.toString();
  if (answer.includes('"ready"')) return false;
  return /"fatal": "([^"]*)"/.exec(answer)?.[1] ?? 'needs network namespaces';
}

const cannot = whyNoKernel();
const skip = cannot && `${cannot}; the kernel's recorded verdicts were replayed instead (fixtures/kernel)`;

describe('the engine and the kernel', () => {
  after(() => {
    for (const child of running) child.kill('SIGKILL');
  });

  test('say the same of random rulesets and packets', { skip }, async () => {
    const { status, out } = await run('--rulesets', String(RULESETS));
    assert.equal(status, 0, out);
    const [, rulesets, verdicts] = /rulesets (\d+), verdicts (\d+), disagreements 0, undecided \d+\n$/.exec(out) ?? [];
    assert.ok(Number(rulesets) >= ENOUGH.rulesets, out);
    assert.ok(Number(verdicts) >= ENOUGH.verdicts, out);
    // the reporter shows it: the seed is a new one in every run
    console.error(`kernel: ${out.trim().replaceAll('\n', '; ')}`);
  });

  test('say the same of what a kernel did before', async () => {
    const engine = await loadEngine(OWN_SOURCE);
    const files = existsSync(vectors) ? readdirSync(vectors).filter((file) => file.endsWith('.json.gz')) : [];
    assert.ok(files.length > 0);
    let verdicts = 0;
    for (const file of files)
      for (const [i, observation] of readVectors(join(vectors, file)).entries()) {
        const judgement = judgeObservation(engine, observation);
        verdicts += judgement.verdicts;
        assert.deepEqual(judgement.disagreements, [], `${file}, ruleset ${i}`);
      }
    assert.ok(verdicts >= 100_000, `only ${verdicts} recorded verdicts`);
  });

  for (const fault of FAULTS) {
    test(`disagree once ${fault.name}`, { skip }, async () => {
      const copy = mkdtempSync(join(tmpdir(), 'quietdoor-fault-'));
      try {
        const engine = copyWithFault(fault, copy);
        const limits = ['--rulesets', '5000', '--workers', '1', '--no-shrink'];
        const { status, out } = await run('--engine', engine, '--mode', fault.modes.join(','), ...limits);
        assert.equal(status, 1, out);
        assert.match(out, /--- disagreement/);
      } finally {
        rmSync(copy, { recursive: true, force: true });
      }
    });
  }
});

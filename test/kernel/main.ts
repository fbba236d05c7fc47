import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { type Bed, BedError, createBed } from './bed.ts';
import { describe, whyUndecided } from './describe.ts';
import { type Engine, loadEngine, OWN_SOURCE } from './engine.ts';
import type { Probe } from './frames.ts';
import { generateDocker } from './generate-docker.ts';
import { generateIptables } from './generate-iptables.ts';
import { generateNft } from './generate-nft.ts';
import type { Disagreement, Judgement } from './judge.ts';
import { type KernelCase, MODES, type Mode } from './kernel-case.ts';
import { type ListedFile, listNetwork, Refused } from './observe.ts';
import { add, NOTHING, type Observation, runRaw, stillDisagrees } from './run-case.ts';
import { runConnect, stillBlocksOrOpens } from './run-connect.ts';
import { shrink } from './shrink.ts';
import { saveVectors } from './vectors.ts';
import { address } from './vocabulary.ts';

/**
 * `npm run test:kernel`: random rulesets, loaded into the Linux kernel in namespaces of our own; packets sent; every
 * verdict compared with the engine's. Closes with one line. Exit code 1: they disagree; 2: it could not run.
 */

const HELP = `Usage: npm run test:kernel -- [options]
  --rulesets N   stop after so many rulesets (default 400)
  --verdicts N   stop after so many verdicts
  --seconds S    stop after so many seconds
  --seed N       seed of the first ruleset; the next has the next (default: random)
  --mode M       only ${MODES.join(', ')} (several: comma)
  --workers N    processes side by side (default: processors, at most 2)
  --engine DIR   source tree of the engine (default: src)
  --record FILE  write what the kernel did, for machines without namespaces
  --keep-going   do not stop at the first disagreement
  --why          print which rules leave answers undecided, and why
  --no-shrink    do not look for the smallest ruleset that shows it
`;

/** How often each mode comes. */
const CYCLE: readonly Mode[] = [
  ...([
    'nft',
    'forward',
    'iptables',
    'nft',
    'legacy',
    'unknown',
    'nft',
    'connect',
    'forward',
    'nft',
    'docker',
  ] as const),
  ...(['nft', 'legacy', 'forward', 'nft'] as const),
]; // prettier-ignore

const { values } = parseArgs({
  options: {
    rulesets: { type: 'string', default: '400' },
    verdicts: { type: 'string', default: 'Infinity' },
    seconds: { type: 'string', default: 'Infinity' },
    seed: { type: 'string' },
    mode: { type: 'string' },
    workers: { type: 'string', default: String(Math.min(2, availableParallelism())) },
    engine: { type: 'string', default: OWN_SOURCE },
    record: { type: 'string' },
    'keep-going': { type: 'boolean', default: false },
    why: { type: 'boolean', default: false },
    'no-shrink': { type: 'boolean', default: false },
    worker: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});

interface Total {
  readonly rulesets: number;
  readonly refused: number;
  readonly judgement: Judgement;
}

const limit = { rulesets: Number(values.rulesets), verdicts: Number(values.verdicts), seconds: Number(values.seconds) };
const modes = values.mode?.split(',') as Mode[] | undefined;
const seed = values.seed === undefined ? randomInt(1, 2 ** 31) : Number(values.seed);

function closingLine(rulesets: number, judgement: Omit<Judgement, 'disagreements'>, disagreements: number): string {
  return `rulesets ${rulesets}, verdicts ${judgement.verdicts}, disagreements ${disagreements}, undecided ${judgement.undecided}`;
}

function makeCase(mode: Mode, one: number): KernelCase {
  if (mode === 'docker') return generateDocker(one);
  return mode === 'iptables' || mode === 'legacy' ? generateIptables(mode, one) : generateNft(mode, one);
}

/** Beds are made when needed, and again where the helper of one ended. */
class Beds {
  #made: { bed: Bed; network: readonly ListedFile[] } | null = null;

  async get(): Promise<{ bed: Bed; network: readonly ListedFile[] }> {
    if (this.#made === null) {
      const bed = await createBed();
      this.#made = { bed, network: await listNetwork(bed) };
    }
    return this.#made;
  }

  async close(): Promise<void> {
    const bed = this.#made?.bed;
    this.#made = null;
    await bed?.close();
  }
}

async function runAlone(): Promise<Total> {
  const beds = new Beds();
  try {
    return await runCases(beds);
  } finally {
    await beds.close();
  }
}

/** Rulesets in a row that the kernel may refuse, and helpers that may end, before something else must be wrong. */
const PATIENCE = { refusals: 50, deaths: 3 };

async function runCases(beds: Beds): Promise<Total> {
  const engine = await loadEngine(values.engine);
  const end = Date.now() + limit.seconds * 1000;
  let total: Total = { rulesets: 0, refused: 0, judgement: NOTHING };
  const recorded: Observation[] = [];
  let refusals = 0;
  let deaths = 0;
  for (let i = 0; total.rulesets < limit.rulesets && Date.now() < end; i++) {
    if (total.judgement.verdicts >= limit.verdicts) break;
    const mode = modes ? (modes[i % modes.length] as Mode) : (CYCLE[i % CYCLE.length] as Mode);
    const one = makeCase(mode, (seed + i) % 2 ** 32);
    const { bed, network } = await beds.get();
    try {
      const { observation, judgement } = await runOne(bed, engine, one, network);
      total = { ...total, rulesets: total.rulesets + 1, judgement: add(total.judgement, judgement) };
      refusals = 0;
      if (values.record !== undefined && observation) recorded.push(observation);
      if (values.why && observation && judgement.undecided > 0)
        process.stdout.write(whyUndecided(engine, observation, one));
      const [first] = judgement.disagreements;
      if (first) await explain(bed, engine, one, network, first, judgement.disagreements.length);
      if (first && !values['keep-going']) break;
    } catch (error) {
      if (error instanceof Refused) {
        total = { ...total, refused: total.refused + 1 };
        if (++refusals > PATIENCE.refusals) throw new Error(`the kernel takes no ruleset: ${error.message}`);
      } else if (error instanceof BedError && ++deaths <= PATIENCE.deaths) {
        console.error(`mode ${mode}, seed ${one.seed}: ${error.message}`);
        await beds.close();
      } else throw new Error(`mode ${mode}, seed ${one.seed}`, { cause: error });
    }
  }
  if (values.record !== undefined) saveVectors(values.record, recorded);
  return total;
}

/** Real connections rather than single packets. */
function isConnected(one: KernelCase): boolean {
  return one.mode === 'connect' || one.mode === 'docker';
}

interface Outcome {
  readonly observation: Observation | null;
  readonly judgement: Judgement;
}

/** Runs a case. An engine that throws disagrees with the kernel, which does not. */
async function runOne(bed: Bed, engine: Engine, one: KernelCase, network: readonly ListedFile[]): Promise<Outcome> {
  try {
    return await (isConnected(one) ? runConnect : runRaw)(bed, engine, one, network);
  } catch (error) {
    if (error instanceof Refused || error instanceof BedError || !(error instanceof Error)) throw error;
    const crash: Disagreement = {
      probe: NO_PROBE,
      kind: 'crash',
      engine: error.stack ?? error.message,
      kernel: 'goes on',
    };
    return { observation: null, judgement: { ...NOTHING, disagreements: [crash] } };
  }
}

const NO_PROBE: Probe = {
  ...{ transport: 'tcp', source: address('192.0.2.1'), sourcePort: 1, wire: 0 },
  ...{ destination: address('10.77.0.1'), destinationPort: 1 },
};

async function explain(
  bed: Bed,
  engine: Engine,
  one: KernelCase,
  network: readonly ListedFile[],
  found: Disagreement,
  count: number,
): Promise<void> {
  const crashes = async (...args: Parameters<typeof runOne>) =>
    (await runOne(...args)).judgement.disagreements[0]?.kind === 'crash';
  const still = found.kind === 'crash' ? crashes : isConnected(one) ? stillBlocksOrOpens : stillDisagrees;
  const smallest = values['no-shrink']
    ? one
    : await shrink(one, (smaller) => still(bed, engine, smaller, network, found));
  process.stdout.write(await describe(bed, engine, smallest, network, found, count));
}

async function runWorkers(workers: number): Promise<Total> {
  const share = (n: number) => (n === Number.POSITIVE_INFINITY ? [] : [String(Math.ceil(n / workers))]);
  const totals = await Promise.all(
    Array.from({ length: workers }, (_, i) => {
      const [rulesets, verdicts, seconds] = [share(limit.rulesets), share(limit.verdicts), [values.seconds]];
      const args = ['--worker', '--workers', '1', '--seed', String((seed + i * 100_000_000) % 2 ** 32)];
      if (rulesets[0]) args.push('--rulesets', rulesets[0]);
      else args.push('--rulesets', 'Infinity');
      if (verdicts[0]) args.push('--verdicts', verdicts[0]);
      if (seconds[0]) args.push('--seconds', seconds[0]);
      args.push('--engine', values.engine);
      if (values.mode) args.push('--mode', values.mode);
      for (const flag of ['keep-going', 'no-shrink', 'why'] as const) if (values[flag]) args.push(`--${flag}`);
      return runWorker(args);
    }),
  );
  return totals.reduce((a, b) => ({
    rulesets: a.rulesets + b.rulesets,
    refused: a.refused + b.refused,
    judgement: add(a.judgement, b.judgement),
  }));
}

/** Runs one worker; what it finds is printed at once, its total is its last line. */
function runWorker(args: readonly string[]): Promise<Total> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [import.meta.filename, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    let total: Total | null = null;
    createInterface({ input: child.stdout }).on('line', (line) => {
      if (line.startsWith('{"rulesets"')) total = JSON.parse(line) as Total;
      else console.log(line);
    });
    child.once('error', reject);
    child.once('close', (code) =>
      total === null ? reject(new BedError(`a worker ended with ${code}`)) : resolve(total),
    );
  });
}

async function main(): Promise<void> {
  if (values.help) {
    process.stdout.write(HELP);
    return;
  }
  if (values.worker) {
    const total = await runAlone();
    // addresses of IPv6 are bigints: their number is all that the parent needs
    const disagreements = total.judgement.disagreements.map(() => 0);
    console.log(JSON.stringify({ ...total, judgement: { ...total.judgement, disagreements } }));
    return;
  }
  const started = Date.now();
  const workers = values.record === undefined ? Math.min(Number(values.workers), limit.rulesets) : 1;
  console.log(`seed ${seed}`);
  const { rulesets, refused, judgement } = workers > 1 ? await runWorkers(workers) : await runAlone();
  const seconds = (Date.now() - started) / 1000;
  console.log(
    `${seconds.toFixed(1)} s, ${Math.round(judgement.verdicts / seconds)} verdicts/s; let in ${judgement.admitted}; ` +
      `rulesets that the kernel's tools refused: ${refused}`,
  );
  console.log(closingLine(rulesets, judgement, judgement.disagreements.length));
  if (judgement.disagreements.length > 0) process.exitCode = 1;
  else if (judgement.verdicts === 0) process.exitCode = 2;
}

try {
  await main();
} catch (error) {
  console.error(error instanceof BedError ? `could not run: ${error.message}` : error);
  process.exitCode = 2;
}

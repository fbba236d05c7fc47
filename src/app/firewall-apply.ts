import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { accessSync, constants, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { UserError } from '../model/errors.ts';
import type { RunLock } from '../store/run-lock.ts';
import { uuidv7 } from '../util/uuid.ts';
import type { Context } from './context.ts';
import { type GuardKind, guardOf, guardScript, startGuard } from './firewall-apply-guard.ts';
import { recordRuns, rememberRun } from './firewall-apply-ledger.ts';
import { persistRun, unpersistRun } from './firewall-apply-persist.ts';
import {
  bootId,
  changePhase,
  deadlineOf,
  type FirewallRun,
  makeRunsFolder,
  pruneRuns,
  readRun,
  readRuns,
  runsFolder,
  writeDurably,
} from './firewall-apply-run.ts';
import { OWN_TABLE, replaceScript, restoreScript, whyNotOurs } from './firewall-apply-script.ts';
import { openStateToWrite } from './state.ts';

/** What is to be loaded. */
export interface ApplyRequest {
  /** Script for nft with the whole of our own table, and nothing else. */
  readonly rules: string;
  /** Digest of the plan, of the register; for the record. */
  readonly plan: string;
  readonly register: string;
  readonly mode: string;
  readonly host: string;
  /** Time to confirm. */
  readonly seconds: number;
  /** Asked last, under the lock, just before anything is loaded: throws UserError where the plan does not hold any more. */
  readonly stillHolds: () => Promise<void>;
}

/** Rules that are loaded and wait to be confirmed. */
export interface Applied {
  readonly run: FirewallRun;
  readonly guard: GuardKind;
  /** Why the event is not in the ledger yet; null: it is. */
  readonly notRecorded: string | null;
}

/** Longest that loading may take: thousands of sets on a busy machine. */
const LOAD_MS = 60_000;
const NFT_MS = 30_000;
const ETC = '/etc';

/**
 * Loads rules into our own table in one transaction, with a guard that takes them back unless they are confirmed. At any
 * moment, whatever is killed, the machine has the old rules, or the new ones and a guard. Throws UserError where nothing
 * was loaded.
 */
export async function applyRules(context: Context, request: ApplyRequest): Promise<Applied> {
  needRoot('apply rules');
  // A ledger that cannot be written is said before anything is done.
  await (await openStateToWrite(context)).close();
  const script = replaceScript(request.rules);
  const foreign = whyNotOurs(script);
  if (foreign !== null) throw new UserError(`these rules are not applied: ${foreign}`);
  const nft = findNft(context.env);
  const folder = runsFolder(context.env);
  makeRunsFolder(folder);
  using _lock = await takeLock(folder);
  await settle(context, folder);
  const unrecorded = await recordRuns(context, readRuns(folder));
  if (unrecorded !== null) throw new UserError(`the ledger cannot be written, so nothing was changed: ${unrecorded}`);
  const pending = readRuns(folder).find((run) => run.phase === 'armed');
  if (pending)
    throw new UserError('rules were applied and are not confirmed yet', {
      hint: 'First: quietdoor firewall confirm, or quietdoor firewall rollback',
    });
  const before = await ownTable(nft);
  const restore = restoreScript(before);
  for (const [what, text] of [
    ['the rules', script],
    ['what was there before', restore],
  ] as const) {
    const { code, stderr } = await runNft(nft, ['-c', '-f', '-'], text);
    if (code !== 0)
      throw new UserError(`nft would not load ${what}, so nothing was changed: ${firstLines(stderr)}`, {
        hint: 'This is a fault of the program or an nft too old for it; nft 1.0 or newer is expected.',
      });
  }
  await request.stillHolds();
  const id = uuidv7(context.now(), randomBytes(10));
  const dir = join(folder, id);
  mkdirSync(dir, { mode: 0o700 });
  const facts = {
    ...{ id, plan: request.plan, register: request.register, mode: request.mode, host: request.host },
    ...{ by: context.actor, seconds: request.seconds, state: context.state, bootId: bootId(), nft },
    startedAt: context.now(),
  };
  writeDurably(join(dir, 'restore.nft'), restore);
  writeDurably(join(dir, 'apply.nft'), script);
  writeDurably(join(dir, 'guard.sh'), guardScript({ dir, nft, seconds: request.seconds }));
  writeDurably(join(dir, 'run.json'), JSON.stringify(facts));
  rememberRun(context, facts);
  // From here on the run exists.
  writeDurably(join(dir, 'ready'), '');
  const guard = await startGuard(dir, id, context.env);
  const run = await waitForLoad(dir);
  const notRecorded = await recordRuns(context, readRuns(folder));
  if (run.phase === 'armed' && run.loadedAt !== null) return { run, guard, notRecorded };
  if (run.phase === 'failed')
    throw new UserError(
      `nft did not load the rules, so nothing was changed: ${firstLines(readOr(join(dir, 'load.err')))}`,
    );
  throw new UserError('the rules were taken back at once', {
    hint: 'The guard was told to end. Look at the rules: nft list ruleset',
  });
}

/** Waits until the guard has loaded the rules or has failed to. */
async function waitForLoad(dir: string): Promise<FirewallRun> {
  for (const end = Date.now() + LOAD_MS; ; await sleep(20)) {
    const run = readRun(dir);
    if (run && run.phase !== 'ready' && (run.phase !== 'armed' || run.loadedAt !== null)) return run;
    if (Date.now() < end) continue;
    // Whoever is faster: then the guard will not load, or it has begun to and will take back what it loads.
    if (run === null || (run.phase === 'ready' && changePhase({ dir }, 'ready', 'abandoned')))
      throw new UserError('the guard did not start, so nothing was changed');
    throw new UserError('nft takes too long to load the rules', {
      hint: 'The guard takes them back in time. Look with: quietdoor firewall rollback',
    });
  }
}

/** A run that was confirmed. */
export interface Confirmed {
  readonly run: FirewallRun;
  /** File that the machine loads them from at its next start; null: they hold until it restarts. */
  readonly persisted: string | null;
}

/**
 * Keeps the rules of the run that waits; `persist`: over a restart too, which may also be asked for later. Throws UserError
 * where none waits.
 */
export async function confirmRules(context: Context, persist = false): Promise<Confirmed> {
  needRoot('confirm rules');
  const folder = runsFolder(context.env);
  makeRunsFolder(folder);
  using _lock = await takeLock(folder);
  const run = readRuns(folder).findLast((one) => one.phase === 'armed');
  if (!run || run.loadedAt === null || !changePhase(run, 'armed', 'confirmed')) {
    await settle(context, folder);
    const last = readRuns(folder).at(-1);
    if (persist && last?.phase === 'confirmed') return { run: last, persisted: persistRun(last, ETC) };
    throw new UserError(
      last?.phase === 'rolled-back'
        ? `there is nothing to confirm: the rules were taken back: ${last.because ?? 'nobody confirmed them in time'}`
        : 'there is nothing to confirm: no rules wait for it',
      { hint: 'Apply again: quietdoor firewall apply' },
    );
  }
  writeFileSync(join(run.dir, 'ended-by'), context.actor);
  writeDurably(join(run.dir, 'ended'), seconds(context.now()));
  await recordRuns(context, readRuns(folder));
  const confirmed = readRun(run.dir) ?? run;
  return { run: confirmed, persisted: persist ? persistRun(confirmed, ETC) : null };
}

/** Puts back what was there before the newest run, confirmed or not. Throws UserError where there is nothing to take back. */
export async function rollBackRules(context: Context): Promise<FirewallRun> {
  needRoot('take rules back');
  const folder = runsFolder(context.env);
  makeRunsFolder(folder);
  using _lock = await takeLock(folder);
  const known = new Set(
    readRuns(folder)
      .filter(isOpen)
      .map((run) => run.id),
  );
  await settle(context, folder);
  const runs = readRuns(folder);
  const waiting = runs.findLast((run) => run.phase === 'armed');
  const late = runs.findLast((run) => known.has(run.id) && run.phase === 'rolled-back');
  if (!waiting && late) return late;
  const run = waiting ?? runs.findLast((one) => one.phase === 'confirmed' || one.phase === 'rolled-back');
  if (!run || run.phase === 'rolled-back')
    throw new UserError('there is nothing to take back: no rules were applied since the machine started', {
      hint: `To remove what is there: nft delete table ${OWN_TABLE.family} ${OWN_TABLE.name}`,
    });
  await takeBack(run, `${context.actor} asked for it`, context);
  await recordRuns(context, readRuns(folder));
  return readRun(run.dir) ?? run;
}

/** What `settleOverdue` found. */
export interface Overdue {
  readonly rolledBack: readonly FirewallRun[];
  /** The run that still waits, and until when (UTC milliseconds). */
  readonly waiting: { readonly run: FirewallRun; readonly until: number } | null;
}

/**
 * Finishes what a guard could not: every `quietdoor firewall` command begins with it. Takes back what is overdue or has
 * lost its guard, and writes to the ledger what became of earlier runs. Without root nothing can be seen, and nothing is done.
 */
export async function settleOverdue(context: Context): Promise<Overdue> {
  if (process.platform !== 'linux' || process.geteuid?.() !== 0) return { rolledBack: [], waiting: null };
  const folder = runsFolder(context.env);
  await recordRuns(context, []);
  if (readRuns(folder).length === 0) return { rolledBack: [], waiting: null };
  const lock = await tryLock(folder);
  if (!lock) return { rolledBack: [], waiting: null };
  using _lock = lock;
  const rolledBack = await settle(context, folder);
  const run = readRuns(folder).findLast((one) => one.phase === 'armed');
  return { rolledBack, waiting: run ? { run, until: deadlineOf(run) } : null };
}

/** Under the lock. Returns the runs that were taken back here. */
async function settle(context: Context, folder: string): Promise<readonly FirewallRun[]> {
  const done: FirewallRun[] = [];
  for (const run of readRuns(folder).filter(isOpen)) {
    if (run.phase === 'ready') {
      changePhase(run, 'ready', 'abandoned');
      continue;
    }
    const isOverdue = deadlineOf(run) <= context.now();
    if (run.phase === 'armed' && run.guard !== null && !isOverdue) continue;
    await takeBack(run, isOverdue ? 'they were not confirmed in time' : 'their guard had ended', context);
    done.push(readRun(run.dir) ?? run);
  }
  const runs = readRuns(folder);
  await recordRuns(context, runs);
  pruneRuns(runs);
  return done;
}

function isOpen({ phase }: FirewallRun): boolean {
  return phase === 'ready' || phase === 'armed' || phase === 'rolling-back';
}

/** Puts back what was there before a run. Its guard is ended first, so that nobody does it twice, later, over other rules. */
async function takeBack(run: FirewallRun, because: string, context: Context): Promise<void> {
  if (run.phase === 'confirmed') changePhase(run, 'confirmed', 'rolling-back');
  else if (!changePhase(run, 'armed', 'rolling-back')) await guardFinishes(run);
  await endGuard(run);
  if (readRun(run.dir)?.phase === 'rolled-back') return;
  const script = readFileSync(join(run.dir, 'restore.nft'), 'utf8');
  const { code, stderr } = await runNft(run.nft, ['-f', '-'], script);
  if (code !== 0)
    throw new UserError(`the rules before could not be put back: ${firstLines(stderr)}`, {
      hint: `Try: nft -f ${join(run.dir, 'restore.nft')}`,
    });
  unpersistRun(run);
  writeFileSync(join(run.dir, 'because'), because);
  writeFileSync(join(run.dir, 'ended-by'), context.actor);
  writeDurably(join(run.dir, 'ended'), seconds(context.now()));
  changePhase(run, 'rolling-back', 'rolled-back');
}

/** Gives a guard that is at it the time to finish. */
async function guardFinishes(run: FirewallRun): Promise<void> {
  for (const end = Date.now() + 10_000; Date.now() < end && guardOf(run.dir) !== null; await sleep(20))
    if (readRun(run.dir)?.phase === 'rolled-back') return;
}

async function endGuard(run: FirewallRun): Promise<void> {
  const pid = guardOf(run.dir);
  if (pid === null) return;
  // The guard leads its own group, so nft that it may be running ends with it; a transaction is done whole or not at all.
  for (const target of [-pid, pid])
    try {
      process.kill(target, 'SIGKILL');
    } catch {
      // ended meanwhile, or leads no group
    }
  for (const end = Date.now() + 10_000; Date.now() < end && guardOf(run.dir) !== null; ) await sleep(10);
}

/** Our table as nft prints it; null: there is none. */
async function ownTable(nft: string): Promise<string | null> {
  const tables = await runNft(nft, ['list', 'tables'], '');
  if (tables.code !== 0) throw new UserError(`the rules of this machine cannot be read: ${firstLines(tables.stderr)}`);
  const name = `table ${OWN_TABLE.family} ${OWN_TABLE.name}`;
  if (!tables.stdout.split('\n').includes(name)) return null;
  const { code, stdout, stderr } = await runNft(nft, ['list', 'table', OWN_TABLE.family, OWN_TABLE.name], '');
  if (code !== 0) throw new UserError(`the rules of this machine cannot be read: ${firstLines(stderr)}`);
  return stdout;
}

/** Path of nft; under sudo PATH may lack the places where it lies. Throws UserError where it is not installed. */
export function findNft(env: NodeJS.ProcessEnv): string {
  for (const dir of [...(env.PATH ?? '').split(delimiter), '/usr/sbin', '/sbin', '/usr/local/sbin']) {
    const path = join(dir, 'nft');
    if (!path.startsWith('/')) continue;
    try {
      accessSync(path, constants.X_OK);
      return path;
    } catch {
      // the next one
    }
  }
  throw new UserError('nft is not installed on this machine', { hint: 'For example: apt-get install nftables' });
}

async function runNft(
  nft: string,
  args: readonly string[],
  input: string,
): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(nft, [...args], { stdio: ['pipe', 'pipe', 'pipe'], timeout: NFT_MS, killSignal: 'SIGKILL' });
    const out: Buffer[] = [];
    let stderr = '';
    child.stdout.on('data', (part: Buffer) => out.push(part));
    child.stderr.setEncoding('utf8').on('data', (part: string) => {
      if (stderr.length < 16_384) stderr += part;
    });
    child.stdin.on('error', () => {});
    child.stdin.end(input);
    child.on('error', reject);
    child.on('close', (code) => resolve({ code: code ?? -1, stdout: Buffer.concat(out).toString('utf8'), stderr }));
  });
}

function needRoot(what: string): void {
  if (process.platform !== 'linux') throw new UserError(`this machine cannot ${what}: it is no Linux`);
  if (process.geteuid?.() !== 0) throw new UserError(`only root can ${what}`, { hint: 'Run the same with sudo.' });
}

type Lock = RunLock & Disposable;

async function tryLock(folder: string): Promise<Lock | null> {
  const { takeRunLock } = await import('../store/run-lock.ts');
  const lock = takeRunLock(folder, 'firewall');
  return lock && { release: () => lock.release(), [Symbol.dispose]: () => lock.release() };
}

/** The lock that everything which changes rules holds. Throws UserError where another process has it for long. */
async function takeLock(folder: string): Promise<Lock> {
  for (const end = Date.now() + 10_000; ; await sleep(100)) {
    const lock = await tryLock(folder);
    if (lock) return lock;
    if (Date.now() >= end)
      throw new UserError('another process changes the firewall of this machine now', {
        hint: 'Wait until it is through, then try again.',
      });
  }
}

function firstLines(text: string): string {
  return text.trim().split('\n').slice(0, 3).join(' ').slice(0, 500);
}

function seconds(ms: number): string {
  return `${Math.floor(ms / 1000)}\n`;
}

function readOr(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

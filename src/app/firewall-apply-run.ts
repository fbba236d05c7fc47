import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { UserError } from '../model/errors.ts';
import { guardOf } from './firewall-apply-guard.ts';

/** What became of a run; the name of a file in its folder (see guardScript). */
export const PHASES = ['ready', 'armed', 'failed', 'confirmed', 'rolling-back', 'rolled-back', 'abandoned'] as const;
export type Phase = (typeof PHASES)[number];

const RUN = z.object({
  id: z.string(),
  /** Digest of the plan. */
  plan: z.string(),
  register: z.string(),
  mode: z.string(),
  host: z.string(),
  by: z.string(),
  seconds: z.number(),
  /** State that the plan came from: its ledger gets the events. */
  state: z.string(),
  bootId: z.string(),
  nft: z.string(),
  /** UTC milliseconds. */
  startedAt: z.number(),
});

/** What a run was started with. */
export type RunFacts = z.infer<typeof RUN>;

/** One application of rules, as its folder tells it. */
export interface FirewallRun extends RunFacts {
  readonly dir: string;
  readonly phase: Phase;
  /** UTC milliseconds; null: not loaded, as far as is known. */
  readonly loadedAt: number | null;
  /** UTC milliseconds. */
  readonly endedAt: number | null;
  readonly because: string | null;
  /** Who confirmed it or took it back; null: nobody yet, or the guard on its own. */
  readonly endedBy: string | null;
  readonly guard: number | null;
}

/**
 * Folder of the runs of this network namespace. It lies below /run, which is root's own and empty after a restart, as
 * rules that nobody confirmed are; and it is one per machine, whichever workspace a run came from.
 */
export function runsFolder(env: NodeJS.ProcessEnv): string {
  const namespace = statSync('/proc/self/ns/net').ino;
  return join(env.QUIETDOOR_RUN ?? '/run/quietdoor', 'firewall', String(namespace));
}

/** Changes with every start of the machine. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** Makes the folder of runs; root's alone. Throws UserError where it is somebody else's. */
export function makeRunsFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { uid, mode } = statSync(folder);
  if (uid !== process.getuid?.() || (mode & 0o022) !== 0)
    throw new UserError(`${folder} is not root's alone, so no rules are applied from it`, {
      hint: `Remove it: rm -r ${folder}`,
    });
}

/** Writes a file and waits until it is on the disk. */
export function writeDurably(path: string, text: string): void {
  const file = openSync(path, 'w', 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** Takes a run from one phase to another; false: somebody else was faster. */
export function changePhase(run: { readonly dir: string }, from: Phase, to: Phase): boolean {
  try {
    renameSync(join(run.dir, from), join(run.dir, to));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Every run of a folder, oldest first. What is no whole run is passed over: it never loaded anything. */
export function readRuns(folder: string): readonly FirewallRun[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => /^[0-9a-f-]{36}$/.test(name))
    .sort()
    .flatMap((name) => readRun(join(folder, name)) ?? []);
}

export function readRun(dir: string): FirewallRun | null {
  try {
    const facts = RUN.parse(JSON.parse(readFileSync(join(dir, 'run.json'), 'utf8')));
    const guard = guardOf(dir);
    const phase = PHASES.find((name) => existsSync(join(dir, name)));
    if (phase === undefined) return null;
    return {
      ...facts,
      dir,
      phase,
      guard,
      loadedAt: timeIn(join(dir, 'loaded')),
      endedAt: timeIn(join(dir, 'ended')),
      because: textIn(join(dir, 'because')),
      endedBy: textIn(join(dir, 'ended-by')),
    };
  } catch {
    return null;
  }
}

/** UTC milliseconds until which it can be confirmed. */
export function deadlineOf(run: FirewallRun): number {
  return (run.loadedAt ?? run.startedAt) + run.seconds * 1000;
}

/** Seconds since 1970 in a file, as milliseconds. */
function timeIn(path: string): number | null {
  const text = textIn(path);
  return text !== null && /^\d{1,12}$/.test(text) ? Number(text) * 1000 : null;
}

function textIn(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim().slice(0, 500);
  } catch {
    return null;
  }
}

/** Runs that are over and of no further use: all but the newest few, and never the newest one that was confirmed. */
export function pruneRuns(runs: readonly FirewallRun[]): void {
  const over = runs.filter((run) => !['ready', 'armed', 'rolling-back'].includes(run.phase));
  const lastConfirmed = over.findLast((run) => run.phase === 'confirmed');
  for (const run of over.slice(0, -5)) if (run !== lastConfirmed) rmSync(run.dir, { recursive: true, force: true });
}

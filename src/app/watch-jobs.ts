import { type ChildProcess, spawn } from 'node:child_process';
import { packageFile } from '../util/package-root.ts';
import type { Context } from './context.ts';

/** Something that a watch has done again and again by a process of this program. */
export interface WatchJob {
  readonly name: string;
  readonly args: readonly string[];
  readonly everyMs: number;
  /** First time after the start. */
  readonly afterMs: number;
  /** Once more when the watch ends. */
  readonly atStop: boolean;
  /** Exit codes that are no failure. */
  readonly fine: readonly number[];
}

/** How a run ended. */
export interface JobEnd {
  readonly job: WatchJob;
  /** Null where a signal ended it, or it took too long. */
  readonly exit: number | null;
  /** The end of what it wrote to standard error, one line. */
  readonly said: string;
  readonly startedAt: number;
  readonly finishedAt: number;
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;

/** What is done beside watching. One line here makes one more. */
export function watchJobs(wanted: { readonly checkpoint: boolean; readonly schedule: boolean }): readonly WatchJob[] {
  const job = (name: string, args: string, rest: Partial<WatchJob>): WatchJob => ({
    ...{ name, args: args.split(' '), everyMs: HOUR_MS, afterMs: MINUTE_MS, atStop: false, fine: [0] },
    ...rest,
  });
  return [
    ...(wanted.checkpoint ? [job('checkpoint', 'ledger checkpoint -q', { afterMs: HOUR_MS, atStop: true })] : []),
    // The runs of the schedule write down themselves how they ended; findings and gaps are no failure.
    ...(wanted.schedule ? [job('schedule', 'scan due -q', { everyMs: MINUTE_MS, afterMs: 0, fine: [0, 1, 3] })] : []),
    // Only while the register configures alerts: src/app/watch.ts asks each time.
    job('alerts', 'alerts run -q', { everyMs: 5 * MINUTE_MS, afterMs: MINUTE_MS / 4, fine: [0, 1, 3] }),
  ];
}

/** A scan that learns which versions of packages are on offer: reading the lists of a distribution takes memory. */
export function versionsJob(hashes: boolean): WatchJob {
  const args = ['scan', '-q', ...(hashes ? [] : ['--no-hashes'])];
  return { name: 'versions', args, everyMs: 10 * MINUTE_MS, afterMs: 0, atStop: false, fine: [0, 1, 3] };
}

/** Longest that a run may take; the scheduled scans of an estate take hours. */
const TIMEOUT_MS = 12 * HOUR_MS;
const MAX_SAID = 2_000;

/**
 * Runs a job as a process of its own, so that its memory goes with it and watching goes on. It ends when this process does:
 * its channel to this one closes (src/cli/main.ts). Never throws.
 */
export function runJob(context: Context, job: WatchJob, signal?: AbortSignal): Promise<JobEnd> {
  const startedAt = context.now();
  const child: ChildProcess = spawn(process.execPath, [packageFile('bin/quietdoor.js'), ...job.args], {
    cwd: context.workspace,
    env: { ...context.env, QUIETDOOR_WORKSPACE: context.workspace, QUIETDOOR_STATE: context.state, QUIETDOOR_DUE: '1' },
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    // Ctrl-C in a terminal goes to a whole group; what is being written is to come to its end.
    detached: true,
  });
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = (said + text).slice(-MAX_SAID);
  });
  const end = () => child.kill('SIGTERM');
  const timer = setTimeout(end, TIMEOUT_MS);
  timer.unref();
  signal?.addEventListener('abort', end, { once: true });
  return new Promise((resolve) => {
    const done = (exit: number | null, words: string) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      const line = words.trim().split('\n').at(-1) ?? '';
      resolve({ job, exit, said: line, startedAt, finishedAt: context.now() });
    };
    child.on('error', (error) => done(null, error.message));
    child.on('close', (exit) => done(exit, said));
  });
}

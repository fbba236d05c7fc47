import { spawn } from 'node:child_process';
import type { RegisterProblem } from '../model/register.ts';
import type { ScheduleItem, ScheduleState } from '../model/schedule.ts';
import { isDue } from '../model/schedule-state.ts';
import { packageFile } from '../util/package-root.ts';
import type { Context } from './context.ts';
import { keepRegister, loadRegister } from './load-register.ts';
import { loadSchedule } from './schedule.ts';
import { openStateToWrite, withStateToRead } from './state.ts';

/** What is told of the way. */
export type DueProgress =
  | { readonly kind: 'begins'; readonly item: ScheduleItem }
  | { readonly kind: 'ended'; readonly item: ScheduleItem; readonly exit: number; readonly ms: number }
  /** Another process runs it now, or ran it while this one waited. */
  | { readonly kind: 'elsewhere'; readonly item: ScheduleItem };

export interface DueResult {
  /** Items that ran, in the order of the schedule, with their exit codes. */
  readonly ran: readonly { readonly name: string; readonly exit: number }[];
  /** The worst of the exit codes: 2 before 1 before 3 before 0; 130 where a run was interrupted. */
  readonly exit: number;
}

export interface ScheduleNow {
  readonly states: readonly ScheduleState[];
  /** Errors of the config: an item among them is not in the schedule. */
  readonly problems: readonly RegisterProblem[];
}

/** Every item of the schedule with what became of it, as of now. Reads only. */
export async function scheduleNow(context: Context): Promise<ScheduleNow> {
  return withStateToRead(context, async (store) => {
    const workspace = await loadRegister(context, store);
    const configs = new Set(workspace.files.filter((file) => file.kind === 'config').map((file) => file.path));
    const problems = workspace.register.problems.filter((p) => p.severity === 'error' && configs.has(p.at.file));
    return { states: (await loadSchedule(store, workspace, context.now())) ?? [], problems };
  });
}

/**
 * Runs what the schedule says is due, one after the other in its order, each as a process of this program in the
 * workspace, and writes down what became of it. What another process runs is left to it. An interrupted run is not
 * written down and stays due. Throws UserError where the workspace or the store cannot be used.
 */
export async function runDue(context: Context, report: (progress: DueProgress) => void): Promise<DueResult> {
  const { takeRunLock } = await import('../store/run-lock.ts');
  const ran: { name: string; exit: number }[] = [];
  for (const { item } of (await recordedSchedule(context)).filter(isDue)) {
    const lock = takeRunLock(context.state, item.name);
    try {
      // Another process may have run it since the schedule was read.
      const state = lock && (await scheduleNow(context)).states.find((one) => one.item.name === item.name);
      if (!state || !isDue(state)) {
        report({ kind: 'elsewhere', item });
        continue;
      }
      report({ kind: 'begins', item });
      const started = context.now();
      const exit = await runItem(context, item);
      const finished = context.now();
      report({ kind: 'ended', item, exit, ms: finished - started });
      ran.push({ name: item.name, exit });
      if (exit === INTERRUPTED) break;
      await recordRun(context, item, { started, finished, exit });
    } finally {
      lock?.release();
    }
  }
  return { ran, exit: worstOf(ran.map((run) => run.exit)) };
}

const INTERRUPTED = 130;

/** The schedule, after the config that it stands in was kept: from then on a time that passes without a run is missed. */
async function recordedSchedule(context: Context): Promise<readonly ScheduleState[]> {
  await using store = await openStateToWrite(context);
  const workspace = await loadRegister(context, store, true);
  await keepRegister(context, store, workspace);
  return (await loadSchedule(store, workspace, context.now())) ?? [];
}

async function recordRun(
  context: Context,
  { name, cron, timeZone, run }: ScheduleItem,
  outcome: { readonly started: number; readonly finished: number; readonly exit: number },
): Promise<void> {
  await using store = await openStateToWrite(context);
  const body = { ...outcome, cron, timeZone, run };
  const observedAt = outcome.finished;
  const { actor } = context;
  await store.appendEvents([{ type: 'schedule.ran', observedAt, actor, subject: name, body }], observedAt);
}

/**
 * Runs one item without a shell; what it prints goes to standard error. It ends when this process does: its channel to
 * this one closes (src/cli/main.ts).
 */
function runItem(context: Context, { run }: ScheduleItem): Promise<number> {
  const child = spawn(process.execPath, [packageFile('bin/quietdoor.js'), ...run], {
    cwd: context.workspace,
    env: { ...context.env, QUIETDOOR_WORKSPACE: context.workspace, QUIETDOOR_STATE: context.state, QUIETDOOR_DUE: '1' },
    stdio: ['ignore', 2, 2, 'ipc'],
  });
  return new Promise((resolve) => {
    child.on('error', () => resolve(2));
    child.on('exit', (code, signal) =>
      resolve(signal === 'SIGINT' || signal === 'SIGTERM' ? INTERRUPTED : (code ?? 2)),
    );
  });
}

/** Exit codes from the best to the worst; one that is not here is a failure. */
const ORDER = [0, 3, 1, 2, INTERRUPTED];

function worstOf(exits: readonly number[]): number {
  const ranks = exits.map((exit) => (ORDER.includes(exit) ? ORDER.indexOf(exit) : ORDER.indexOf(2)));
  return ORDER[Math.max(0, ...ranks)] as number;
}

import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UserError } from '../model/errors.ts';
import type { EventDraft } from '../model/event.ts';
import type { Context } from './context.ts';
import { bootId, type FirewallRun, type RunFacts } from './firewall-apply-run.ts';
import { writeStateFile } from './firewall-apply-state-file.ts';
import { openStateToWrite } from './state.ts';

/** The run of this state of which not everything is in the ledger yet; also after a restart, when /run is empty. */
interface Memory {
  readonly facts: RunFacts;
  readonly applied: boolean;
}

function memoryFile(context: Context): string {
  return join(context.state, 'firewall-run.json');
}

/** Remembers a run before anything is loaded, so that what becomes of it reaches the ledger whatever happens. */
export function rememberRun(context: Context, facts: RunFacts): void {
  write(context, { facts, applied: false });
}

function write(context: Context, memory: Memory): void {
  writeStateFile(context.state, memoryFile(context), JSON.stringify(memory));
}

function read(context: Context): Memory | null {
  try {
    const memory = JSON.parse(readFileSync(memoryFile(context), 'utf8')) as Memory;
    return typeof memory?.facts?.id === 'string' ? memory : null;
  } catch {
    return null;
  }
}

/** As `writeRuns`; null, or why it could not be written now. It is remembered, and written by a later command. */
export async function recordRuns(context: Context, runs: readonly FirewallRun[]): Promise<string | null> {
  try {
    await writeRuns(context, runs);
    return null;
  } catch (error) {
    if (error instanceof UserError) return error.message;
    throw error;
  }
}

/**
 * Writes to the ledger what happened to the run that this state remembers, and what happened to one after it was
 * confirmed. `runs`: those of this machine, as their folders tell. Nothing is written twice.
 */
async function writeRuns(context: Context, runs: readonly FirewallRun[]): Promise<void> {
  const memory = read(context);
  const drafts: EventDraft[] = [];
  const after: (() => void)[] = [];
  if (memory) {
    const { facts } = memory;
    const run = runs.find((one) => one.id === facts.id);
    const isBefore = facts.bootId !== bootId();
    const wasLoaded = run ? run.loadedAt !== null : isBefore;
    if (!memory.applied && wasLoaded) {
      drafts.push(draft('firewall.applied', facts, run?.loadedAt ?? facts.startedAt));
      after.push(() => write(context, { facts, applied: true }));
    }
    const forget = () => rmSync(memoryFile(context), { force: true });
    if (isBefore) {
      drafts.push(
        draft('firewall.rolled-back', facts, context.now(), 'the machine was started again before they were confirmed'),
      );
      after.push(forget);
    } else if (run?.phase === 'confirmed') {
      drafts.push(draft('firewall.confirmed', { ...facts, by: run.endedBy ?? facts.by }, run.endedAt ?? context.now()));
      after.push(forget, () => mark(run, 'confirmed'));
    } else if (run?.phase === 'rolled-back') {
      if (run.loadedAt !== null)
        drafts.push(draft('firewall.rolled-back', rolledBack(run), run.endedAt ?? context.now(), run.because));
      after.push(forget, () => mark(run, 'rolled-back'));
    } else if (run?.phase === 'failed' || run?.phase === 'abandoned') after.push(forget);
  }
  // Taken back after it was confirmed: the memory of it is gone by then.
  for (const run of runs)
    if (
      run.state === context.state &&
      run.phase === 'rolled-back' &&
      existsSync(join(run.dir, 'told-confirmed')) &&
      !existsSync(join(run.dir, 'told-rolled-back'))
    ) {
      drafts.push(draft('firewall.rolled-back', rolledBack(run), run.endedAt ?? context.now(), run.because));
      after.push(() => mark(run, 'rolled-back'));
    }
  if (drafts.length > 0) {
    await using store = await openStateToWrite(context);
    await store.appendEvents(drafts, context.now());
  }
  for (const done of after) done();
}

/** Whoever asked for it, else the guard on its own. */
function rolledBack(run: FirewallRun): RunFacts {
  return { ...run, by: run.endedBy ?? 'firewall-guard' };
}

function mark(run: FirewallRun, what: 'confirmed' | 'rolled-back'): void {
  writeFileSync(join(run.dir, `told-${what}`), '');
}

function draft(
  type: EventDraft['type'],
  facts: RunFacts,
  observedAt: number,
  because: string | null = null,
): EventDraft {
  const { id, plan, register, mode, by, seconds, host } = facts;
  return {
    type,
    observedAt,
    actor: by,
    subject: host,
    body: {
      run: id,
      plan,
      register,
      mode,
      by,
      minutes: Math.round(seconds / 6) / 10,
      ...(because === null ? {} : { because }),
    },
  };
}

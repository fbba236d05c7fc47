import type { Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { progress, renderOptions, writeResult } from '../../output.ts';

export interface DueFlags extends OutputOptions, PlaceOptions {
  readonly dryRun?: boolean;
}

export function define(parent: Command): void {
  const summary = 'run what the schedule of quietdoor.yaml says is due ("scan --due" does the same)';
  const command = parent
    .command('due')
    .summary(summary)
    .description(`${summary}. One after the other; what the runs print goes to standard error.`)
    .option('--dry-run', 'only list the items with their last run and the next time')
    .action(scanDue);
  withPlace(command);
  withOutput(command, ['table', 'json']);
  withExamples(command, [
    ['quietdoor scan --due', 'what a timer calls every few minutes'],
    ['quietdoor scan --due --dry-run', 'what is due, what ran last and how it ended'],
  ]);
}

/** Runs what is due, or lists the schedule; sets the exit code to the worst of the runs. */
export async function scanDue(flags: DueFlags): Promise<void> {
  const { formatPosition, UserError } = await import('../../../model/errors.ts');
  const { openContext } = await import('../../../app/context.ts');
  const { runDue, scheduleNow } = await import('../../../app/run-due.ts');
  const { printable } = await import('../../../reports/printable.ts');
  const { renderSchedule } = await import('../../../reports/schedule.ts');
  const context = openContext(flags);
  if (flags.format !== 'table' && flags.format !== 'json')
    throw new UserError(`a schedule cannot be written as ${flags.format}`, { hint: 'Formats: table, json.' });
  const { states, problems } = await scheduleNow(context);
  for (const problem of problems) progress({}, printable(`${formatPosition(problem.at)}: ${problem.message}`));
  if (states.length === 0)
    throw new UserError('the workspace has no schedule', {
      hint: 'Write one into quietdoor.yaml under schedule: (docs/how-to/schedule.md).',
    });
  if (!flags.dryRun) {
    const { exit } = await runDue(context, (step) => {
      const name = step.item.name;
      if (step.kind === 'begins') progress(flags, `${name}: quietdoor ${printable(step.item.run.join(' '))}`);
      else if (step.kind === 'elsewhere') progress(flags, `${name}: another process runs it`);
      else progress(flags, `${name}: exit code ${step.exit} after ${Math.round(step.ms / 1000)} s`);
    });
    process.exitCode = exit;
  }
  // An item that could not be read did not run.
  if (problems.length > 0 && process.exitCode !== EXIT.interrupted) process.exitCode = EXIT.failed;
  const after = flags.dryRun ? states : (await scheduleNow(context)).states;
  await writeResult(renderSchedule(after, flags.format, renderOptions(flags)), flags);
}

import type { Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { progress, renderOptions, writeResult } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'look for trouble, tell who is to be told, send what waits';
  const command = parent
    .command('run')
    .summary(summary)
    .description(
      `${summary}. Exit code 3 where a message could not be sent yet, 2 where a channel is wrong. The first run tells of what is there already in one summary.`,
    )
    .action(async (flags: OutputOptions & PlaceOptions) => {
      const { openContext } = await import('../../../app/context.ts');
      const { runAlerts } = await import('../../../app/alerts-run.ts');
      const { formatPosition } = await import('../../../model/errors.ts');
      const { renderAlertsRun } = await import('../../../reports/alerts-run.ts');
      const { printable } = await import('../../../reports/printable.ts');
      const run = await runAlerts(openContext(flags));
      if (!run) {
        progress(flags, 'another process runs it; nothing was done here');
        return;
      }
      for (const { at, message, hint } of run.problems)
        progress({}, printable(`${formatPosition(at)}: ${message}${hint === undefined ? '' : ` (${hint})`}`));
      for (const [channel, error] of run.errors) progress({}, printable(`${channel}: ${error}`));
      await writeResult(renderAlertsRun(run, flags.format, renderOptions(flags)), flags);
      if (run.problems.length > 0) process.exitCode = EXIT.failed;
      else if (run.errors.size > 0 || run.nobody > 0) process.exitCode = EXIT.gaps;
    });
  withPlace(command);
  withOutput(command, ['table', 'json']);
  withExamples(command, [
    ['quietdoor alerts run', 'from a timer, every few minutes'],
    ['quietdoor alerts run --format json', 'what was raised and sent, for another program'],
  ]);
}

import type { Command } from 'commander';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'every ticket: what it allows, where and when';
  const command = parent
    .command('list', { isDefault: true })
    .summary(summary)
    .description(summary)
    .action(async (flags: OutputOptions & PlaceOptions) => {
      const { openContext } = await import('../../../app/context.ts');
      const { listTickets } = await import('../../../app/changes.ts');
      const { renderTickets } = await import('../../../reports/tickets.ts');
      await writeResult(
        renderTickets(await listTickets(openContext(flags)), flags.format, renderOptions(flags)),
        flags,
      );
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'csv']);
  withExamples(command, [
    ['quietdoor changes', 'for people'],
    ['quietdoor changes list --format csv', 'for a spreadsheet'],
  ]);
}

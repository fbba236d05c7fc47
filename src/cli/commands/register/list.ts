import type { Command } from 'commander';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'every entry with owner, ports and approval state';
  const command = parent
    .command('list')
    .summary(summary)
    .description(summary)
    .action(async (flags: OutputOptions & PlaceOptions) => {
      const { openContext } = await import('../../../app/context.ts');
      const { listRegister } = await import('../../../app/list-register.ts');
      const { renderRegister } = await import('../../../reports/register-list.ts');
      const { register, approvals, now } = await listRegister(openContext(flags));
      await writeResult(renderRegister(register, approvals, now, flags.format, renderOptions(flags)), flags);
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'csv']);
  withExamples(command, [
    ['quietdoor register list', 'for people'],
    ['quietdoor register list --format csv -o register.csv', 'for a spreadsheet'],
  ]);
}

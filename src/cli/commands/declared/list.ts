import type { Command } from 'commander';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'every port that a deployment file or security plan declares';
  const command = parent
    .command('list', { isDefault: true })
    .summary(summary)
    .description(summary)
    .action(async (flags: OutputOptions & PlaceOptions) => {
      const { openContext } = await import('../../../app/context.ts');
      const { listDeclarations } = await import('../../../app/declare.ts');
      const { renderDeclarations } = await import('../../../reports/declarations.ts');
      const lists = await listDeclarations(openContext(flags));
      await writeResult(renderDeclarations(lists, flags.format, renderOptions(flags)), flags);
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'csv']);
  withExamples(command, [['quietdoor declared list --format csv', 'for a spreadsheet']]);
}

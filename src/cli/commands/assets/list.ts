import type { Command } from 'commander';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'every asset, the host that it was observed as, and when';
  const command = parent
    .command('list', { isDefault: true })
    .summary(summary)
    .description(summary)
    .action(async (flags: OutputOptions & PlaceOptions) => {
      const { asOf, openContext } = await import('../../../app/context.ts');
      const { listAssets } = await import('../../../app/assets.ts');
      const { renderAssets } = await import('../../../reports/assets.ts');
      const context = openContext(flags);
      const standings = await listAssets(context);
      await writeResult(renderAssets(standings, asOf(context), flags.format, renderOptions(flags)), flags);
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'csv']);
  withExamples(command, [
    ['quietdoor assets', 'what is known, and what nobody looked at'],
    ['quietdoor assets list --format csv', 'for a spreadsheet'],
  ]);
}

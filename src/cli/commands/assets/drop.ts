import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'forget what a source lists (the ledger keeps that it was imported)';
  const command = parent
    .command('drop')
    .summary(summary)
    .description(summary)
    .argument('<source>', 'the list, as "quietdoor assets" names it')
    .action(async (source: string, flags: PlaceOptions) => {
      const { openContext } = await import('../../../app/context.ts');
      const { dropAssets } = await import('../../../app/assets.ts');
      progress({}, `forgot the assets of ${await dropAssets(openContext(flags), source)}`);
    });
  withPlace(command);
  withExamples(command, [['quietdoor assets drop cmdb-2025.csv', 'the inventory moved elsewhere']]);
}

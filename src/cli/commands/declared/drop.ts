import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'forget what a file declares (the ledger keeps that it was declared)';
  const command = parent
    .command('drop')
    .summary(summary)
    .description(summary)
    .argument('<source>', 'the file, as "quietdoor declared" names it')
    .action(async (source: string, flags: PlaceOptions) => {
      const { openContext } = await import('../../../app/context.ts');
      const { dropDeclarations } = await import('../../../app/declare.ts');
      progress({}, `forgot what ${await dropDeclarations(openContext(flags), source)} declares`);
    });
  withPlace(command);
  withExamples(command, [['quietdoor declared drop deploy/compose.yaml', 'the file is gone, or no longer deployed']]);
}

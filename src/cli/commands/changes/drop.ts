import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'forget the tickets of a source (the ledger keeps that they were imported)';
  const command = parent
    .command('drop')
    .summary(summary)
    .description(summary)
    .argument('<source>', 'the list, as "quietdoor changes" names it')
    .action(async (source: string, flags: PlaceOptions) => {
      const { openContext } = await import('../../../app/context.ts');
      const { dropTickets } = await import('../../../app/changes.ts');
      progress({}, `forgot the tickets of ${await dropTickets(openContext(flags), source)}`);
    });
  withPlace(command);
  withExamples(command, [['quietdoor changes drop changes-2025.csv', 'they are of no use any more']]);
}

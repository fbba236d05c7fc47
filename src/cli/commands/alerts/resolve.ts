import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'say that it is over; it opens again if something new joins, or if it is still there a day later';
  const command = parent
    .command('resolve')
    .summary('say that it is over')
    .description(summary)
    .argument('<id>', 'its short name, e.g. Q-7K3M2')
    .requiredOption('--note <text>', 'what it was and what was done, for the record')
    .action(async (id: string, flags: PlaceOptions & { readonly note: string }) => {
      const { openContext } = await import('../../../app/context.ts');
      const { actOnAlert } = await import('../../../app/alerts-act.ts');
      const { printable } = await import('../../../reports/printable.ts');
      const record = await actOnAlert(openContext(flags), id, { verb: 'resolve', note: flags.note });
      progress({}, printable(`${record.id} resolved by ${record.by}: ${record.title}`));
    });
  withPlace(command);
  withExamples(command, [['quietdoor alerts resolve Q-7K3M2 --note "the rule was narrowed, CHG-4830"', 'it is over']]);
}

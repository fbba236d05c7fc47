import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'say that you have it: no reminders; it stays until you resolve it, and speaks up if it gets worse';
  const command = parent
    .command('ack')
    .summary('say that you have it')
    .description(summary)
    .argument('<id>', 'its short name, e.g. Q-7K3M2')
    .requiredOption('--note <text>', 'what you are doing about it, for the record')
    .action(async (id: string, flags: PlaceOptions & { readonly note: string }) => {
      const { openContext } = await import('../../../app/context.ts');
      const { actOnAlert } = await import('../../../app/alerts-act.ts');
      const { printable } = await import('../../../reports/printable.ts');
      const record = await actOnAlert(openContext(flags), id, { verb: 'ack', note: flags.note });
      progress({}, printable(`${record.id} acknowledged by ${record.by}: ${record.title}`));
    });
  withPlace(command);
  withExamples(command, [['quietdoor alerts ack Q-7K3M2 --note "looking at the new deployment"', 'you have it']]);
}

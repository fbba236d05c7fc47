import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress } from '../../output.ts';

interface SnoozeFlags extends PlaceOptions {
  readonly until: string;
  readonly note?: string;
}

export function define(parent: Command): void {
  const summary = 'say nothing of it until a time; then it is told again if it is still there';
  const command = parent
    .command('snooze')
    .summary('say nothing of it until a time')
    .description(summary)
    .argument('<id>', 'its short name, e.g. Q-7K3M2')
    .requiredOption('--until <time>', '4h, 2d from now, or an ISO 8601 time')
    .option('--note <text>', 'why, for the record')
    .action(async (id: string, { until, note = '', ...flags }: SnoozeFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { actOnAlert } = await import('../../../app/alerts-act.ts');
      const { printable } = await import('../../../reports/printable.ts');
      const action = { verb: 'snooze', until, note: note === '' ? null : note } as const;
      const record = await actOnAlert(openContext(flags), id, action);
      const time = new Date(record.snoozedUntil ?? 0).toISOString();
      progress({}, printable(`${record.id} snoozed until ${time} by ${record.by}: ${record.title}`));
    });
  withPlace(command);
  withExamples(command, [['quietdoor alerts snooze Q-7K3M2 --until 4h', 'not before the deployment is through']]);
}

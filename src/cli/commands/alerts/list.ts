import { type Command, Option } from 'commander';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';
import { readLimit } from './read-limit.ts';

interface ListFlags extends OutputOptions, PlaceOptions {
  readonly only?: string;
  readonly owner?: string;
  readonly limit: string;
}

export function define(parent: Command): void {
  const summary = 'alerts that are not resolved, the newest first';
  const command = parent
    .command('list', { isDefault: true })
    .summary(summary)
    .description(summary)
    .addOption(
      new Option('--only <state>', 'only this state').choices(['open', 'acknowledged', 'snoozed', 'resolved', 'all']),
    )
    .option('--owner <name>', 'only those of ports of this owner')
    .option('--limit <n>', 'at most so many', '200')
    .action(async (flags: ListFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { listAlerts } = await import('../../../app/alerts-list.ts');
      const { renderIncidents } = await import('../../../reports/incidents.ts');
      const context = openContext(flags);
      const { only: state, owner } = flags;
      const list = await listAlerts(context, {
        ...(state !== undefined && { state }),
        ...(owner !== undefined && { owner }),
        limit: readLimit(flags.limit),
      });
      await writeResult(renderIncidents(list, context.now(), flags.format, renderOptions(flags)), flags);
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'jsonl', 'csv']);
  withExamples(command, [
    ['quietdoor alerts', 'what is open, acknowledged or snoozed'],
    ['quietdoor alerts list --owner team-orders', 'of the ports of one owner'],
    ['quietdoor alerts list --only all --format csv', 'everything there ever was'],
  ]);
}

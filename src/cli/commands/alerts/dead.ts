import type { Command } from 'commander';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { progress, renderOptions, writeResult } from '../../output.ts';

interface DeadFlags extends OutputOptions, PlaceOptions {
  readonly retry?: boolean;
  readonly channel?: string;
}

export function define(parent: Command): void {
  const summary = 'messages that could not be delivered, with the reason';
  const command = parent
    .command('dead')
    .summary(summary)
    .description(`${summary}. They are kept until they are sent again.`)
    .option('--channel <name>', 'only of this channel')
    .option('--retry', 'put them back: the next "alerts run" sends them')
    .action(async (flags: DeadFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { deadAlerts, retryDead } = await import('../../../app/alerts-dead.ts');
      const { renderDead } = await import('../../../reports/incidents.ts');
      const context = openContext(flags);
      if (flags.retry) {
        progress({}, `put back: ${await retryDead(context, flags.channel)} (quietdoor alerts run sends them)`);
        return;
      }
      const dead = await deadAlerts(context, flags.channel);
      await writeResult(renderDead(dead, flags.format, renderOptions(flags)), flags);
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'jsonl', 'csv']);
  withExamples(command, [
    ['quietdoor alerts dead', 'what nobody was told, and why'],
    ['quietdoor alerts dead --retry', 'the channel works again'],
  ]);
}

import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'send a test message through a channel, and say what became of it';
  const command = parent
    .command('test')
    .summary(summary)
    .description(summary)
    .argument('<channel>', 'name of the channel under alerts.channels')
    .option('--to <email>', 'address, for a channel that writes to each owner')
    .action(async (name: string, flags: PlaceOptions & { readonly to?: string }) => {
      const { openContext } = await import('../../../app/context.ts');
      const { testChannel } = await import('../../../app/alerts-test.ts');
      const { channel, kind, ms } = await testChannel(openContext(flags), name, flags.to);
      progress({}, `${channel} (${kind}) took the test message within ${ms} ms`);
    });
  withPlace(command);
  withExamples(command, [['quietdoor alerts test soc', 'is what is written about it in quietdoor.yaml right?']]);
}

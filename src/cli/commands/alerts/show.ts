import type { Command } from 'commander';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'one alert: its causes, why it is that severe, who was told';
  const command = parent
    .command('show')
    .summary(summary)
    .description(summary)
    .argument('<id>', 'its short name, e.g. Q-7K3M2')
    .action(async (id: string, flags: OutputOptions & PlaceOptions) => {
      const { openContext } = await import('../../../app/context.ts');
      const { showAlert } = await import('../../../app/alerts-list.ts');
      const { renderIncident } = await import('../../../reports/incidents.ts');
      const shown = await showAlert(openContext(flags), id);
      await writeResult(renderIncident(shown, flags.format, renderOptions(flags)), flags);
    });
  withPlace(command);
  withOutput(command, ['table', 'json']);
  withExamples(command, [['quietdoor alerts show Q-7K3M2', 'everything known of it']]);
}

import type { Command } from 'commander';
import { withExamples, withOutput, withPlace } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';
import { type AnomalyFlags, withAnomalyOptions } from './anomalies.ts';

export function define(parent: Command): void {
  const summary = 'show what would have been raised on the flows that are kept';
  const command = parent
    .command('backtest')
    .summary(summary)
    .description(
      `${summary}: every day is judged by what was known before it. Tells how many cards a day that makes, and which.`,
    )
    .option('--from <time>', 'first day to judge; default: two weeks after the first flow')
    .option('--to <time>', 'not after; default: the last flow')
    .action(async (flags: AnomalyFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { findAnomalies } = await import('../../../app/flows-anomalies.ts');
      const { renderBacktest } = await import('../../../reports/backtest.ts');
      const found = await findAnomalies(openContext(flags), {
        ...{ from: flags.from, to: flags.to, endpoint: flags.endpoint, kinds: flags.kind ?? [], defaultDays: null },
      });
      await writeResult(renderBacktest(found, flags.format, renderOptions(flags)), flags);
    });
  withAnomalyOptions(command);
  withPlace(command);
  withOutput(command, ['table', 'json', 'jsonl', 'csv']);
  withExamples(command, [
    ['quietdoor flows backtest', 'all that can be judged'],
    ['quietdoor flows backtest --from 14d', 'the last two weeks'],
    ['quietdoor flows backtest -f json', 'the cards, as "flows anomalies" writes them'],
  ]);
}

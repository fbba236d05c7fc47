import type { Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';

interface FlowFeedFlags extends OutputOptions, PlaceOptions {
  readonly from?: string;
  readonly to?: string;
}

export function define(parent: Command): void {
  const command = parent
    .command('feeds')
    .summary('where flows come from, and what is missing')
    .description('Shows every feed: when it delivered last, which share of the time it covered, its gaps and losses.')
    .option('--from <time>', 'the time looked at begins: 24h, 7d, or an ISO 8601 time; default: 7d')
    .option('--to <time>', 'the time looked at ends')
    .action(async (flags: FlowFeedFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { flowFeeds } = await import('../../../app/flows-feeds.ts');
      const { renderFeeds } = await import('../../../reports/flows-kept.ts');
      const context = openContext(flags);
      const { damaged, ...found } = await flowFeeds(context, { from: flags.from, to: flags.to });
      for (const line of damaged) process.stderr.write(`${line}\n`);
      await writeResult(renderFeeds(found, flags.format, context.now(), renderOptions(flags)), flags);
      if (damaged.length > 0) process.exitCode = EXIT.gaps;
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'jsonl', 'csv']);
  withExamples(command, [
    ['quietdoor flows feeds', 'the last week'],
    ['quietdoor flows feeds --from 2026-09-01 --to 2026-10-01 -f json', 'every gap of a month'],
  ]);
}

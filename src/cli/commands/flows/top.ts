import { type Command, Option } from 'commander';
import { TOP_KEYS, TOP_MEASURES, type TopKey, type TopMeasure } from '../../../model/flow-top.ts';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';

interface FlowTopFlags extends OutputOptions, PlaceOptions {
  readonly by: TopKey;
  readonly sort: TopMeasure;
  readonly from?: string;
  readonly to?: string;
  readonly source: readonly string[];
  readonly destination: readonly string[];
  readonly endpoint?: string;
  readonly port?: string;
  readonly action?: 'accepted' | 'denied';
  readonly limit: string;
}

export function define(parent: Command): void {
  const command = parent
    .command('top')
    .summary('who talks most, to what')
    .description('Adds kept flows up by source, destination, port, endpoint, pair or feed, and shows the largest.')
    .addOption(new Option('--by <what>', 'what to add up by').choices([...TOP_KEYS]).default('endpoint'))
    .addOption(new Option('--sort <by>', 'the most of this first').choices([...TOP_MEASURES]).default('connections'))
    .option('--from <time>', 'not older than: 24h, 7d, or an ISO 8601 time; default: all that is kept')
    .option('--to <time>', 'before this time')
    .addOption(repeated('--source <host>', 'only from this address, or host that is known'))
    .addOption(repeated('--destination <host>', 'only to this address, or host that is known'))
    .option('--endpoint <endpoint>', 'only to this host or port: db-1, db-1:5432, 10.20.0.5:5432/tcp')
    .option('--port <port>', 'only this port: 443 or 443/tcp')
    .addOption(new Option('--action <action>', 'only what was accepted, or denied').choices(['accepted', 'denied']))
    .option('--limit <n>', 'at most so many', '20')
    .action(async (flags: FlowTopFlags) => {
      const { openContext } = await import('../../../app/context.ts');
      const { topFlows } = await import('../../../app/flows-top.ts');
      const { renderTop } = await import('../../../reports/flows-kept.ts');
      const { sort: measure, by, from, to, source, destination, endpoint, port, action, limit } = flags;
      const query = { by, measure, from, to, source, destination, endpoint, port, action, limit };
      const { top, damaged } = await topFlows(openContext(flags), query);
      for (const line of damaged) process.stderr.write(`${line}\n`);
      await writeResult(renderTop(top, flags.format, renderOptions(flags)), flags);
      if (damaged.length > 0) process.exitCode = EXIT.gaps;
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'jsonl', 'csv']);
  withExamples(command, [
    ['quietdoor flows top', 'the busiest endpoints of all that is kept'],
    ['quietdoor flows top --by source --port 5432/tcp --from 7d', 'who used a port in the last week'],
    ['quietdoor flows top --by source --endpoint db-1:5432', 'who used that of one host'],
    ['quietdoor flows top --by pair --action denied --sort denied', 'who knocks where and is turned away'],
  ]);
}

function repeated(flags: string, what: string): Option {
  return new Option(flags, `${what}; may be repeated`)
    .argParser((value: string, before: readonly string[]) => [...before, value])
    .default([], 'any');
}

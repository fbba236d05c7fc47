import type { Command } from 'commander';
import { count } from '../../../util/words.ts';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { writeResult } from '../../output.ts';

export function define(parent: Command): void {
  const command = parent
    .command('compact')
    .summary('merge kept flows, and remove what is past its time')
    .description(
      'Merges parts of a day, makes old flows coarser and removes those that are past their time (traffic.keep in quietdoor.yaml).',
    )
    .action(async (flags: OutputOptions & PlaceOptions) => {
      const { openContext } = await import('../../../app/context.ts');
      const { compactFlows } = await import('../../../app/flows-compact.ts');
      const { compactJson, compactText } = await import('../../../reports/flows-compact.ts');
      const result = await compactFlows(openContext(flags));
      for (const line of result.damaged) process.stderr.write(`${line}\n`);
      if (result.foreign.length > 0)
        process.stderr.write(`not ours, left alone: ${count(result.foreign.length, 'name')} in flows/\n`);
      await writeResult(flags.format === 'json' ? compactJson(result) : compactText(result), flags);
      if (result.damaged.length > 0) process.exitCode = EXIT.gaps;
    });
  withPlace(command);
  withOutput(command, ['table', 'json']);
  withExamples(command, [['quietdoor flows compact', 'once a day is enough']]);
}

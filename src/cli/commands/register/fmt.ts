import type { Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress, writeResult } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'put register files into canonical form; comments stay';
  const command = parent
    .command('fmt')
    .summary(summary)
    .description(summary)
    .argument('[files...]', 'register files; default: all of the workspace')
    .option('--check', 'change nothing; exit 1 where a file is not in canonical form')
    .option('-q, --quiet', 'no progress on standard error')
    .action(async (files: string[], flags: PlaceOptions & { check?: boolean; quiet?: boolean }) => {
      const { openContext } = await import('../../../app/context.ts');
      const { formatRegister } = await import('../../../app/format.ts');
      const { changed, refused } = await formatRegister(openContext(flags), files, { write: !flags.check });
      await writeResult(changed.join('\n'), {});
      for (const { file, reason } of refused) progress({}, `${file}: left as it is: ${reason}`);
      if (refused.length > 0) process.exitCode = EXIT.failed;
      else if (flags.check && changed.length > 0) process.exitCode = EXIT.findings;
      if (changed.length === 0 && refused.length === 0) progress(flags, 'Nothing to change.');
    });
  withPlace(command);
  withExamples(command, [
    ['quietdoor register fmt', 'format every register file'],
    ['quietdoor register fmt --check', 'for CI'],
  ]);
}

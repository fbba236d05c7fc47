import type { Command } from 'commander';
import { type PlaceOptions, withExamples, withPlace } from '../../options.ts';
import { progress, writeResult } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'CODEOWNERS lines: who must agree to a change of which register file';
  const command = parent
    .command('codeowners')
    .summary(summary)
    .description(summary)
    .option('--update <file>', 'replace the generated block in this CODEOWNERS file; the rest of it stays')
    .option('-q, --quiet', 'no progress on standard error')
    .action(async (flags: PlaceOptions & { update?: string; quiet?: boolean }) => {
      const { openContext } = await import('../../../app/context.ts');
      const { writeFileWhole } = await import('../../../app/write-file.ts');
      const { codeowners } = await import('../../../app/codeowners.ts');
      const text = await codeowners(openContext(flags), flags.update);
      if (flags.update === undefined) await writeResult(text, {});
      else {
        writeFileWhole(flags.update, text);
        progress(flags, `updated ${flags.update}`);
      }
    });
  withPlace(command);
  withExamples(command, [
    ['quietdoor register codeowners', 'print them'],
    ['quietdoor register codeowners --update .github/CODEOWNERS', 'keep a file up to date'],
  ]);
}

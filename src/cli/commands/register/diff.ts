import type { Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'what changed in meaning between two registers';
  const command = parent
    .command('diff')
    .summary(summary)
    .description(`${summary}: git revisions of this workspace, workspace folders, or register files.`)
    .argument('[before]', 'git revision, folder or file', 'HEAD')
    .argument('[after]', 'git revision, folder or file; default: the workspace as it is now')
    .option('--exit-code', 'exit 1 where something differs')
    .action(
      async (
        before: string,
        after: string | undefined,
        flags: OutputOptions & PlaceOptions & { exitCode?: boolean },
      ) => {
        const { openContext } = await import('../../../app/context.ts');
        const { compareRegisters } = await import('../../../app/compare-registers.ts');
        const { renderDifferences } = await import('../../../reports/register-diff.ts');
        const differences = await compareRegisters(openContext(flags), before, after);
        await writeResult(renderDifferences(differences, flags.format, renderOptions(flags)), flags);
        if (flags.exitCode && differences.length > 0) process.exitCode = EXIT.findings;
      },
    );
  withPlace(command);
  withOutput(command, ['table', 'json', 'markdown']);
  withExamples(command, [
    ['quietdoor register diff', 'uncommitted changes'],
    ['quietdoor register diff old.yaml register/db.yaml', 'between two files'],
    ['quietdoor register diff origin/main --format markdown', 'for a pull request'],
  ]);
}

import type { Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import { type OutputOptions, type PlaceOptions, withExamples, withOutput, withPlace } from '../../options.ts';
import { renderOptions, writeResult } from '../../output.ts';

export function define(parent: Command): void {
  const summary = 'what is wrong or missing in the workspace, with file:line:column';
  const command = parent
    .command('lint')
    .summary(summary)
    .description(`${summary}. Exit 1 with an error (with --strict also with a warning).`)
    .option('--strict', 'warnings fail too')
    .action(async (flags: OutputOptions & PlaceOptions & { strict?: boolean }) => {
      const { openContext } = await import('../../../app/context.ts');
      const { lintRegister } = await import('../../../app/lint.ts');
      const { renderProblems } = await import('../../../reports/register-list.ts');
      const { folderInRepository } = await import('../../../app/folder-in-repository.ts');
      const context = openContext(flags);
      const problems = await lintRegister(context);
      const options = {
        ...renderOptions(flags),
        ...(flags.format === 'github' ? { folder: await folderInRepository(context) } : {}),
      };
      await writeResult(renderProblems(problems, flags.format, options), flags);
      if (problems.some((problem) => problem.severity === 'error' || flags.strict)) process.exitCode = EXIT.findings;
    });
  withPlace(command);
  withOutput(command, ['table', 'json', 'github']);
  withExamples(command, [
    ['quietdoor register lint', 'for people and editors'],
    ['quietdoor register lint --strict --format github', 'annotations in a pull request'],
  ]);
}

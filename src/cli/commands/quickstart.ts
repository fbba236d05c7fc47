import { relative } from 'node:path';
import type { Command } from 'commander';
import { type OutputOptions, type PlaceOptions, withExamples, withPlace } from '../options.ts';
import { progress, renderOptions, writeResult } from '../output.ts';

export function define(command: Command): void {
  command
    .option('-q, --quiet', 'no progress on standard error')
    .option('--no-color', 'no colour (also: NO_COLOR=1)')
    .action(async (flags: PlaceOptions & Pick<OutputOptions, 'quiet' | 'color'>) => {
      const { quickstart } = await import('../../app/quickstart.ts');
      const { renderQuickstart } = await import('../quickstart-summary.ts');
      const dir = flags.workspace ?? 'quickstart';
      const result = await quickstart(dir, flags, (what) => progress(flags, `… ${what}`));
      const shown = (path: string) => relative(process.cwd(), path) || '.';
      const summary = renderQuickstart(
        result,
        { workspace: shown(result.context.workspace), report: shown(result.report) },
        renderOptions({ ...flags, format: 'table' }),
      );
      await writeResult(summary, {});
    });
  withPlace(command);
  withExamples(command, [
    ['quietdoor quickstart', 'a workspace in the folder quickstart, and all that follows'],
    ['sudo quietdoor quickstart -w ports', 'as root: every process owner is visible'],
  ]);
}

import type { Command } from 'commander';
import { initWorkspace, isOccupied } from '../../app/init.ts';
import { UserError } from '../../model/errors.ts';
import { withExamples } from '../options.ts';
import { progress, writeResult } from '../output.ts';

export function define(command: Command): void {
  command
    .argument('[dir]', 'folder of the workspace', '.')
    .option('--name <name>', 'name of the workspace; default: name of the folder')
    .option('--force', 'also in a folder that holds other things')
    .option('-q, --quiet', 'no progress on standard error')
    .action(async (dir: string, options: { name?: string; force?: boolean; quiet?: boolean }) => {
      if (isOccupied(dir) && !options.force) {
        throw new UserError(`${dir} holds other things`, {
          hint: 'Give an empty folder, or say --force to put the workspace beside them (nothing there is changed).',
        });
      }
      const { dir: made, made: files } = initWorkspace(dir, options.name);
      if (files.length === 0) progress(options, 'The workspace is there already; nothing was changed.');
      for (const file of files) progress(options, `made ${file}`);
      progress(options, `Next: cd ${made} && quietdoor scan && quietdoor register draft && quietdoor check`);
      await writeResult(made, {});
    });
  withExamples(command, [
    ['quietdoor init', 'a workspace in this folder'],
    ['quietdoor init ports --name "Example Ltd"', 'in the folder ports'],
  ]);
}

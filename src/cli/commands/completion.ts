import type { Command } from 'commander';
import { UserError } from '../../model/errors.ts';
import { withExamples } from '../options.ts';
import { writeResult } from '../output.ts';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function define(command: Command): void {
  command
    .argument('[shell]', `${SHELLS.join(', ')}; default: the one of $SHELL`)
    .option('-o, --output <file>', 'write to a file')
    .action(async (shell: string | undefined, flags: { output?: string }) => {
      const { completionScript } = await import('../completion.ts');
      const wanted = shell ?? process.env.SHELL?.split('/').pop() ?? 'bash';
      if (!(SHELLS as readonly string[]).includes(wanted)) {
        throw new UserError(`no completion for the shell "${wanted}"`, {
          hint: `There is one for ${SHELLS.join(', ')}.`,
        });
      }
      await writeResult(completionScript(wanted as (typeof SHELLS)[number], command.parent as Command), flags);
    });
  withExamples(command, [
    ['source <(quietdoor completion bash)', 'for this session'],
    ['quietdoor completion fish > ~/.config/fish/completions/quietdoor.fish', 'for good'],
  ]);
}

import { Command } from 'commander';
import { VERSION } from '../app/version.ts';
import { commands } from './commands/index.ts';
import { EXIT_CODES_HELP } from './exit-codes.ts';

/**
 * Returns the command line with the commands named loaded (all of them for `'all'`); the others are known by name and
 * summary only. It throws CommanderError instead of ending the process.
 */
export async function buildProgram(load: readonly string[] | 'all'): Promise<Command> {
  const program = new Command('quietdoor')
    .description(
      'Governs the internal network ports of an organisation: who may connect (the register), who can (the packet\n' +
        'filters), who does (listeners and traffic), and every difference between them.',
    )
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'help for a command')
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText(
      'after',
      `\nStart with:\n  quietdoor quickstart           everything at once, on this machine\n  quietdoor explain RULE         what a rule means\n${EXIT_CODES_HELP}`,
    );
  for (const [name, { summary, load: loadModule }] of Object.entries(commands)) {
    const command = program.command(name).summary(summary).description(summary).exitOverride();
    if (load === 'all' || load.includes(name)) (await loadModule()).define(command);
  }
  return program;
}

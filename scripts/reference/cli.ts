import type { Command } from 'commander';
import { buildProgram } from '../../src/cli/program.ts';

/** docs/reference/cli.md: the help of every command, as the program prints it. By path. */
export async function cliReference(): Promise<Record<string, string>> {
  const program = await buildProgram('all');
  const parts = ['# Command line', '', 'Generated from the program; the same text as `quietdoor COMMAND --help`.', ''];
  for (const command of [program, ...program.commands.flatMap(withVerbs)]) {
    parts.push(`## ${pathOf(command)}`, '', '```', helpOf(command).trimEnd(), '```', '');
  }
  return { 'docs/reference/cli.md': parts.join('\n') };
}

function withVerbs(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withVerbs)];
}

function pathOf(command: Command): string {
  return command.parent ? `${pathOf(command.parent)} ${command.name()}` : command.name();
}

function helpOf(command: Command): string {
  let text = '';
  command.configureHelp({ helpWidth: 110 });
  command.configureOutput({
    writeOut: (chunk) => {
      text += chunk;
    },
    getOutHelpWidth: () => 110,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return text;
}

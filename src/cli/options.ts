import type { Command } from 'commander';
import { Option } from 'commander';
import { EXIT_CODES_HELP } from './exit-codes.ts';

/** Options that name the workspace and its state. */
export interface PlaceOptions {
  readonly workspace?: string;
  readonly state?: string;
}

/** Options that say what is written, how and where to. */
export interface OutputOptions {
  readonly format: string;
  readonly output?: string;
  readonly quiet?: boolean;
  /** commander's form of `--no-color`. */
  readonly color: boolean;
}

/** Adds --workspace and --state. */
export function withPlace(command: Command): Command {
  return command
    .addOption(
      new Option(
        '-w, --workspace <dir>',
        'the workspace; default: the nearest folder upward with a quietdoor.yaml',
      ).env('QUIETDOOR_WORKSPACE'),
    )
    .addOption(
      new Option(
        '--state <dir>',
        'where observations and the ledger are kept; default: .quietdoor in the workspace',
      ).env('QUIETDOOR_STATE'),
    );
}

/** Adds --format (the first name is the default), --output, --quiet, --no-color. */
export function withOutput(command: Command, formats: readonly [string, ...string[]]): Command {
  return command
    .addOption(new Option('-f, --format <name>', 'output format').choices([...formats]).default(formats[0]))
    .option('-o, --output <file>', 'write to a file instead of standard output ("-" is standard output)')
    .option('-q, --quiet', 'no progress on standard error')
    .option('--no-color', 'no colour (also: NO_COLOR=1)');
}

/** Adds examples and the exit codes to the end of the help. Each example is a command and what it is for. */
export function withExamples(
  command: Command,
  examples: ReadonlyArray<readonly [command: string, what: string]>,
): Command {
  const width = Math.max(...examples.map(([example]) => example.length));
  const lines = examples.map(([example, what]) => `  ${example.padEnd(width)}  ${what}`);
  return command.addHelpText('after', `\nExamples:\n${lines.join('\n')}\n${EXIT_CODES_HELP}`);
}

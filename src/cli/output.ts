import { writeFileWhole } from '../app/write-file.ts';
import type { RenderOptions } from '../reports/report-format.ts';
import type { OutputOptions } from './options.ts';

/** How to render for where the output goes: width of the terminal (100 without one) and whether colour is wanted. */
export function renderOptions(options: OutputOptions): RenderOptions {
  const toTerminal = isStandardOutput(options) && process.stdout.isTTY === true;
  const noColor = !options.color || (process.env.NO_COLOR ?? '') !== '' || process.env.TERM === 'dumb';
  const forced = !noColor && (process.env.FORCE_COLOR ?? '0') !== '0';
  return {
    width: toTerminal ? Math.min(Math.max(process.stdout.columns ?? 100, 60), 140) : 100,
    color: forced || (toTerminal && !noColor),
  };
}

/**
 * Writes a result: to standard output, or to a file that is complete or not there (written beside it, then renamed).
 * Throws UserError where the file cannot be written.
 */
export async function writeResult(text: string, options: Pick<OutputOptions, 'output'>): Promise<void> {
  const ended = text === '' || text.endsWith('\n') ? text : `${text}\n`;
  if (isStandardOutput(options)) {
    await new Promise<void>((resolve, reject) => {
      process.stdout.write(ended, (error) => {
        // A reader that has seen enough (`| head`) is no failure.
        if (error && (error as NodeJS.ErrnoException).code !== 'EPIPE') reject(error);
        else resolve();
      });
    });
  } else writeFileWhole(options.output as string, ended);
}

/** Prints a line of progress for the person who waits; nothing with --quiet. Never on standard output. */
export function progress(options: { readonly quiet?: boolean }, line: string): void {
  if (!options.quiet) process.stderr.write(`${line}\n`);
}

function isStandardOutput(options: Pick<OutputOptions, 'output'>): boolean {
  return options.output === undefined || options.output === '-';
}

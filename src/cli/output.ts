import { writeFileAsItComes, writeFileWhole } from '../app/write-file.ts';
import type { RenderOptions } from '../reports/report-format.ts';
import { joinPieces } from '../util/join-pieces.ts';
import type { OutputOptions } from './options.ts';

/** How to render for where the output goes: width of the terminal (100 without one) and whether colour is wanted. */
export function renderOptions(options: OutputOptions): RenderOptions {
  const toTerminal = isStandardOutput(options) && process.stdout.isTTY === true;
  const noColor = !options.color || (process.env.NO_COLOR ?? '') !== '' || process.env.TERM === 'dumb';
  const forced = !noColor && (process.env.FORCE_COLOR ?? '0') !== '0';
  return {
    width: clampWidth(toTerminal ? process.stdout.columns : Number(process.env.COLUMNS)),
    color: forced || (toTerminal && !noColor),
  };
}

/** Columns to fill: 60 to 240, and 100 where nobody says. */
function clampWidth(columns: number | undefined): number {
  if (columns === undefined || !Number.isInteger(columns) || columns < 1) return 100;
  return Math.min(Math.max(columns, 60), 240);
}

/**
 * Writes a result: to standard output, or to a file that is complete or not there (written beside it, then renamed). A
 * text that comes in pieces ends with a line feed. Throws UserError where the file cannot be written.
 */
export async function writeResult(
  text: string | Iterable<string>,
  options: Pick<OutputOptions, 'output'>,
): Promise<void> {
  const pieces = typeof text !== 'string' ? text : [text === '' || text.endsWith('\n') ? text : `${text}\n`];
  if (!isStandardOutput(options)) return writeFileWhole(options.output as string, pieces);
  for (const piece of joinPieces(pieces))
    await new Promise<void>((resolve) => {
      process.stdout.write(piece, () => resolve()); // errors: see main.ts
    });
}

/** The same for a result that is still being made: each piece is written when it comes. */
export async function writeAsItComes(
  pieces: AsyncIterable<string>,
  options: Pick<OutputOptions, 'output'>,
): Promise<void> {
  if (!isStandardOutput(options)) return writeFileAsItComes(options.output as string, pieces);
  for await (const piece of pieces) await new Promise<void>((resolve) => process.stdout.write(piece, () => resolve()));
}

/** Prints a line of progress for the person who waits; nothing with --quiet. Never on standard output. */
export function progress(options: { readonly quiet?: boolean }, line: string): void {
  if (!options.quiet) process.stderr.write(`${line}\n`);
}

/** `3 opened, 1 closed, 0 changed`, and before it what a first look found open, which did not open then. */
export function changeWords(counts: {
  readonly found: number;
  readonly opened: number;
  readonly closed: number;
  readonly changed: number;
}): string {
  const { found, opened, closed, changed } = counts;
  return `${found > 0 ? `${found} found open at a first look, ` : ''}${opened} opened, ${closed} closed, ${changed} changed`;
}

function isStandardOutput(options: Pick<OutputOptions, 'output'>): boolean {
  return options.output === undefined || options.output === '-';
}

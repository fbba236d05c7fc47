import { createReadStream } from 'node:fs';
import type { WrittenTarget } from '../collectors/network/targets.ts';
import { readLines } from '../imports/lines.ts';
import { UserError } from '../model/errors.ts';

/** Lines of a list of targets at most; each may name several. */
const MOST_LINES = 1_000_000;
const LONGEST_LINE = 4_096;
const MOST_BYTES = 64 * 1024 * 1024;

/**
 * Returns targets as they are written on the command line, in files (`@FILE`) and on standard input (`-`): separated by
 * blanks, commas or line ends; what follows a # is a comment. Throws UserError where a list cannot be read or is too long.
 */
export async function readTargets(words: readonly string[], stdin: NodeJS.ReadableStream): Promise<WrittenTarget[]> {
  const targets: WrittenTarget[] = [];
  for (const word of words) {
    if (word === '-') await readList(stdin, 'standard input', targets);
    else if (word.startsWith('@')) await readList(createReadStream(word.slice(1)), word.slice(1), targets);
    else for (const text of split(word)) targets.push({ text, at: '' });
  }
  return targets;
}

async function readList(input: NodeJS.ReadableStream, name: string, targets: WrittenTarget[]): Promise<void> {
  try {
    for await (const { text: line, number, isTooLong } of readLines(bytesOf(input, name), LONGEST_LINE)) {
      if (number > MOST_LINES || isTooLong)
        throw new UserError(
          `${name}:${number}: a list of targets has ${MOST_LINES} lines of ${LONGEST_LINE} characters at most`,
        );
      for (const text of split(line.replace(/#.*/, ''))) targets.push({ text, at: `${name}:${number}` });
    }
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(`the targets in ${name} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

async function* bytesOf(input: NodeJS.ReadableStream, name: string): AsyncGenerator<Uint8Array> {
  let length = 0;
  for await (const piece of input) {
    length += piece.length;
    if (length > MOST_BYTES) throw new UserError(`${name}: a list of targets has ${MOST_BYTES} bytes at most`);
    yield typeof piece === 'string' ? Buffer.from(piece) : piece;
  }
}

function split(text: string): string[] {
  return text.split(/[\s,]+/).filter((part) => part !== '');
}

import { createInterface } from 'node:readline/promises';

/** Asks a person; false where there is no terminal to ask on, or the answer is not yes. `yes`: was said beforehand. */
export async function consent(question: string, yes: boolean): Promise<boolean> {
  if (yes) return true;
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false;
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^(y|yes)$/i.test((await lines.question(`${question} [y/N] `)).trim());
  } finally {
    lines.close();
  }
}

import { readFileSync } from 'node:fs';
import { isAbsolute, relative, resolve } from 'node:path';
import { formatPosition, UserError } from '../model/errors.ts';
import { formatRegisterFile } from '../register/format.ts';
import type { Context } from './context.ts';
import { loadRegister } from './load-register.ts';
import { writeFileWhole } from './write-file.ts';

export interface FormatResult {
  /** Files that are (or would be) written, relative to the workspace. */
  readonly changed: readonly string[];
  /** Files that cannot be formatted, with the reason. */
  readonly refused: readonly { readonly file: string; readonly reason: string }[];
}

/** Puts register files into canonical form. Throws UserError on a file that is none of the workspace. */
export async function formatRegister(
  context: Context,
  files: readonly string[],
  options: { readonly write: boolean },
): Promise<FormatResult> {
  const { files: known } = await loadRegister(context, null);
  const own = known
    .filter((file) => file.kind === 'register' && !file.path.startsWith('..') && !isAbsolute(file.path))
    .map((file) => file.path);
  const chosen = files.length === 0 ? own : files.map((file) => relative(context.workspace, resolve(file)));
  const changed: string[] = [];
  const refused: { file: string; reason: string }[] = [];
  for (const file of chosen) {
    if (!own.includes(file))
      throw new UserError(`${file} is no register file of ${context.workspace}`, {
        hint: `Register files: ${own.join(', ')}`,
      });
    const path = resolve(context.workspace, file);
    const before = readFileSync(path, 'utf8');
    const { text, problems } = formatRegisterFile(before, file);
    const error = problems.find((problem) => problem.severity === 'error');
    if (error) refused.push({ file, reason: `${formatPosition(error.at)}: ${error.message}` });
    else if (text !== before) {
      changed.push(file);
      if (options.write) writeFileWhole(path, text);
    }
  }
  return { changed, refused };
}

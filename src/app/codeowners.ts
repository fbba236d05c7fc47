import { existsSync, readFileSync } from 'node:fs';
import { renderCodeowners, updateCodeowners } from '../register/codeowners.ts';
import type { Context } from './context.ts';
import { folderInRepository } from './folder-in-repository.ts';
import { loadRegister } from './load-register.ts';

/** CODEOWNERS lines for the register files; with a file, its text with the generated block replaced. */
export async function codeowners(context: Context, file: string | undefined): Promise<string> {
  const { register, files } = await loadRegister(context, null);
  const block = renderCodeowners(register, files, await folderInRepository(context));
  if (file === undefined) return block;
  return updateCodeowners(existsSync(file) ? readFileSync(file, 'utf8') : '', block);
}

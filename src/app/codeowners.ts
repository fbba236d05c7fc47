import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { renderCodeowners, updateCodeowners } from '../register/codeowners.ts';
import type { Context } from './context.ts';
import { loadRegister } from './load-register.ts';

/** CODEOWNERS lines for the register files; with a file, its text with the generated block replaced. */
export async function codeowners(context: Context, file: string | undefined): Promise<string> {
  const { register, files } = await loadRegister(context, null);
  const block = renderCodeowners(register, files, workspaceInRepository(context.workspace));
  if (file === undefined) return block;
  return updateCodeowners(existsSync(file) ? readFileSync(file, 'utf8') : '', block);
}

/** Path of the workspace inside its git repository, `''` at its root or outside of one. */
function workspaceInRepository(workspace: string): string {
  try {
    const root = execFileSync('git', ['-C', workspace, 'rev-parse', '--show-toplevel'], {
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return relative(root.trim(), workspace);
  } catch {
    return '';
  }
}

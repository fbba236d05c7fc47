import { realpath } from 'node:fs/promises';
import { askGit } from './git.ts';

/** Where a folder lies in a git repository, or why it is in none that can be read. */
export type Location =
  | {
      readonly kind: 'in-git';
      /** Top folder, absolute, links resolved. */
      readonly repoDir: string;
      /** The folder inside it, `''` for its top. */
      readonly folder: string;
    }
  | { readonly kind: 'not-in-git'; readonly reason: string };

/** Finds the git repository that a folder is in. */
export async function locate(dir: string, env: NodeJS.ProcessEnv): Promise<Location> {
  const real = await realpath(dir).catch(() => null);
  if (real === null) return { kind: 'not-in-git', reason: `${dir} does not exist` };
  const top = await askGit(real, ['rev-parse', '--show-toplevel'], { env });
  if (top.kind === 'no-answer') return { kind: 'not-in-git', reason: top.reason };
  const prefix = await askGit(real, ['rev-parse', '--show-prefix'], { env });
  if (prefix.kind === 'no-answer') return { kind: 'not-in-git', reason: prefix.reason };
  return { kind: 'in-git', repoDir: top.text, folder: prefix.text.replace(/\/$/, '') };
}

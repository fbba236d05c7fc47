import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { UserError } from '../model/errors.ts';
import type { Context } from './context.ts';

/** Who signs for something: what was said, else git's user.email. Throws UserError where nobody is named. `as`: `the approver`. */
export function signerOf(context: Context, said: string | undefined, as: string): string {
  const by = said ?? gitConfig(context, 'user.email');
  if (!by)
    throw new UserError(`nobody is named as ${as}`, {
      hint: 'Say --by you@example.org, or set git config user.email.',
    });
  if (!/^[^\s@]+@[^\s@]+$/.test(by))
    throw new UserError(`"${by}" is no e-mail address`, { hint: 'Say --by you@example.org.' });
  return by;
}

/** Path of the SSH key to sign with: the one named, git's user.signingKey, or one in ~/.ssh. Throws UserError. */
export function keyToSignWith(context: Context, given: string | undefined): string {
  const configured = given ?? gitConfig(context, 'user.signingKey');
  if (configured !== undefined) {
    const path = configured.startsWith('~/') ? join(homedir(), configured.slice(2)) : resolve(configured);
    if (existsSync(path)) return path;
    throw new UserError(`there is no key file ${path}`, {
      hint: 'Name one with --key; a .pub file works where an ssh agent holds the key.',
    });
  }
  for (const name of ['id_ed25519', 'id_ecdsa', 'id_ed25519_sk', 'id_rsa']) {
    const path = join(homedir(), '.ssh', name);
    if (existsSync(path)) return path;
  }
  throw new UserError('no SSH key to sign with was found', {
    hint: 'Name one with --key, or make one: ssh-keygen -t ed25519',
  });
}

function gitConfig(context: Context, name: string): string | undefined {
  try {
    const value = execFileSync('git', ['-C', context.workspace, 'config', '--get', name], {
      encoding: 'utf8',
      timeout: 10_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return value.trim() || undefined;
  } catch {
    return undefined;
  }
}

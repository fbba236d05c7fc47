import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { UserError } from '../model/errors.ts';
import type { Context } from './context.ts';

/** Longest secret, bytes: a private key fits many times. */
const LONGEST = 65_536;

/**
 * Reads a secret by where it is kept: `env:NAME`, or `file:PATH` (from the workspace). Throws UserError that names the place
 * and never what is there.
 */
export async function readSecret(context: Pick<Context, 'env' | 'workspace'>, reference: string): Promise<string> {
  const [, where, name = ''] = /^(env|file):(.+)$/.exec(reference) ?? [];
  if (where === 'env') {
    const value = context.env[name];
    if (value === undefined || value === '')
      throw new UserError(`the environment has no ${name}, which a channel of alerts needs`, {
        hint: `Set it where "quietdoor alerts run" runs, for example by EnvironmentFile= of its systemd unit.`,
      });
    return value;
  }
  if (where !== 'file') throw new UserError('a secret is named by env:NAME or file:PATH');
  const path = resolve(context.workspace, name);
  try {
    // Not blocking: a pipe would wait for a writer.
    await using file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const stat = await file.stat();
    if (!stat.isFile()) throw new UserError(`${path} is no file; a channel of alerts expects a secret there`);
    if (stat.size === 0 || stat.size > LONGEST)
      throw new UserError(`${path} has ${stat.size} bytes; a secret of 1 to ${LONGEST} is expected`);
    return (await file.readFile('utf8')).replace(/\r?\n$/, '');
  } catch (error) {
    if (error instanceof UserError) throw error;
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
    throw new UserError(`${path} cannot be read (${code}), which a channel of alerts needs`, { cause: error });
  }
}

import { isIP } from 'node:net';
import { z } from 'zod';
import type { ReadSettings } from './channel.ts';

/** Where a secret is kept: never the secret itself, which would end up in git. */
const REFERENCE = /^(env:[A-Za-z_][A-Za-z0-9_]{0,127}|file:[^\0\r\n]{1,1024})$/;

/** A secret, by where it is kept. */
export const secretReference = z.string().regex(REFERENCE, {
  error:
    'expected env:NAME or file:PATH, where the secret is kept; the secret itself does not belong into a file that is kept in git',
});

export const port = z.int({ error: 'expected a port, 1 to 65535' }).min(1).max(65_535);

/** A host name or an address, without a scheme or a port. */
export const hostName = z
  .string()
  .regex(/^[A-Za-z0-9_:][A-Za-z0-9_.:-]{0,252}$/, { error: 'expected a host name or an address' });

/** Checks settings by a schema; problems are named by the path of the setting. */
export function readBy<T>(schema: z.ZodType<T>, raw: unknown): ReadSettings<T> {
  const result = schema.safeParse(raw);
  if (result.success) return { settings: result.data };
  return {
    problems: result.error.issues.map((issue) => ({ path: issue.path.map(String).join('.'), message: issue.message })),
  };
}

/** Says whether a host is this machine, so that what is sent to it in clear text leaves it for nobody to read. */
export function isLoopback(host: string): boolean {
  const bare = host.replace(/^\[(.*)\]$/, '$1');
  if (bare === 'localhost' || bare === '::1') return true;
  return isIP(bare) === 4 && bare.startsWith('127.');
}

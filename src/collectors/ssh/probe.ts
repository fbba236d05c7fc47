import { randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { packageFile } from '../../util/package-root.ts';

/** What is sent to a machine, and the word that begins every section of its answer. */
export interface Probe {
  readonly script: string;
  readonly nonce: string;
}

let text: string | undefined;

/** Makes a probe for one machine: its word is never used again. Throws Error where the program is not installed whole. */
export function makeProbe(hashes: boolean): Probe {
  text ??= readFileSync(packageFile('src/collectors/ssh/probe.sh'), 'utf8');
  const nonce = randomBytes(16).toString('hex');
  return { nonce, script: `N=${nonce}\nHASHES=${hashes ? 1 : 0}\n${text}` };
}

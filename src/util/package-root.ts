import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Returns the absolute path of a file of this package. Looks upward from this module for the package.json named
 * quietdoor, so that it works from src/, from a bundle in dist/ and from under node_modules. Throws where there is none.
 */
export function packageFile(relativePath: string): string {
  root ??= findRoot(dirname(fileURLToPath(import.meta.url)));
  return join(root, relativePath);
}

let root: string | undefined;

function findRoot(start: string): string {
  for (let dir = start; ; dir = dirname(dir)) {
    if (nameOfPackage(join(dir, 'package.json')) === 'quietdoor') return dir;
    if (dir === dirname(dir)) throw new Error(`no package.json named quietdoor above ${start}`);
  }
}

function nameOfPackage(file: string): unknown {
  try {
    return (JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown }).name;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new Error(`reading ${file}`, { cause: error });
  }
}

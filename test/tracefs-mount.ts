import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** tracefs, mounted for a test where nobody else looks for it. */
export interface TracefsMount {
  readonly path: string;
  readonly unmount: () => void;
}

/** Mounts tracefs in a directory of its own; or says why not. */
export function mountTracefs(): TracefsMount | string {
  if (process.platform !== 'linux') return 'needs Linux';
  if (process.geteuid?.() !== 0) return 'needs root, to mount tracefs';
  const path = mkdtempSync(join(tmpdir(), 'quietdoor-tracefs-'));
  const { status, stderr, error } = spawnSync('mount', ['-t', 'tracefs', 'tracefs', path], { encoding: 'utf8' });
  if (status === 0) {
    const unmount = () => {
      if (spawnSync('umount', [path]).status === 0) rmdirSync(path);
    };
    return { path, unmount };
  }
  rmdirSync(path);
  return `needs tracefs: ${error?.message ?? stderr.trim()}`;
}

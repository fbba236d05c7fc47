import { isAbsolute, posix } from 'node:path';
import { UserError } from '../model/errors.ts';
import { compareText } from '../util/compare.ts';
import { runGit, whyNot } from './git.ts';
import type { ProgramResult } from './run-program.ts';
import { MAX_FILE_BYTES, TOP_FILES, tooLarge, type WorkspaceSource, YAML_NAME } from './workspace-source.ts';

const REVISION = /^[A-Za-z0-9_@][\w./@{}^~+-]{0,254}$/;
const GIT_TIMEOUT_MS = 30_000;

/**
 * The workspace as it was in a revision of a git repository. `pathInRepo`: folder of the workspace, relative to
 * `repoDir`, which may itself be a folder inside the repository. Nothing is checked out; links are not followed.
 * Throws UserError on what cannot be a revision, at the first use on one that git does not know.
 */
export function gitSource(repoDir: string, pathInRepo: string, revision: string): WorkspaceSource {
  if (!REVISION.test(revision))
    throw new UserError(`"${revision.slice(0, 60)}" is not a git revision`, {
      hint: 'give a branch, a tag or a commit',
    });
  let opened: Promise<Revision> | undefined;
  const open = () => {
    opened ??= openRevision(repoDir, revision);
    return opened;
  };
  const folder = async () => inside((await open()).prefix, pathInRepo);
  return folderSource(repoDir, open, folder, `${revision}:${pathInRepo === '' ? '.' : pathInRepo}`);
}

function folderSource(
  repoDir: string,
  open: () => Promise<Revision>,
  folder: () => Promise<string>,
  name: string,
): WorkspaceSource {
  const read = async (path: string) => readBlob(repoDir, (await open()).blobs.get(inside(await folder(), path)));
  return {
    name,
    async list() {
      const at = await folder();
      const prefix = at === '' ? '' : `${at}/`;
      return [...(await open()).blobs.keys()]
        .filter((path) => path.startsWith(prefix))
        .map((path) => path.slice(prefix.length))
        .filter((path) => TOP_FILES.includes(path) || isRegisterFile(path))
        .sort(compareText);
    },
    read,
    async extended(path) {
      if (isAbsolute(path)) throw new UserError('is an absolute path, so its content in the revision is not known');
      const target = inside(await folder(), path);
      const shown = `${name.slice(0, name.indexOf(':'))}:${target === '' ? '.' : target}`;
      const isFile = (await open()).blobs.has(target);
      const parent = isFile ? posix.dirname(target).replace(/^\.$/, '') : target;
      const source = folderSource(repoDir, open, async () => parent, shown);
      return isFile
        ? { ...source, identity: target, isFile, list: async () => [posix.basename(target)] }
        : { ...source, identity: target };
    },
  };
}

function isRegisterFile(path: string): boolean {
  return path.startsWith('register/') && YAML_NAME.test(path) && !path.includes('/.');
}

/** Joins a folder of the repository and a path from there; throws UserError where it leads out of the repository. */
function inside(folder: string, path: string): string {
  const joined = posix.join(folder, path);
  if (joined === '..' || joined.startsWith('../')) throw new UserError('lies outside the repository');
  return joined.replace(/\/$/, '').replace(/^\.$/, '');
}

interface Revision {
  /** Folder of `repoDir` inside the repository: `''` or `a/b`. */
  readonly prefix: string;
  /** By path from the root of the repository. */
  readonly blobs: ReadonlyMap<string, GitBlob>;
}

interface GitBlob {
  readonly mode: string;
  readonly id: string;
  readonly size: number;
}

async function openRevision(repoDir: string, revision: string): Promise<Revision> {
  const commit = await git(repoDir, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]);
  const id = commit.stdout.toString('utf8').trim();
  if (commit.code !== 0 || !/^[0-9a-f]{40,64}$/.test(id)) {
    const why = commit.stderr.trim().split('\n')[0];
    throw new UserError(`git knows no revision "${revision}" in ${repoDir}${why ? `: ${why}` : ''}`, {
      hint: 'see git log, or fetch it first',
    });
  }
  const prefix = (await git(repoDir, ['rev-parse', '--show-prefix'])).stdout.toString('utf8').replace(/\/?\n?$/, '');
  const result = await git(repoDir, ['ls-tree', '-r', '-z', '-l', '--full-tree', id]);
  if (result.code !== 0) throw new UserError(`git ls-tree failed in ${repoDir}: ${result.stderr.trim()}`);
  const blobs = new Map<string, GitBlob>();
  for (const line of result.stdout.toString('utf8').split('\0')) {
    const m = /^(\d{6}) \w+ ([0-9a-f]+) +(\d+|-)\t(.+)$/s.exec(line);
    if (m) blobs.set(m[4] as string, { mode: m[1] as string, id: m[2] as string, size: Number(m[3]) || 0 });
  }
  return { blobs, prefix };
}

async function readBlob(repoDir: string, blob: GitBlob | undefined): Promise<Uint8Array> {
  if (!blob) throw new UserError('does not exist');
  if (!blob.mode.startsWith('100')) throw new UserError('is a link, not a file; links are not followed in a revision');
  if (blob.size > MAX_FILE_BYTES) throw tooLarge(blob.size);
  const result = await git(repoDir, ['cat-file', 'blob', blob.id]);
  if (result.code !== 0) throw new UserError(`git could not read it: ${result.stderr.trim()}`);
  return result.stdout;
}

/** Runs git; throws UserError where it could not run at all. */
async function git(repoDir: string, args: readonly string[]): Promise<ProgramResult> {
  const result = await runGit(repoDir, args, {
    env: process.env,
    maxBytes: MAX_FILE_BYTES * 2,
    timeoutMs: GIT_TIMEOUT_MS,
  });
  if (
    result.kind !== 'ended' ||
    result.stderr.includes('not a git repository') ||
    result.stderr.includes('dubious ownership')
  )
    throw new UserError(`${repoDir}: ${whyNot(result)}`);
  return result;
}

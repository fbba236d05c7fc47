import { constants } from 'node:fs';
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize, resolve, sep } from 'node:path';
import { UserError } from '../model/errors.ts';
import { compareText } from '../util/compare.ts';
import { cleanEnv, type ProgramResult, runProgram } from './run-program.ts';

/** Largest file of a workspace that is read. 20,000 entries take about 16 MiB. */
export const MAX_FILE_BYTES = 32 << 20;
/** Largest sum of all files. */
export const MAX_TOTAL_BYTES = 64 << 20;
/** Most files of a workspace. */
export const MAX_FILES = 10_000;
/** Deepest folder under register/. */
const MAX_DEPTH = 10;

/** Where the files of a workspace come from. */
export interface WorkspaceSource {
  /** As the person would type it: a folder, or `REVISION:folder`. */
  readonly name: string;
  /**
   * Paths relative to the workspace, sorted: quietdoor.yaml, exceptions.yaml, register/**\/*.yaml. Also what stands in
   * their place and cannot be read (a broken link, a closed folder): `read` says why.
   */
  list(): Promise<readonly string[]>;
  /** Throws UserError where the file cannot be read, is too large, or leaves the workspace. */
  read(path: string): Promise<Uint8Array>;
  /**
   * The file or folder that `extends:` names, relative to this one, as a source of its own. A file is a source with
   * that one file. Absent: this source cannot follow `extends:`.
   */
  extended?(path: string): Promise<WorkspaceSource>;
}

const TOP = ['exceptions.yaml', 'quietdoor.yaml'];
const YAML = /\.ya?ml$/;

/** The workspace in a folder of the file system. */
export function directorySource(dir: string, name: string = dir): WorkspaceSource {
  return {
    name,
    async list() {
      const found: string[] = [];
      for (const file of TOP) if (await exists(join(dir, file))) found.push(file);
      await walk(dir, 'register', 1, found);
      return found.sort(compareText);
    },
    read: (path) => readBounded(dir, path),
    async extended(path) {
      const target = isAbsolute(path) ? path : resolve(dir, path);
      const shown = isAbsolute(path) ? path : normalize(join(name, path));
      const info = await stat(target).catch((error: unknown) => refuse(shown, error));
      return info.isDirectory() ? directorySource(target, shown) : fileSource(target, shown);
    },
  };
}

/** One file as a source, for `extends: ../policy.yaml`. Its own `extends` is relative to its folder. */
function fileSource(file: string, name: string): WorkspaceSource {
  const folder = directorySource(dirname(file), dirname(name));
  return {
    name,
    list: async () => [basename(file)],
    read: (path) => readBounded(dirname(file), path),
    ...(folder.extended ? { extended: folder.extended } : {}),
  };
}

async function walk(dir: string, folder: string, depth: number, found: string[]): Promise<void> {
  let children: Awaited<ReturnType<typeof listFolder>>;
  try {
    children = await listFolder(join(dir, folder));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') found.push(folder);
    return;
  }
  for (const child of children) {
    const path = `${folder}/${child.name}`;
    if (child.name.startsWith('.')) continue;
    if (child.isDirectory() && depth < MAX_DEPTH) await walk(dir, path, depth + 1, found);
    // A link to a folder is not followed, and not passed over in silence either.
    else if (
      child.isDirectory() ||
      YAML.test(child.name) ||
      (child.isSymbolicLink() && (await isFolder(join(dir, path))))
    )
      found.push(path);
  }
}

function listFolder(path: string) {
  return readdir(path, { withFileTypes: true });
}

async function exists(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => error.code !== 'ENOENT',
  );
}

async function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (info) => info.isDirectory(),
    () => true,
  );
}

async function readBounded(dir: string, path: string): Promise<Uint8Array> {
  const full = join(dir, path);
  try {
    const root = await realpath(dir);
    const real = await realpath(full);
    if (!real.startsWith(root.endsWith(sep) ? root : root + sep))
      throw new UserError('the symbolic link leads out of the workspace, so it is not followed', {
        hint: 'copy the file in, or name it under extends:',
      });
    // NONBLOCK: opening a pipe must not wait for a writer.
    const handle = await open(real, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const info = await handle.stat();
      if (info.isDirectory())
        throw new UserError('is a folder that is not followed (a symbolic link, or nested too deep)');
      if (!info.isFile()) throw new UserError('is not a regular file');
      if (info.size > MAX_FILE_BYTES) throw tooLarge(info.size);
      const buffer = Buffer.allocUnsafe(info.size + 1);
      let size = 0;
      for (;;) {
        const { bytesRead } = await handle.read(buffer, size, buffer.length - size, size);
        size += bytesRead;
        if (bytesRead === 0 || size === buffer.length) break;
      }
      if (size > info.size) throw new UserError('grew while it was read', { hint: 'run the command again' });
      return buffer.subarray(0, size);
    } finally {
      await handle.close();
    }
  } catch (error) {
    return refuse(path, error);
  }
}

function tooLarge(bytes: number): UserError {
  const mib = Math.ceil(bytes / (1 << 20));
  return new UserError(`has ${mib} MiB; at most ${MAX_FILE_BYTES >> 20} MiB are read`, {
    hint: 'split it into several files',
  });
}

function refuse(path: string, error: unknown): never {
  if (error instanceof UserError) throw error;
  const code = (error as NodeJS.ErrnoException).code ?? 'unknown error';
  const why: Readonly<Record<string, string>> = {
    EACCES: 'may not be read by this user (EACCES)',
    ENOENT: 'does not exist',
    ELOOP: 'is a loop of symbolic links',
    ENOTDIR: 'lies under something that is not a folder',
  };
  const hint = code === 'EACCES' ? { hint: 'give this user the right to read it' } : {};
  throw new UserError(why[code] ?? `${path} could not be read (${code})`, { ...hint, cause: error });
}

const REVISION = /^[A-Za-z0-9_@][\w./@{}^~+-]{0,254}$/;
const GIT_TIMEOUT_MS = 30_000;

/**
 * The workspace as it was in a revision of a git repository. `pathInRepo`: folder of the workspace inside it, `''` for
 * its root. Nothing is checked out; links are not followed. Throws UserError on an unknown revision.
 */
export function gitSource(repoDir: string, pathInRepo: string, revision: string): WorkspaceSource {
  const folder = normalize(pathInRepo).replace(/^\.$/, '').replaceAll(sep, '/').replace(/\/$/, '');
  if (folder.startsWith('..') || isAbsolute(folder)) throw new UserError(`${pathInRepo} lies outside the repository`);
  if (!REVISION.test(revision))
    throw new UserError(`"${revision.slice(0, 60)}" is not a git revision`, {
      hint: 'give a branch, a tag or a commit',
    });
  let listed: Promise<ReadonlyMap<string, GitBlob>> | undefined;
  const tree = () => {
    listed ??= listTree(repoDir, revision);
    return listed;
  };
  const inFolder = (path: string) => (folder === '' ? path : `${folder}/${path}`);
  const read = async (path: string) => readBlob(repoDir, (await tree()).get(inFolder(path)));
  return {
    name: `${revision}:${folder === '' ? '.' : folder}`,
    async list() {
      const prefix = folder === '' ? '' : `${folder}/`;
      return [...(await tree()).keys()]
        .filter((path) => path.startsWith(prefix))
        .map((path) => path.slice(prefix.length))
        .filter(
          (path) => TOP.includes(path) || (path.startsWith('register/') && YAML.test(path) && !path.includes('/.')),
        )
        .sort(compareText);
    },
    read,
    async extended(path) {
      const target = normalize(join(folder, path)).replace(/\/$/, '');
      if (isAbsolute(path) || target.startsWith('..'))
        throw new UserError(`lies outside the repository, so its content at ${revision} is not known`);
      const blob = (await tree()).get(target);
      if (!blob) {
        const source = gitSource(repoDir, target, revision);
        if ((await source.list()).length === 0) throw new UserError(`does not exist at ${revision}`);
        return source;
      }
      const folderSource = gitSource(repoDir, dirname(target), revision);
      return {
        name: `${revision}:${target}`,
        list: async () => [basename(target)],
        read: folderSource.read,
        ...(folderSource.extended ? { extended: folderSource.extended } : {}),
      };
    },
  };
}

interface GitBlob {
  readonly mode: string;
  readonly id: string;
  readonly size: number;
}

async function listTree(repoDir: string, revision: string): Promise<ReadonlyMap<string, GitBlob>> {
  const commit = await git(repoDir, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${revision}^{commit}`]);
  const id = commit.stdout.toString('utf8').trim();
  if (commit.code !== 0 || !/^[0-9a-f]{40,64}$/.test(id)) {
    const why = commit.stderr.trim().split('\n')[0];
    throw new UserError(`git knows no revision "${revision}" in ${repoDir}${why ? `: ${why}` : ''}`, {
      hint: 'see git log, or fetch it first',
    });
  }
  const result = await git(repoDir, ['ls-tree', '-r', '-z', '-l', '--full-tree', id]);
  if (result.code !== 0) throw new UserError(`git ls-tree failed in ${repoDir}: ${result.stderr.trim()}`);
  const blobs = new Map<string, GitBlob>();
  for (const line of result.stdout.toString('utf8').split('\0')) {
    const m = /^(\d{6}) \w+ ([0-9a-f]+) +(\d+|-)\t(.+)$/s.exec(line);
    if (m) blobs.set(m[4] as string, { mode: m[1] as string, id: m[2] as string, size: Number(m[3]) || 0 });
  }
  return blobs;
}

async function readBlob(repoDir: string, blob: GitBlob | undefined): Promise<Uint8Array> {
  if (!blob) throw new UserError('does not exist');
  if (!blob.mode.startsWith('100')) throw new UserError('is a link, not a file; links are not followed in a revision');
  if (blob.size > MAX_FILE_BYTES) throw tooLarge(blob.size);
  const result = await git(repoDir, ['cat-file', 'blob', blob.id]);
  if (result.code !== 0) throw new UserError(`git could not read it: ${result.stderr.trim()}`);
  return result.stdout;
}

async function git(repoDir: string, args: readonly string[]): Promise<ProgramResult> {
  const env = {
    ...cleanEnv(process.env),
    GIT_TERMINAL_PROMPT: '0',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
  };
  const result = await runProgram('git', ['-C', repoDir, ...args], {
    env,
    timeoutMs: GIT_TIMEOUT_MS,
    maxBytes: MAX_FILE_BYTES * 2,
  });
  if (result.kind === 'missing')
    throw new UserError('git is not installed', { hint: 'install git, or compare folders' });
  if (result.kind === 'timeout') throw new UserError(`git took longer than ${GIT_TIMEOUT_MS / 1000} s in ${repoDir}`);
  if (result.kind === 'too-much') throw new UserError(`git answered with too much in ${repoDir}`);
  return result;
}

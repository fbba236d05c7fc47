import { constants } from 'node:fs';
import { lstat, open, readdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize, resolve, sep } from 'node:path';
import { UserError } from '../model/errors.ts';
import { compareText } from '../util/compare.ts';
import { MAX_FILE_BYTES, TOP_FILES, tooLarge, type WorkspaceSource, YAML_NAME } from './workspace-source.ts';

/** Deepest folder under register/. */
const MAX_DEPTH = 10;

/** The workspace in a folder of the file system. */
export function directorySource(dir: string, name: string = dir): WorkspaceSource {
  return {
    name,
    identity: resolve(dir),
    async list() {
      const found: string[] = [];
      for (const file of TOP_FILES) if (await exists(join(dir, file))) found.push(file);
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
    identity: file,
    isFile: true,
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
      YAML_NAME.test(child.name) ||
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

import { isAbsolute, posix } from 'node:path';
import { UserError } from '../model/errors.ts';
import { compareText } from '../util/compare.ts';
import { runGit, whyNot } from './git.ts';
import { MAX_FILE_BYTES, MAX_TOTAL_BYTES, type WorkspaceSource } from './workspace-source.ts';

/** Reads a workspace at one commit after another; what does not change between them is fetched once. */
export interface SnapshotReader {
  /** The workspace at a commit. Throws UserError where git cannot say (history or objects missing). */
  at(commit: string): Promise<WorkspaceSource>;
}

/**
 * `paths`: files and folders of the repository that belong to the workspace, with what it extends; only these are read.
 * `folder`: the workspace inside the repository, `''` for its top.
 */
export function snapshotReader(
  repoDir: string,
  folder: string,
  paths: readonly string[],
  env: NodeJS.ProcessEnv,
): SnapshotReader {
  const blobs = new Map<string, Buffer>();
  return {
    async at(commit) {
      const tree = await listTree(repoDir, commit, paths, env);
      const missing = [...new Set(tree.values())].filter((id) => !blobs.has(id));
      if (missing.length > 0) for (const [id, blob] of await readBlobs(repoDir, missing, env)) blobs.set(id, blob);
      // What this commit does not have, no older state is likely to need at the same time.
      const live = new Set(tree.values());
      for (const id of blobs.keys()) if (!live.has(id)) blobs.delete(id);
      const kept = new Map([...tree].map(([path, id]) => [path, blobs.get(id) as Buffer]));
      return folderOf(kept, folder, `${commit.slice(0, 12)}:${folder || '.'}`);
    },
  };
}

function folderOf(tree: ReadonlyMap<string, Buffer>, folder: string, name: string): WorkspaceSource {
  const full = (path: string) => posix.join(folder, path);
  const read = async (path: string) => {
    const blob = tree.get(full(path));
    if (!blob) throw new UserError('does not exist');
    return blob;
  };
  return {
    name,
    async list() {
      const prefix = folder === '' ? '' : `${folder}/`;
      return [...tree.keys()]
        .filter((path) => path.startsWith(prefix))
        .map((path) => path.slice(prefix.length))
        .filter((path) => path === 'quietdoor.yaml' || (/^register\/.*\.ya?ml$/.test(path) && !path.includes('/.')))
        .sort(compareText);
    },
    read,
    async extended(path) {
      const target = full(path).replace(/\/$/, '');
      if (isAbsolute(path) || target.startsWith('..')) throw new UserError('lies outside the repository');
      if (!tree.has(target)) return folderOf(tree, target, `${name}/${path}`);
      const around = folderOf(tree, posix.dirname(target), name);
      return { ...around, list: async () => [posix.basename(target)] };
    },
  };
}

async function listTree(
  repoDir: string,
  commit: string,
  paths: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<ReadonlyMap<string, string>> {
  const done = await runGit(repoDir, ['ls-tree', '-r', '-z', '-l', '--full-tree', commit, '--', ...paths], { env });
  if (done.kind !== 'ended' || done.code !== 0) throw new UserError(whyNot(done));
  const tree = new Map<string, string>();
  let total = 0;
  for (const line of done.stdout.toString('utf8').split('\0')) {
    // Links (120000) and submodules (160000) are not followed.
    const m = /^100\d{3} blob ([0-9a-f]+) +(\d+)\t(.+)$/s.exec(line);
    if (!m) continue;
    total += Number(m[2]);
    if (Number(m[2]) > MAX_FILE_BYTES || total > MAX_TOTAL_BYTES)
      throw new UserError('a file of the past is too large');
    tree.set(m[3] as string, m[1] as string);
  }
  return tree;
}

/** Reads blobs in one go; the answers are `ID blob SIZE`, the bytes, a newline (git-cat-file(1), "BATCH OUTPUT"). */
async function readBlobs(
  repoDir: string,
  ids: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<ReadonlyMap<string, Buffer>> {
  const done = await runGit(repoDir, ['cat-file', '--batch'], {
    env,
    input: `${ids.join('\n')}\n`,
    maxBytes: MAX_TOTAL_BYTES + ids.length * 100,
  });
  if (done.kind !== 'ended' || done.code !== 0) throw new UserError(whyNot(done));
  const blobs = new Map<string, Buffer>();
  let at = 0;
  for (const id of ids) {
    const lineEnd = done.stdout.indexOf(10, at);
    const header = done.stdout.toString('latin1', at, lineEnd);
    const size = /^[0-9a-f]+ blob (\d+)$/.exec(header)?.[1];
    if (size === undefined) throw new UserError('objects of the history are missing here (a partial clone?)');
    at = lineEnd + 1;
    blobs.set(id, done.stdout.subarray(at, at + Number(size)));
    at += Number(size) + 1;
  }
  return blobs;
}

import { isAbsolute, posix } from 'node:path';
import { UserError } from '../model/errors.ts';
import { compareText } from '../util/compare.ts';
import { ObjectReader, type TreeItem } from './object-reader.ts';
import { MAX_FILE_BYTES, MAX_TOTAL_BYTES, type WorkspaceSource, YAML_NAME } from './workspace-source.ts';

const MAX_DEPTH = 32;
const MAX_TREES = 10_000;

/** Reads a workspace at one commit after another; what does not change between them is fetched once. */
export interface SnapshotReader {
  /** The workspace at a commit. Throws UserError where git cannot say (history or objects missing). */
  at(commit: string): Promise<WorkspaceSource>;
  close(): void;
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
  const objects = new ObjectReader(repoDir, env);
  const trees = new Map<string, readonly TreeItem[]>();
  const blobs = new Map<string, Buffer>();

  async function walk(treeId: string, path: string, depth: number, files: Map<string, string>): Promise<void> {
    const items = trees.get(treeId) ?? (await objects.tree(treeId));
    trees.set(treeId, items);
    for (const { mode, name, id } of items) {
      const full = path === '' ? name : `${path}/${name}`;
      const isInside = paths.some((p) => p === full || full.startsWith(`${p}/`));
      // Links (120000) and submodules (160000) are not followed.
      if (mode === '40000') {
        const leadsThere = isInside || paths.some((p) => p.startsWith(`${full}/`));
        if (leadsThere && depth < MAX_DEPTH) await walk(id, full, depth + 1, files);
      } else if (isInside && mode.startsWith('100') && YAML_NAME.test(name)) files.set(full, id);
    }
  }

  return {
    async at(commit) {
      const files = new Map<string, string>();
      await walk(commit, '', 0, files);
      const tree = new Map<string, Buffer>();
      let total = 0;
      for (const [path, id] of files) {
        const blob = blobs.get(id) ?? (await objects.read(id, 'blob', MAX_FILE_BYTES));
        tree.set(path, blob);
        total += blob.length;
        if (total > MAX_TOTAL_BYTES) throw new UserError('the register of the past is larger than is read');
      }
      // Only what the last commit had is likely to be in the next one.
      blobs.clear();
      for (const [path, id] of files) blobs.set(id, tree.get(path) as Buffer);
      if (trees.size > MAX_TREES) trees.clear();
      return folderOf(tree, folder, `${commit.slice(0, 12)}:${folder || '.'}`);
    },
    close: () => objects.close(),
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

import { posix } from 'node:path';
import { askGit, runGit, whyNot } from './git.ts';

/** Commits that are looked at; what lies further back is unknown. */
export const MAX_COMMITS = 2_000;

/** A workspace in a repository. */
export interface WorkspaceInGit {
  readonly repoDir: string;
  /** Folder of the workspace in the repository, `''` for its top. */
  readonly folder: string;
  /** Folders and files that it extends, as paths in the repository. */
  readonly extended: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export interface Graph {
  /** Commits that touched the workspace, children before parents, with those of their parents that did. */
  readonly parents: ReadonlyMap<string, readonly string[]>;
  /** Commits whose parents this clone does not have. */
  readonly shallow: ReadonlySet<string>;
}

/** Reads which commits touched the workspace. The string is the reason why it could not be read. */
export async function readGraph(workspace: WorkspaceInGit): Promise<Graph | string> {
  const { repoDir, env } = workspace;
  const args = [
    'rev-list',
    '--topo-order',
    '--parents',
    `--max-count=${MAX_COMMITS}`,
    'HEAD',
    '--',
    ...pathsOf(workspace),
  ];
  const [done, isShallow] = await Promise.all([
    runGit(repoDir, args, { env }),
    askGit(repoDir, ['rev-parse', '--is-shallow-repository'], { env }),
  ]);
  if (done.kind !== 'ended' || done.code !== 0) {
    return /bad revision|unknown revision|ambiguous argument/.test(done.stderr)
      ? 'nothing was committed yet'
      : whyNot(done);
  }
  const parents = new Map<string, readonly string[]>();
  for (const line of done.stdout.toString('utf8').split('\n')) {
    const [commit, ...before] = line.split(' ');
    if (commit) parents.set(commit, before);
  }
  const shallow = new Set<string>();
  if (isShallow.kind === 'no-answer') return isShallow.reason;
  // The oldest commits of a shallow clone look as if they had no parents.
  if (isShallow.text !== 'false') for (const [commit, before] of parents) if (before.length === 0) shallow.add(commit);
  return { parents, shallow };
}

/** Files and folders of the repository that belong to the workspace, with what it extends. */
export function pathsOf({ folder, extended }: WorkspaceInGit): readonly string[] {
  return [...new Set([posix.join(folder, 'quietdoor.yaml'), posix.join(folder, 'register'), ...extended])];
}

import type { ApprovalStamp, RegisterEntry } from '../model/register.ts';
import { pathsOf, type WorkspaceInGit } from './history-graph.ts';
import { snapshotReader } from './snapshot.ts';
import { loadWorkspace, type WorkspaceCache } from './workspace.ts';

/** Characters. */
const MAX_CACHE = 64 << 20;

/** What of an entry is followed through the history: its digest, and its stamp as one text. */
interface EntryState {
  readonly changed: string;
  readonly stamped: string;
}

/** What a workspace said at a commit. */
export interface State {
  readonly entries: ReadonlyMap<string, EntryState>;
  /** Parts could not be read: an entry that is not there may have been. */
  readonly isPartial: boolean;
}

/** Reads the `wanted` entries (ids) as they were at one commit after another. Throws UserError where git cannot say. */
export function stateReader(
  workspace: WorkspaceInGit,
  wanted: ReadonlySet<string>,
  lasting: WorkspaceCache | undefined,
) {
  const reader = snapshotReader(workspace.repoDir, workspace.folder, pathsOf(workspace), workspace.env);
  const cache = memoryCache(lasting);
  const states = new Map<string, Promise<State>>();
  const load = async (commit: string): Promise<State> => {
    const source = await reader.at(commit);
    // Before the workspace was made, no entry was there.
    if (!(await source.list()).includes('quietdoor.yaml')) return { entries: new Map(), isPartial: false };
    const { register } = await loadWorkspace(source, { cache, now: 0 });
    const entries = new Map<string, EntryState>();
    for (const entry of register.entries)
      if (wanted.has(entry.id)) entries.set(entry.id, { changed: entry.digest, stamped: stampKey(entry) });
    return { entries, isPartial: register.problems.some((p) => p.severity === 'error') };
  };
  return {
    at(commit: string): Promise<State> {
      const known = states.get(commit);
      if (known) return known;
      const state = load(commit);
      states.set(commit, state);
      return state;
    },
    forget(commit: string): void {
      states.delete(commit);
    },
    close: () => reader.close(),
  };
}

/**
 * Files that stay the same from commit to commit are parsed once; forgotten all at once when they grow too many. What is
 * remembered for good is looked at, and not filled with the past.
 */
function memoryCache(lasting: WorkspaceCache | undefined): WorkspaceCache {
  const parsed = new Map<string, string>();
  let size = 0;
  return {
    get: async (key) => parsed.get(key) ?? (await lasting?.get(key)) ?? null,
    async put(key, value) {
      size += value.length;
      if (size > MAX_CACHE) parsed.clear();
      if (size > MAX_CACHE) size = value.length;
      parsed.set(key, value);
    },
  };
}

/** The approval stamp of an entry as one text. */
export function stampKey({ approval }: RegisterEntry): string {
  if (approval === null) return '';
  const { by, at, digest, hosts, proof }: ApprovalStamp = approval;
  return JSON.stringify([by, at, digest ?? null, hosts ?? null, proof?.trim() ?? null]);
}

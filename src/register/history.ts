import { posix } from 'node:path';
import { UserError } from '../model/errors.ts';
import type { ApprovalStamp, RegisterEntry } from '../model/register.ts';
import { type CommitFacts, readCommits } from './commit-facts.ts';
import { askGit, runGit, whyNot } from './git.ts';
import { type HistoryMemory, type HistoryQuestion, recallHistory, rememberHistory } from './history-memory.ts';
import { snapshotReader } from './snapshot.ts';
import { loadWorkspace, type WorkspaceCache } from './workspace.ts';

const MAX_COMMITS = 2_000;
const MAX_WALK_MS = 20_000;
/** Characters. */
const MAX_CACHE = 64 << 20;

/** A commit that was looked for, or why it cannot be said which one it is. */
export type FoundCommit =
  | { readonly kind: 'found'; readonly commit: string; readonly by: CommitFacts }
  | { readonly kind: 'unknown'; readonly reason: string };

export interface EntryHistory {
  /** The commit that gave the entry the digest it has: whoever made it answers for what the entry says. */
  readonly changed: FoundCommit;
  /** The commit that wrote the approval stamp as it is. */
  readonly stamped: FoundCommit;
}

export interface HistoryInput {
  readonly repoDir: string;
  /** Folder of the workspace in the repository, `''` for its top. */
  readonly folder: string;
  /** Folders and files that it extends, as paths in the repository. */
  readonly extended: readonly string[];
  /** Entries as they are now. */
  readonly entries: readonly RegisterEntry[];
  /** Text of the allowed signers; empty where there is no trust root. */
  readonly allowedSigners: string;
  readonly env: NodeJS.ProcessEnv;
  /** Remembers answers, and files that were parsed, from run to run. */
  readonly cache?: WorkspaceCache;
}

/**
 * Finds for each entry who last changed its meaning and who wrote its stamp, by reading the workspace (zones and shared
 * policy included) at the commits that touched it, newest first; all entries in one walk, which ends as soon as all are
 * answered. At a merge the side that already had the state is followed. Missing history is unknown. Does not throw.
 */
export async function readHistory(input: HistoryInput): Promise<ReadonlyMap<string, EntryHistory>> {
  const walks = input.entries.flatMap((entry): Walk[] => [
    { id: entry.id, what: 'changed', want: entry.digest, found: null },
    { id: entry.id, what: 'stamped', want: stampKey(entry), found: null },
  ]);
  const failed = await walk(input, walks);
  const commits = new Set(walks.flatMap(({ found }) => (found && 'commit' in found ? [found.commit] : [])));
  const facts = await readCommits(input.repoDir, [...commits], input.allowedSigners, input.env);
  const answer = ({ found }: Walk): FoundCommit => {
    if (!found) return { kind: 'unknown', reason: failed ?? 'the history could not be read' };
    if ('reason' in found) return { kind: 'unknown', reason: found.reason };
    if (typeof facts === 'string') return { kind: 'unknown', reason: facts };
    const by = facts.get(found.commit);
    return by
      ? { kind: 'found', commit: found.commit, by }
      : { kind: 'unknown', reason: 'git does not show the commit' };
  };
  const histories = new Map<string, EntryHistory>();
  for (let i = 0; i + 1 < walks.length; i += 2) {
    const [changed, stamped] = [walks[i] as Walk, walks[i + 1] as Walk];
    histories.set(changed.id, { changed: answer(changed), stamped: answer(stamped) });
  }
  return histories;
}

/** One question about one entry, on its way back through the history. */
interface Walk extends HistoryQuestion {
  found: { readonly commit: string } | { readonly reason: string } | null;
}

interface EntryState {
  readonly changed: string;
  readonly stamped: string;
}

/** What a workspace said at a commit. */
interface State {
  readonly entries: ReadonlyMap<string, EntryState>;
  /** Parts could not be read: an entry that is not there may have been. */
  readonly isPartial: boolean;
}

/** Answers the walks as far as it can; returns why the rest has no answer. */
async function walk(input: HistoryInput, walks: readonly Walk[]): Promise<string | null> {
  const graph = await readGraph(input);
  if (typeof graph === 'string') return graph;
  const [head] = graph.parents.keys();
  if (head === undefined) return 'the workspace was never committed';
  const place = [input.folder, ...pathsOf(input)];
  const memory = await recallHistory(input.cache, place);
  /** Those that an earlier walk did not answer. */
  const unanswered = (commit: string, here: readonly Walk[]) =>
    commit === memory?.head ? here.filter((w) => !answerFrom(memory, w)) : here;
  const open = unanswered(head, walks);
  if (open.length === 0) return null;
  const failed = await walkFrom(head, open, graph, unanswered, input);
  const found = new Map(walks.flatMap((w) => (w.found && 'commit' in w.found ? [[w, w.found.commit] as const] : [])));
  const isNew = memory?.head !== head || open.some((w) => found.has(w));
  if (input.cache && isNew && found.size > 0) await rememberHistory(input.cache, place, head, found);
  return failed;
}

function answerFrom(memory: HistoryMemory, w: Walk): boolean {
  const commit = memory.commitOf(w);
  if (commit !== undefined) w.found = { commit };
  return commit !== undefined;
}

async function walkFrom(
  head: string,
  walks: readonly Walk[],
  graph: Graph,
  unanswered: (commit: string, here: readonly Walk[]) => readonly Walk[],
  input: HistoryInput,
): Promise<string | null> {
  const states = stateReader(input, new Set(walks.map((w) => w.id)));
  const deadline = performance.now() + MAX_WALK_MS;
  const waiting = new Map<string, Walk[]>([[head, []]]);
  try {
    const now = await states.at(head);
    for (const w of walks) {
      if (isSame(w, now)) waiting.get(head)?.push(w);
      else w.found = { reason: `the ${w.what === 'changed' ? 'entry' : 'stamp'} has changes that are not committed` };
    }
    // Parents come after their children, so each commit is looked at once, with every entry that got as far as it.
    for (const [commit, parents] of graph.parents) {
      const here = unanswered(commit, waiting.get(commit) ?? []);
      waiting.delete(commit);
      if (here.length > 0) {
        if (performance.now() > deadline) return 'the history is too long to be read in time';
        const before: (State | null)[] = [];
        for (const parent of parents) before.push(graph.parents.has(parent) ? await states.at(parent) : null);
        for (const w of here) step(w, commit, parents, before, graph.shallow, waiting);
      }
      states.forget(commit);
      if (waiting.size === 0) break;
    }
    return `the history is longer than the ${MAX_COMMITS} commits that are read`;
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return error.message;
  } finally {
    states.close();
  }
}

function isSame(w: Walk, state: State): boolean {
  return state.entries.get(w.id)?.[w.what] === w.want;
}

function step(
  w: Walk,
  commit: string,
  parents: readonly string[],
  before: ReadonlyArray<State | null>,
  shallow: ReadonlySet<string>,
  waiting: Map<string, Walk[]>,
): void {
  const next = before.findIndex((state) => state !== null && isSame(w, state));
  if (next >= 0) {
    const parent = parents[next] as string;
    const there = waiting.get(parent);
    if (there) there.push(w);
    else waiting.set(parent, [w]);
  } else if (before.includes(null))
    w.found = { reason: `the history is longer than the ${MAX_COMMITS} commits that are read` };
  else if (shallow.has(commit))
    w.found = { reason: 'the clone is shallow: older history is missing here (git fetch --unshallow)' };
  else if (before.some((state) => state?.isPartial && !state.entries.has(w.id)))
    w.found = { reason: `the register could not be read as it was before commit ${commit.slice(0, 12)}` };
  else w.found = { commit };
}

interface Graph {
  /** Commits that touched the workspace, children before parents, with those of their parents that did. */
  readonly parents: ReadonlyMap<string, readonly string[]>;
  /** Commits whose parents this clone does not have. */
  readonly shallow: ReadonlySet<string>;
}

async function readGraph({ repoDir, env, ...input }: HistoryInput): Promise<Graph | string> {
  const args = ['rev-list', '--topo-order', '--parents', `--max-count=${MAX_COMMITS}`, 'HEAD', '--', ...pathsOf(input)];
  const done = await runGit(repoDir, args, { env });
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
  const isShallow = await askGit(repoDir, ['rev-parse', '--is-shallow-repository'], { env });
  if (isShallow.kind === 'no-answer') return isShallow.reason;
  // The oldest commits of a shallow clone look as if they had no parents.
  if (isShallow.text !== 'false') for (const [commit, before] of parents) if (before.length === 0) shallow.add(commit);
  return { parents, shallow };
}

function pathsOf({ folder, extended }: Pick<HistoryInput, 'folder' | 'extended'>): readonly string[] {
  return [...new Set([posix.join(folder, 'quietdoor.yaml'), posix.join(folder, 'register'), ...extended])];
}

function stateReader(input: HistoryInput, wanted: ReadonlySet<string>) {
  const reader = snapshotReader(input.repoDir, input.folder, pathsOf(input), input.env);
  const cache = memoryCache(input.cache);
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

function stampKey({ approval }: RegisterEntry): string {
  if (approval === null) return '';
  const { by, at, digest, hosts, proof }: ApprovalStamp = approval;
  return JSON.stringify([by, at, digest ?? null, hosts ?? null, proof?.trim() ?? null]);
}

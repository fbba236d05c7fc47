import { UserError } from '../model/errors.ts';
import type { RegisterEntry } from '../model/register.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { sha256 } from '../util/sha256.ts';
import { type CommitFacts, readCommits } from './commit-facts.ts';
import { type Graph, MAX_COMMITS, pathsOf, readGraph, type WorkspaceInGit } from './history-graph.ts';
import {
  type HistoryMemory,
  type HistoryQuestion,
  recallAnswers,
  recallHistory,
  rememberAnswers,
  rememberHistory,
} from './history-memory.ts';
import { type State, stampKey, stateReader } from './history-states.ts';
import type { WorkspaceCache } from './workspace.ts';

const MAX_WALK_MS = 20_000;

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

export interface HistoryInput extends WorkspaceInGit {
  /** Entries as they are now. */
  readonly entries: readonly RegisterEntry[];
  /** Text of the allowed signers; empty where there is no trust root. */
  readonly allowedSigners: string;
  /** Digest of the register that the entries are of: the same one, the same entries. */
  readonly registerDigest: string;
  /** Remembers answers, and files that were parsed, from run to run. */
  readonly cache?: WorkspaceCache;
}

type Answer = { readonly commit: string } | { readonly reason: string };

/** Of one entry: who changed it, who stamped it. */
type Answers = readonly [changed: Answer, stamped: Answer];

/**
 * Finds for each entry who last changed its meaning and who wrote its stamp, by reading the workspace (zones and shared
 * policy included) at the commits that touched it, newest first; all entries in one walk, which ends as soon as all are
 * answered. At a merge the side that already had the state is followed. Missing history is unknown. Does not throw.
 */
export async function readHistory(input: HistoryInput): Promise<ReadonlyMap<string, EntryHistory>> {
  const answers = await findAnswers(input);
  const commits = new Set(answers.flat().flatMap((answer) => ('commit' in answer ? [answer.commit] : [])));
  const facts = await readCommits(input.repoDir, [...commits], input.allowedSigners, input.env);
  const tell = (answer: Answer): FoundCommit => {
    if ('reason' in answer) return { kind: 'unknown', reason: answer.reason };
    if (typeof facts === 'string') return { kind: 'unknown', reason: facts };
    const by = facts.get(answer.commit);
    return by
      ? { kind: 'found', commit: answer.commit, by }
      : { kind: 'unknown', reason: 'git does not show the commit' };
  };
  const told = new Map<Answers, EntryHistory>();
  return new Map(
    input.entries.map(({ id }, i) => {
      const own = answers[i] as Answers;
      return [id, getOrMake(told, own, () => ({ changed: tell(own[0]), stamped: tell(own[1]) }))];
    }),
  );
}

/** By entry, in their order. Answers that are the same may be one object. */
async function findAnswers(input: HistoryInput): Promise<readonly Answers[]> {
  const graph = await readGraph(input);
  const [head] = typeof graph === 'string' ? [] : graph.parents.keys();
  if (typeof graph === 'string' || head === undefined) {
    const answer = { reason: typeof graph === 'string' ? graph : 'the workspace was never committed' };
    return input.entries.map(() => [answer, answer]);
  }
  const place = [input.folder, ...pathsOf(input)];
  const questions = sha256(JSON.stringify([head, input.registerDigest, ...input.entries.map((entry) => entry.id)]));
  const known = await recallAnswers(input.cache, place, questions);
  if (known) return known;
  const walks = input.entries.map((entry): readonly [Walk, Walk] => [
    { id: entry.id, what: 'changed', want: entry.digest, found: null },
    { id: entry.id, what: 'stamped', want: stampKey(entry), found: null },
  ]);
  const failed = await walk(input, head, graph, place, walks.flat());
  const rest: Answer = { reason: failed ?? 'the history could not be read' };
  const answers = walks.map(([changed, stamped]): Answers => [changed.found ?? rest, stamped.found ?? rest]);
  if (input.cache) await rememberAnswers(input.cache, place, questions, answers);
  return answers;
}

/** One question about one entry, on its way back through the history. */
interface Walk extends HistoryQuestion {
  found: Answer | null;
}

/** Answers the walks as far as it can; returns why the rest has no answer. */
async function walk(
  input: HistoryInput,
  head: string,
  graph: Graph,
  place: readonly string[],
  walks: readonly Walk[],
): Promise<string | null> {
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
  const states = stateReader(input, new Set(walks.map((w) => w.id)), input.cache);
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

import { getOrMake } from '../util/get-or-make.ts';
import { sha256 } from '../util/sha256.ts';
import type { WorkspaceCache } from './load-entries.ts';

/** Answers that an earlier walk found. A commit and its past never change, so they hold for ever. */
export interface HistoryMemory {
  /** The commit that the walk began at. */
  readonly head: string;
  /** The commit that gave the entry `id` what is asked for at `head`; undefined where that was not asked or not found. */
  commitOf(question: HistoryQuestion): string | undefined;
}

export interface HistoryQuestion {
  readonly id: string;
  readonly what: 'changed' | 'stamped';
  /** The digest, or the stamp, that the entry has. */
  readonly want: string;
}

/** Changes whenever the same history would be answered otherwise. */
const FORMAT = 'quietdoor-history-1';

interface Kept {
  readonly head: string;
  readonly commits: readonly string[];
  /** By what and id: what was asked for, shortened, and place in `commits`. */
  readonly answers: Readonly<Record<string, readonly [string, number]>>;
}

/** `place`: names the workspace in its repository. Returns null where nothing is remembered. */
export async function recallHistory(
  cache: WorkspaceCache | undefined,
  place: readonly string[],
): Promise<HistoryMemory | null> {
  const text = await cache?.get(keyOf(place));
  if (!text) return null;
  try {
    const { head, commits, answers }: Kept = JSON.parse(text);
    return {
      head,
      commitOf({ what, id, want }) {
        const answer = answers[`${what} ${id}`];
        return answer?.[0] === shorten(want) ? commits[answer[1]] : undefined;
      },
    };
  } catch {
    return null; // damaged: found out anew and replaced
  }
}

/** Keeps the answers in place of earlier ones: so many would be needed only by somebody who changes branches. */
export async function rememberHistory(
  cache: WorkspaceCache,
  place: readonly string[],
  head: string,
  found: ReadonlyMap<HistoryQuestion, string>,
): Promise<void> {
  const commits = [...new Set(found.values())];
  const places = new Map(commits.map((commit, i) => [commit, i]));
  const answers: Record<string, readonly [string, number]> = {};
  for (const [{ what, id, want }, commit] of found) answers[`${what} ${id}`] = [shorten(want), places.get(commit) ?? 0];
  await cache.put(keyOf(place), JSON.stringify({ head, commits, answers } satisfies Kept));
}

interface KeptAnswers {
  readonly questions: string;
  readonly commits: readonly string[];
  /** Places in `commits`: of one entry after the other, who changed it and who stamped it. */
  readonly found: readonly number[];
}

type CommitAnswers = readonly [{ readonly commit: string }, { readonly commit: string }];

/**
 * Returns what `rememberAnswers` kept of the same questions, in their order; null where nothing is kept of them. So a check
 * that follows another one asks nothing about any single entry.
 */
export async function recallAnswers(
  cache: WorkspaceCache | undefined,
  place: readonly string[],
  questions: string,
): Promise<readonly CommitAnswers[] | null> {
  const text = await cache?.get(keyOf(['all', ...place]));
  if (!text) return null;
  try {
    const kept: KeptAnswers = JSON.parse(text);
    if (kept.questions !== questions) return null;
    const answers: CommitAnswers[] = [];
    const same = new Map<string, CommitAnswers>();
    for (let i = 0; i < kept.found.length; i += 2) {
      const [changed, stamped] = kept.found.slice(i, i + 2).map((at) => kept.commits[at]);
      if (changed === undefined || stamped === undefined) return null;
      answers.push(getOrMake(same, `${changed} ${stamped}`, () => [{ commit: changed }, { commit: stamped }]));
    }
    return answers;
  } catch {
    return null;
  }
}

/** `questions`: names what was asked, and at which commit. Keeps nothing where an answer is missing: it may come. */
export async function rememberAnswers(
  cache: WorkspaceCache,
  place: readonly string[],
  questions: string,
  answers: ReadonlyArray<readonly ({ readonly commit: string } | { readonly reason: string })[]>,
): Promise<void> {
  const places = new Map<string, number>();
  const found: number[] = [];
  for (const answer of answers.flat()) {
    if (!('commit' in answer)) return;
    found.push(getOrMake(places, answer.commit, () => places.size));
  }
  await cache.put(
    keyOf(['all', ...place]),
    JSON.stringify({ questions, commits: [...places.keys()], found } satisfies KeptAnswers),
  );
}

function keyOf(place: readonly string[]): string {
  return sha256(JSON.stringify([FORMAT, ...place]));
}

/** Stamps with signatures are long, digests are not. */
function shorten(want: string): string {
  return want.length <= 80 ? want : sha256(want);
}

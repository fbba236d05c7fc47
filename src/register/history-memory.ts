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

function keyOf(place: readonly string[]): string {
  return sha256(JSON.stringify([FORMAT, ...place]));
}

/** Stamps with signatures are long, digests are not. */
function shorten(want: string): string {
  return want.length <= 80 ? want : sha256(want);
}

import type { Surroundings } from '../model/facts.ts';
import type { ListenerState } from '../model/state.ts';
import type { LoadedWorkspace } from '../register/workspace.ts';
import type { Store } from '../store/store.ts';
import { logReviewState } from './review-state.ts';
import { loadSchedule } from './schedule.ts';
import { loadTicketChanges } from './ticket-changes.ts';
import type { VulnerabilityFiles } from './vulnerability-files.ts';

/** What the surroundings of a check depend on. */
export interface SurroundingsOptions {
  readonly workspace: LoadedWorkspace;
  /** UTC milliseconds. */
  readonly now: number;
  readonly listeners: readonly ListenerState[];
  /** Vulnerability data to look packages up in; null: none is given. */
  readonly vulnerabilities: VulnerabilityFiles | null;
  /** The store can be written. */
  readonly record: boolean;
}

/** What other systems say, as far as it was ever imported or is given, and what became of the schedule. */
export async function loadSurroundings(
  store: Store | null,
  { workspace, now, listeners, vulnerabilities, record }: SurroundingsOptions,
): Promise<Surroundings> {
  const advisories = vulnerabilities && (await lookUp(vulnerabilities, listeners, store, record));
  const schedule = await loadSchedule(store, workspace, now);
  const given = { ...(advisories && { advisories }), ...(schedule && { schedule }) };
  if (!store) return given;
  const [assets, tickets, declarations] = [
    await store.lists('assets'),
    await store.lists('tickets'),
    await store.lists('declarations'),
  ];
  const changes = tickets.length > 0 && (await loadTicketChanges(store, tickets, workspace.register.policy, record));
  const logReview = await logReviewState(store, workspace.register.policy.logReviewEveryDays);
  return {
    ...given,
    ...(logReview && { logReview }),
    ...(changes && { changes: changes.events, ...(changes.isCut && { changesAreCut: true }) }),
    ...(assets.length > 0 && { assets }),
    ...(tickets.length > 0 && { tickets }),
    ...(declarations.length > 0 && { declarations }),
  };
}

/** What reads the data is loaded where there is some. */
async function lookUp(...given: Parameters<typeof import('./advisories.ts').loadAdvisories>) {
  const { loadAdvisories } = await import('./advisories.ts');
  return loadAdvisories(...given);
}

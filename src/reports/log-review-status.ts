import type { LogReviewState, ReviewSitting } from '../model/log-review.ts';
import { DAY_MS } from '../model/register.ts';
import { count, duration } from '../util/words.ts';
import { formatTime, isoTime } from './time.ts';

/** Where the review of the record stands. */
export interface LogReviewStatus {
  /** null: nothing was ever recorded. */
  readonly state: LogReviewState | null;
  /** Newest first. */
  readonly sittings: readonly ReviewSitting[];
}

/** When the next sitting is due, UTC milliseconds; null: none is demanded, or there is nothing to review. */
export function nextSittingDue(state: LogReviewState): number | null {
  const reviewedUntil = state.last?.until ?? state.since;
  return state.everyDays === null || reviewedUntil === null ? null : reviewedUntil + state.everyDays * DAY_MS;
}

/** Renders the state as text (`yaml`, `table`) or `json`. `now`: UTC milliseconds. */
export function renderLogReviewStatus({ state, sittings }: LogReviewStatus, now: number, format: string): string {
  const due = state === null ? null : nextSittingDue(state);
  if (format === 'json') {
    const shown = sittings.map((s) => ({ ...s, at: isoTime(s.at), from: isoTime(s.from), until: isoTime(s.until) }));
    const json = {
      schemaVersion: 1,
      everyDays: state?.everyDays ?? null,
      due: isoTime(due),
      overdue: due !== null && due < now,
      sittings: shown,
    };
    return `${JSON.stringify(json, null, 2)}\n`;
  }
  if (state === null) return 'Nothing was recorded yet, so there is nothing to review.\n';
  const next =
    due === null
      ? 'No sitting is demanded: policy.reviewLog is not set in quietdoor.yaml.'
      : due < now
        ? `The next sitting was due ${formatTime(due)}, ${duration(now - due)} ago.`
        : `The next sitting is due ${formatTime(due)}.`;
  const lines = sittings.map(
    (s) =>
      `record ${s.record}  ${formatTime(s.at)}  ${s.by}  ${formatTime(s.from)} to ${formatTime(s.until)}  ${count(s.items, 'item')}, ${s.followUps} to follow up`,
  );
  return `${[next, ...(lines.length === 0 ? ['No sitting was signed yet.'] : lines)].join('\n')}\n`;
}

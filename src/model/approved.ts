import type { MatchedEntry } from './facts.ts';

/**
 * Says whether what an entry declares may be relied on for an endpoint at `now` (UTC milliseconds): its approval is
 * proven, was given for this host, and has not run out. Anything else is what somebody wrote.
 */
export function isProvenNow({ entry, approval, hostConfirmed }: MatchedEntry, now: number): boolean {
  return approval.kind === 'proven' && hostConfirmed && (entry.expires === null || entry.expires > now);
}

import type { EndpointFacts, MatchedEntry } from '../../model/facts.ts';
import type { ApprovalState } from '../../model/register.ts';

/** Whether and how an endpoint is approved; also the word that the table filters by. */
export type May = ApprovalState['kind'] | 'none' | 'expired' | 'host-not-confirmed';

export const MAY_WORDS: Record<May, string> = {
  proven: 'approved',
  claimed: 'claimed, not proven',
  draft: 'draft, not approved',
  void: 'approval void',
  'self-approved': 'approved by its author',
  'not-allowed': 'approver not allowed',
  forged: 'proof is wrong',
  unknown: 'approval unknown',
  expired: 'approval expired',
  'host-not-confirmed': 'host awaits confirmation',
  none: 'no entry',
};

/** Returns how the deciding entry stands at a time; an approval that lapsed or never named the host does not count. */
export function mayOf(facts: EndpointFacts, now: number): May {
  const first = facts.entries[0];
  return first === undefined ? 'none' : approvalOf(first, now);
}

export function approvalOf({ entry, approval, hostConfirmed }: MatchedEntry, now: number): May {
  if (approval.kind !== 'proven' && approval.kind !== 'claimed') return approval.kind;
  if (entry.expires !== null && entry.expires <= now) return 'expired';
  return hostConfirmed ? approval.kind : 'host-not-confirmed';
}

/** Only a proven approval counts: one that is merely written down is a finding. */
export function isApproved(may: May): boolean {
  return may === 'proven';
}

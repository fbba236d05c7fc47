import type { EndpointFacts } from '../model/facts.ts';
import type { Policy } from '../model/register.ts';
import type { Line } from './text-table.ts';
import { approvalWords, expiryWords, mayWords, reviewWords } from './words.ts';

/** What the register says of an endpoint: the entry that decides, its approval, who may connect, review and expiry. */
export function approvedLines(facts: EndpointFacts, policy: Policy, now: number): Line[] {
  const [decides, ...others] = facts.entries;
  const broken = facts.mayBeInBrokenPart
    ? ['a part of the register that could not be read may be about this port (quietdoor register lint)']
    : [];
  if (!decides) {
    const none = 'no register entry covers this port';
    return [facts.mayBeInBrokenPart ? 'unknown: no readable register entry covers this port' : none, ...broken];
  }
  const { entry, approval, hostConfirmed } = decides;
  const expiry = expiryWords(entry, now);
  return [
    [
      entry.id,
      entry.purpose ?? 'no purpose given',
      entry.owner === null ? 'no owner' : `owner ${entry.owner}`,
      approvalWords(approval, entry),
    ],
    ...(hostConfirmed ? [] : ['this host matches the entry by a selector; the approver has not confirmed it']),
    [`may: ${mayWords(entry)}`, `bind ${entry.bind}`],
    [reviewWords(entry, approval, policy, now), ...(expiry === '' ? [] : [expiry])],
    ...(others.length > 0 ? [`also covered by ${others.map((o) => o.entry.id).join(', ')}`] : []),
    ...broken,
  ];
}

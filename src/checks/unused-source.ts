import type { EndpointFacts } from '../model/facts.ts';
import type { FindingDraft } from '../model/finding.ts';
import { DAY_MS } from '../model/register.ts';
import { count, listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';
import { approveStep, placeOf } from './remedy.ts';
import { lacksTraffic } from './traffic-evidence.ts';

const MOST_NAMED = 20;

export const unusedSource: Check = {
  id: 'unused-source',
  title: 'An approved source that never connects',
  severity: 'info',
  rationale:
    'Who is approved and never comes is a permission without a use, and the first that an attacker may borrow. Reported only where every port of the entry ' +
    'was covered by flows without a gap for the whole time (policy.silentAfter).',
  remediation: 'Ask the owner whether the source is still needed, and narrow the entry if it is not.',
  lacking: lacksTraffic,
  estate({ register, endpointsByEntry, now }) {
    const since = now - register.policy.silentAfterDays * DAY_MS;
    return register.entries.flatMap((entry): FindingDraft[] => {
      if (!entry.sources || entry.sources.length === 0) return [];
      // Where another entry decides, what it sees is not this one's.
      const ports = (endpointsByEntry.get(entry.id) ?? []).filter(
        (f) => f.listeners.length > 0 && f.entries[0]?.entry === entry,
      );
      if (ports.length === 0 || !ports.every((facts) => wasWatched(facts, since))) return [];
      const unused = entry.sources.filter((source) =>
        ports.every((facts) => facts.traffic?.unusedSources?.includes(source)),
      );
      if (unused.length === 0) return [];
      const from = Math.max(...ports.map((facts) => facts.traffic?.coveredSince ?? 0));
      return [
        {
          subject: { kind: 'entry', entry: entry.id },
          entry: entry.id,
          endpoints: ports.slice(0, MOST_NAMED).map((facts) => facts.endpoint),
          message:
            unused.length === entry.sources.length
              ? `Nobody whom ${entry.id} approves connected since ${utcTime(from)}.`
              : `${entry.id} approves ${count(entry.sources.length, 'source')}, and from ${listWords(unused)} nobody connected since ${utcTime(from)}.`,
          evidence: [
            { label: 'unused', value: listWords(unused, MOST_NAMED) },
            { label: 'ports', value: String(ports.length) },
            { label: 'covered without a gap since', value: utcTime(from) },
          ],
          remediation: `Ask ${entry.owner ?? 'the owner'} whether they are needed. If not, take them out at ${placeOf(entry)} and ${approveStep(entry.id, register.policy)}`,
          at: entry.at,
        },
      ];
    });
  },
};

function wasWatched({ traffic }: EndpointFacts, since: number): boolean {
  return (
    traffic !== undefined &&
    traffic.coveredSince !== null &&
    traffic.coveredSince <= since &&
    traffic.from <= since &&
    // Flows whose direction is not known might be of an approved source.
    traffic.undirected === 0
  );
}

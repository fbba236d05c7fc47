import { describePort, widestBind } from '../model/describe.ts';
import { DAY_MS } from '../model/register.ts';
import { count, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';
import { coverageEvidence, lacksTraffic } from './traffic-evidence.ts';

export const unusedPort: Check = {
  id: 'unused-port',
  title: 'A port that nobody uses',
  severity: 'low',
  rationale:
    'A port that listens and that nobody connects to is attack surface without a use. Reported only where feeds of flows covered it without a gap for the ' +
    'whole time (policy.silentAfter): no flow where nobody looked says nothing.',
  remediation:
    'Ask the owner whether it is still needed. If it is not, stop the service (quietdoor close) and remove the entry.',
  lacking: lacksTraffic,
  endpoint(facts, { now, register }) {
    const { traffic } = facts;
    if (!traffic || widestBind(facts) === 'loopback') return [];
    const { silentAfterDays } = register.policy;
    const since = now - silentAfterDays * DAY_MS;
    const listensSince = Math.min(...facts.listeners.map((listener) => listener.openSince));
    if (traffic.coveredSince === null || traffic.coveredSince > since || listensSince > since) return [];
    if (traffic.lastAccepted !== null && traffic.lastAccepted > since) return [];
    // Flows whose direction is not known might be of this port.
    if (traffic.undirected > 0) return [];
    const entry = facts.entries[0]?.entry;
    const last = traffic.lastAccepted === null ? 'never since' : 'last';
    const when = traffic.lastAccepted ?? traffic.coveredSince;
    return [
      {
        subject: { kind: 'endpoint', endpoint: facts.endpoint },
        ...(entry && { entry: entry.id, at: entry.at }),
        message: `Nobody connected to port ${describePort(facts.endpoint)} for ${count(Math.floor((now - when) / DAY_MS), 'day')} (${last} ${utcTime(when)}), and it still listens.`,
        evidence: [
          { label: 'covered without a gap since', value: utcTime(traffic.coveredSince) },
          ...coverageEvidence(traffic),
          ...(traffic.denied > 0 ? [{ label: 'refused meanwhile', value: String(traffic.denied) }] : []),
        ],
        remediation: `Ask ${entry?.owner ?? 'who runs it'} whether it is needed. If not: quietdoor close :${facts.endpoint.port}${entry ? `   and remove ${entry.id} at ${entry.at.file}:${entry.at.line}` : ''}`,
      },
    ];
  },
};

import type { Endpoint } from '../model/endpoint.ts';
import type { EstateFacts } from '../model/facts.ts';
import type { FindingDraft } from '../model/finding.ts';
import { isStale } from '../model/freshness.ts';
import type { Coverage } from '../model/observation.ts';
import { formatPorts, portsContain } from '../model/port-ranges.ts';
import { DAY_MS, type RegisterEntry } from '../model/register.ts';
import type { HostState } from '../model/state.ts';
import { compareText } from '../util/compare.ts';
import { count, listWords } from '../util/words.ts';
import type { Check } from './check.ts';

/** Ports of one entry that are named one by one. */
const MAX_PORTS = 64;

/** A host on which nothing of an entry listens, although somebody looked. */
interface Silence {
  readonly host: string;
  readonly endpoints: readonly Endpoint[];
  /** UTC milliseconds: last seen there, or first looked where it never was. */
  readonly since: number;
  readonly everSeen: boolean;
}

export const registeredNotListening: Check = {
  id: 'registered-not-listening',
  title: 'Registered, but nothing listens',
  severity: 'low',
  rationale:
    'An approval that nothing uses is an open door for whoever takes the port next, and it makes the register a worse picture of reality. ' +
    'It may also mean that a service is down.',
  remediation: 'Start the service if it should run. If it is gone for good, remove the entry or the host from it.',
  estate(estate) {
    const found: FindingDraft[] = [];
    const statesByHost = Map.groupBy(estate.hosts, (h) => h.host.name.toLowerCase());
    for (const entry of estate.register.entries) {
      if (estate.approvals.get(entry.id)?.kind === 'draft') continue;
      const silences = silencesOf(entry, estate, statesByHost);
      const [longest] = silences;
      if (!longest) continue;
      const days = Math.floor((estate.now - longest.since) / DAY_MS);
      const hosts = silences.map((s) => s.host);
      const what = `${formatPorts(entry.ports)}/${entry.transport}`;
      found.push({
        subject: { kind: 'entry', entry: entry.id },
        entry: entry.id,
        endpoints: silences.flatMap((s) => s.endpoints),
        message: longest.everSeen
          ? `Nothing has listened on ${what} of ${listWords(hosts)} for ${count(days, 'day')}, although ${entry.id} registers it.`
          : `${entry.id} registers ${what}, and in ${count(days, 'day')} of looking nothing ever listened there on ${listWords(hosts)}.`,
        evidence: [
          ...silences.slice(0, 20).map((s) => ({
            label: s.host,
            value: `${s.everSeen ? 'silent' : 'never seen, looked'} for ${count(Math.floor((estate.now - s.since) / DAY_MS), 'day')}`,
          })),
          ...(silences.length > 20 ? [{ label: 'and', value: count(silences.length - 20, 'more host') }] : []),
        ],
        remediation:
          `If the service is gone, remove ${hosts.length === 1 ? 'the entry or the host from it' : 'the entry or these hosts from it'} ` +
          `at ${entry.at.file}:${entry.at.line}, then: quietdoor register lint   If it should run, start it, then: quietdoor scan`,
        at: entry.at,
      });
    }
    return found;
  },
};

/** Longest silence first. A host where one port of the entry listens is not silent: a range is room, not a promise. */
function silencesOf(
  entry: RegisterEntry,
  estate: EstateFacts,
  statesByHost: ReadonlyMap<string, readonly HostState[]>,
): Silence[] {
  const chosen = estate.hostsByEntry.get(entry.id) ?? [];
  if (chosen.length === 0) return [];
  const known = new Map<string, Endpoint[]>();
  const lastOpen = new Map<string, number>();
  const listening = new Set<string>();
  for (const facts of estate.endpointsByEntry.get(entry.id) ?? []) {
    const host = facts.endpoint.host.toLowerCase();
    if (facts.listeners.length > 0) listening.add(host);
    known.set(host, [...(known.get(host) ?? []), facts.endpoint]);
    for (const s of facts.closed) lastOpen.set(host, Math.max(lastOpen.get(host) ?? 0, s.closedAt ?? s.lastSeen));
  }
  const silences: Silence[] = [];
  for (const host of chosen) {
    const name = host.toLowerCase();
    if (listening.has(name)) continue;
    const looked = (statesByHost.get(name) ?? []).filter((h) => !isStale(h.lastObservedAt, estate) && covers(h, entry));
    if (looked.length === 0) continue;
    const seen = lastOpen.get(name);
    const since = seen ?? Math.min(...looked.map((h) => h.firstObservedAt));
    if (estate.now - since < estate.register.policy.silentAfterDays * DAY_MS) continue;
    silences.push({
      host,
      endpoints: known.get(name) ?? endpointsOf(entry, host),
      since,
      everSeen: seen !== undefined,
    });
  }
  return silences.sort((a, b) => a.since - b.since || compareText(a.host, b.host));
}

/** Endpoints that the entry means on a host where none was ever seen; of a wide range the first ones. */
function endpointsOf(entry: RegisterEntry, host: string): Endpoint[] {
  const scope = entry.scope === 'any' ? 'host' : entry.scope;
  const endpoints: Endpoint[] = [];
  for (const { from, to } of entry.ports)
    for (let port = from; port <= to && endpoints.length < MAX_PORTS; port++)
      endpoints.push({ host, scope, transport: entry.transport, port });
  return endpoints;
}

/** Says whether the host was looked at wherever the entry could be listening. */
function covers(state: HostState, entry: RegisterEntry): boolean {
  return state.coverage.some(
    (c) => c.host === state.host.name && c.addresses === 'all' && coversScope(c, entry) && coversPorts(c, entry),
  );
}

/** A scope with wildcards, or `any`, is covered only where every scope of the host was enumerated. */
function coversScope(coverage: Coverage, entry: RegisterEntry): boolean {
  return (
    coverage.scope === '*' || (coverage.scope === entry.scope && entry.scope !== 'any' && !/[*?]/.test(entry.scope))
  );
}

function coversPorts(coverage: Coverage, entry: RegisterEntry): boolean {
  return coverage.transports.includes(entry.transport) && portsContain(coverage.ports, entry.ports);
}

import type { Endpoint } from '../model/endpoint.ts';
import type { EndpointFacts, EstateFacts } from '../model/facts.ts';
import type { FindingDraft } from '../model/finding.ts';
import { isStale } from '../model/freshness.ts';
import { isLoopbackBind } from '../model/missing-fields.ts';
import type { Coverage, PortRange } from '../model/observation.ts';
import { formatPorts, mergePorts, portsContain } from '../model/port-ranges.ts';
import { DAY_MS, type RegisterEntry } from '../model/register.ts';
import type { HostState } from '../model/state.ts';
import { preferInsideLooks, vantageKind } from '../model/vantage.ts';
import { compareText } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { count, listWords } from '../util/words.ts';
import type { Check } from './check.ts';

/** Hosts of a finding that are named one by one. */
const MAX_NAMED = 20;

/** Ports of a range that are named one by one. */
const MAX_PORTS = 4;

/** A port or range of an entry on which nothing listens on a host, although somebody looked. */
interface Silence {
  readonly host: string;
  readonly range: PortRange;
  /** Endpoints of it that were seen once. */
  readonly known: readonly Endpoint[];
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
      const hosts = [...new Set(silences.map((s) => s.host))];
      const what = `${formatPorts(mergePorts(silences.map((s) => s.range)))}/${entry.transport}`;
      found.push({
        subject: { kind: 'entry', entry: entry.id },
        entry: entry.id,
        endpoints: silences.slice(0, MAX_NAMED).flatMap((s) => endpointsOf(entry, s)),
        message: longest.everSeen
          ? `Nothing has listened on ${what} of ${listWords(hosts)} for ${count(days, 'day')}, although ${entry.id} registers it.`
          : `${entry.id} registers ${what}, and in ${count(days, 'day')} of looking nothing ever listened there on ${listWords(hosts)}.`,
        evidence: [
          ...silences.slice(0, MAX_NAMED).map((s) => ({
            label: `${s.host} ${formatPorts([s.range])}/${entry.transport}`,
            value: `${s.everSeen ? 'silent' : 'never seen, looked'} for ${count(Math.floor((estate.now - s.since) / DAY_MS), 'day')}`,
          })),
          ...(silences.length > MAX_NAMED ? [{ label: 'and', value: String(silences.length - MAX_NAMED) }] : []),
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

/**
 * Longest silence first. Each port that the entry names is expected on each host; of a range one port is enough, as a
 * range is room and not a promise.
 */
function silencesOf(
  entry: RegisterEntry,
  estate: EstateFacts,
  statesByHost: ReadonlyMap<string, readonly HostState[]>,
): Silence[] {
  const chosen = estate.hostsByEntry.get(entry.id) ?? [];
  if (chosen.length === 0) return [];
  if (isListeningEverywhere(entry, chosen.length, estate)) return [];
  const listening = new Set<string>();
  const closed = new Map<string, EndpointFacts[]>();
  for (const facts of estate.endpointsByEntry.get(entry.id) ?? []) {
    const key = keyOf(entry, facts.endpoint.host.toLowerCase(), rangeOf(entry, facts.endpoint.port));
    if (facts.listeners.length > 0) listening.add(key);
    else getOrMake(closed, key, () => []).push(facts);
  }
  const silences: Silence[] = [];
  if (listening.size === chosen.length * entry.ports.length) return silences;
  for (const host of chosen) {
    const name = host.toLowerCase();
    const silent = entry.ports.filter((_, i) => !listening.has(keyOf(entry, name, i)));
    if (silent.length === 0) continue;
    // What the host itself shows decides; a port on loopback, say, is closed to everybody outside.
    const looked = preferInsideLooks(statesByHost.get(name) ?? []).filter(
      (h) => !isStale(h.lastObservedAt, estate) && (covers(h, entry) || refuses(h, entry)),
    );
    if (looked.length === 0) continue;
    for (const range of silent) {
      const known = closed.get(keyOf(entry, name, entry.ports.indexOf(range))) ?? [];
      const ends = known.flatMap((facts) => facts.closed.map((s) => s.closedAt ?? s.lastSeen));
      const since = ends.length > 0 ? Math.max(...ends) : Math.min(...looked.map((h) => h.firstObservedAt));
      if (estate.now - since < estate.register.policy.silentAfterDays * DAY_MS) continue;
      silences.push({ host, range, known: known.map((facts) => facts.endpoint), since, everSeen: ends.length > 0 });
    }
  }
  return silences.sort((a, b) => a.since - b.since || compareText(a.host, b.host));
}

/**
 * The usual case, decided by counting: where an entry names single ports of one scope, each open endpoint is another
 * one that it names.
 */
function isListeningEverywhere(entry: RegisterEntry, hosts: number, estate: EstateFacts): boolean {
  if (entry.scope === 'any' || /[*?]/.test(entry.scope) || entry.ports.some((p) => p.from !== p.to)) return false;
  let open = 0;
  for (const { listeners, endpoint } of estate.endpointsByEntry.get(entry.id) ?? [])
    if (listeners.length > 0 && endpoint.scope === entry.scope) open++;
  return open === hosts * entry.ports.length;
}

/** Names a range of the entry on a host; the host's name does where there is but one. */
function keyOf(entry: RegisterEntry, host: string, range: number): string {
  return entry.ports.length === 1 ? host : `${range} ${host}`;
}

function rangeOf(entry: RegisterEntry, port: number): number {
  return entry.ports.findIndex((range) => port >= range.from && port <= range.to);
}

/** The endpoints seen once; where there are none, those that the entry means (of a wide range the first ones). */
function endpointsOf(entry: RegisterEntry, { host, range, known }: Silence): readonly Endpoint[] {
  if (known.length > 0) return known.slice(0, MAX_PORTS);
  const scope = entry.scope === 'any' ? 'host' : entry.scope;
  const length = Math.min(range.to - range.from + 1, MAX_PORTS);
  return Array.from({ length }, (_, i) => ({ host, scope, transport: entry.transport, port: range.from + i }));
}

/** Says whether the host was looked at wherever the entry could be listening. */
function covers(state: HostState, entry: RegisterEntry): boolean {
  return state.coverage.some(
    (c) => c.host === state.host.name && c.addresses === 'all' && coversScope(c, entry) && coversPorts(c, entry),
  );
}

/** Says whether every port of the entry was refused when it was asked from outside. No answer says nothing. */
function refuses(state: HostState, entry: RegisterEntry): boolean {
  if (vantageKind(state.vantage) === 'inside' || isLoopbackBind(entry.bind)) return false;
  const closed = (state.outcomes ?? []).filter((o) => o.outcome === 'closed' && o.transport === entry.transport);
  const addresses = new Set(state.coverage.flatMap((c) => (c.addresses === 'all' ? [] : c.addresses)));
  return (
    addresses.size > 0 &&
    [...addresses].every((address) =>
      portsContain(mergePorts(closed.filter((o) => o.address === address).flatMap((o) => o.ports)), entry.ports),
    )
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

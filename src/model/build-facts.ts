import { compareText } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import type { EndpointAdmission } from './admission.ts';
import type { Declaration } from './declaration.ts';
import { declarationsFor } from './declaration-match.ts';
import { compareEndpoints, type Endpoint, endpointKey } from './endpoint.ts';
import type { EndpointFacts, Facts, MatchedEntry, Surroundings } from './facts.ts';
import type { MatchHost } from './host-selector.ts';
import { compareListeners } from './listener.ts';
import { buildMatcher, type Covering, type Matcher, mergeHosts } from './match.ts';
import { inRanges, type PortRange } from './observation.ts';
import { mergePorts } from './port-ranges.ts';
import type { ApprovalState, Register, RegisterEntry, RegisterProblem } from './register.ts';
import type { HostState, ListenerState } from './state.ts';
import type { EndpointTraffic } from './traffic.ts';

/** Everything known, before it is put side by side. */
export interface FactsInput {
  /** UTC milliseconds. */
  readonly now: number;
  readonly register: Register;
  /** By entry id. An entry without one counts as `unknown`. */
  readonly approvals: ReadonlyMap<string, ApprovalState>;
  readonly hosts: readonly HostState[];
  readonly listeners: readonly ListenerState[];
  /** Hosts that selectors choose from besides those observed (identity.ts). Absent: those that quietdoor.yaml declares. */
  readonly known?: readonly MatchHost[];
  /** Endpoints to answer for although nothing may listen there. */
  readonly also?: readonly Endpoint[];
  readonly surroundings?: Surroundings;
  /** Who can connect, by the packet filters; absent: no ruleset is known. */
  readonly admissionOf?: (endpoint: Endpoint) => EndpointAdmission | undefined;
  /** Who does connect, by flows; absent: no flows are kept. */
  readonly trafficOf?: (endpoint: Endpoint) => EndpointTraffic | undefined;
}

interface Seen {
  readonly endpoint: Endpoint;
  /** Asked for by name. */
  readonly asked: boolean;
  readonly open: readonly ListenerState[];
  readonly closed: readonly ListenerState[];
}

/**
 * Puts what is approved and what is observed side by side (facts.ts). `endpoints` are those with an open listener and
 * those of `also`; endpoints where everything is closed are under the entries that cover them.
 */
export function buildFacts(input: FactsInput): Facts {
  const { now, register, approvals, hosts } = input;
  const known = knownHosts(input);
  const matcher = buildMatcher(register.entries, known);
  const hostStates = groupByHost(hosts);
  const matched = matchedEntries(approvals, hostStates, known);
  const mayBeBroken = brokenPart(register.problems);
  const declaredFor = declarationsFor(input.surroundings?.declarations ?? [], known);

  const endpoints: EndpointFacts[] = [];
  const byEntry = new Map<string, EndpointFacts[]>(register.entries.map((entry) => [entry.id, []]));
  for (const seen of seenEndpoints(input)) {
    const { endpoint } = seen;
    const covering = matcher.entriesFor(endpoint);
    const facts: Mutable<EndpointFacts> = {
      endpoint,
      listeners: seen.open,
      closed: seen.closed,
      entries: matched(covering, endpoint.host),
      host: hostStates.get(endpoint.host.toLowerCase()) ?? [],
      mayBeInBrokenPart: mayBeBroken(endpoint),
    };
    const declared = declaredFor?.(endpoint) ?? NO_DECLARATION;
    if (declared.length > 0) facts.declared = declared;
    const admission = input.admissionOf?.(endpoint);
    if (admission) facts.admission = admission;
    const traffic = input.trafficOf?.(endpoint);
    if (traffic) facts.traffic = traffic;
    if (seen.open.length > 0 || seen.asked) endpoints.push(facts);
    if (seen.open.length + seen.closed.length > 0) for (const { entry } of covering) byEntry.get(entry.id)?.push(facts);
  }
  return {
    estate: {
      ...input.surroundings,
      now,
      register,
      approvals,
      hosts,
      endpointsByEntry: byEntry,
      hostsByEntry: observedHostsByEntry(matcher, register.entries, hostStates),
    },
    endpoints,
  };
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

const NO_DECLARATION: readonly Declaration[] = [];

/** Hosts as observed, with all that is known of them elsewhere; and those that nobody observed. */
function knownHosts({ register, hosts, listeners, known = register.hosts }: FactsInput) {
  const names = new Set(listeners.map((state) => state.listener.host));
  return mergeHosts([
    ...hosts.map((state) => state.host),
    ...[...names].map((name) => ({ name, addresses: [], tags: [] })),
    ...known,
  ]);
}

function groupByHost(hosts: readonly HostState[]): ReadonlyMap<string, readonly HostState[]> {
  const byName = new Map<string, HostState[]>();
  for (const state of hosts) getOrMake(byName, state.host.name.toLowerCase(), () => []).push(state);
  for (const states of byName.values()) states.sort((a, b) => compareText(a.vantage, b.vantage));
  return byName;
}

/** Every endpoint that is known or asked for, sorted. */
function seenEndpoints({ listeners, also = [] }: FactsInput): Iterable<Seen> {
  const seen = groupByEndpoint(listeners.toSorted(compareStates));
  return also.length === 0 ? seen : withAsked(seen, also);
}

/** Sorting has brought the listeners of an endpoint together. */
function* groupByEndpoint(sorted: readonly ListenerState[]): Iterable<Seen> {
  for (let from = 0, to = 0; from < sorted.length; from = to) {
    const { listener } = sorted[from] as ListenerState;
    while (sorted[to] && compareEndpoints(listener, (sorted[to] as ListenerState).listener) === 0) to++;
    const { host, scope, transport, port } = listener;
    const states = sorted.slice(from, to);
    const open = states.every((state) => state.open) ? states : states.filter((state) => state.open);
    const closed = open === states ? NONE : states.filter((state) => !state.open);
    yield { endpoint: { host, scope, transport, port }, asked: false, open, closed };
  }
}

function withAsked(seen: Iterable<Seen>, also: readonly Endpoint[]): Seen[] {
  const byKey = new Map(Array.from(seen, (s) => [endpointKey(s.endpoint), s]));
  for (const { host, scope, transport, port } of also) {
    const endpoint = { host, scope, transport, port };
    const known = byKey.get(endpointKey(endpoint)) ?? { endpoint, open: NONE, closed: NONE };
    byKey.set(endpointKey(endpoint), { ...known, asked: true });
  }
  return [...byKey.values()].sort((a, b) => compareEndpoints(a.endpoint, b.endpoint));
}

const NONE: readonly ListenerState[] = [];

function compareStates(a: ListenerState, b: ListenerState): number {
  return compareListeners(a.listener, b.listener) || compareText(a.vantage, b.vantage);
}

const NOT_WORKED_OUT: ApprovalState = { kind: 'unknown', reason: 'its approval was not worked out' };

/**
 * Returns what adds to entries their approval and whether they were meant for the host. There are at most two objects per
 * entry, and as many lists for endpoints that it alone covers.
 */
function matchedEntries(
  approvals: ReadonlyMap<string, ApprovalState>,
  hosts: ReadonlyMap<string, readonly HostState[]>,
  known: readonly MatchHost[],
): (covering: readonly Covering[], host: string) => readonly MatchedEntry[] {
  const firstObserved = new Map([...hosts].map(([name, s]) => [name, Math.min(...s.map((h) => h.firstObservedAt))]));
  const stamped = new Map<RegisterEntry, ReadonlySet<string>>();
  // A host may have been confirmed by the address or the name that it went by at the time.
  const aliases = new Map(
    known
      .filter((h) => h.names !== undefined && h.names.length > 0)
      .map((h) => [h.name.toLowerCase(), h.names?.map((n) => n.toLowerCase())]),
  );
  const alone = { yes: new Map<RegisterEntry, Alone>(), no: new Map<RegisterEntry, Alone>() };

  function isConfirmed({ entry, namesHost }: Covering, host: string): boolean {
    if (namesHost) return true;
    const { approval } = entry;
    if (!approval) return false;
    const { hosts: confirmed } = approval;
    const name = host.toLowerCase();
    if (confirmed) {
      const stamp = getOrMake(stamped, entry, () => new Set(confirmed.map((c) => c.toLowerCase())));
      return stamp.has(name) || (aliases.get(name)?.some((alias) => stamp.has(alias)) ?? false);
    }
    // A host that nobody has looked at when the approval was given cannot have been meant by it.
    return (firstObserved.get(name) ?? Number.POSITIVE_INFINITY) <= approval.at;
  }

  function matched(covering: Covering, host: string): Alone {
    const { entry } = covering;
    const hostConfirmed = isConfirmed(covering, host);
    const known = hostConfirmed ? alone.yes : alone.no;
    let found = known.get(entry);
    if (!found) {
      found = [{ entry, approval: approvals.get(entry.id) ?? NOT_WORKED_OUT, hostConfirmed }];
      known.set(entry, found);
    }
    return found;
  }

  return (covering, host) => {
    const [first] = covering;
    if (first && covering.length === 1) return matched(first, host);
    return covering.map((c) => matched(c, host)[0]);
  };
}

type Alone = readonly [MatchedEntry];

/** Returns what says whether an unreadable part of the register might be about an endpoint. */
function brokenPart(problems: readonly RegisterProblem[]): (endpoint: Endpoint) => boolean {
  const parts = problems.flatMap((p) => (p.severity === 'error' && p.mightCover ? [p.mightCover] : []));
  if (parts.length === 0) return () => false;
  if (parts.includes('anything')) return () => true;
  const byTransport = new Map<string, PortRange[]>();
  for (const part of parts)
    if (part !== 'anything') getOrMake(byTransport, part.transport ?? 'all', () => []).push(...part.ports);
  for (const [transport, ports] of byTransport) byTransport.set(transport, [...mergePorts(ports)]);
  return ({ transport, port }) =>
    inRanges(byTransport.get('all') ?? [], port) || inRanges(byTransport.get(transport) ?? [], port);
}

/** Entries that choose the same hosts share one list. */
function observedHostsByEntry(
  matcher: Matcher,
  entries: readonly RegisterEntry[],
  hosts: ReadonlyMap<string, readonly HostState[]>,
): ReadonlyMap<string, readonly string[]> {
  const observed = new Map<readonly string[], readonly string[]>();
  return new Map(
    entries.map((entry) => {
      const selected = matcher.hostsSelected(entry);
      return [entry.id, getOrMake(observed, selected, () => selected.filter((name) => hosts.has(name.toLowerCase())))];
    }),
  );
}

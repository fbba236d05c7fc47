import { formatAddress, parseAddress, unmapAddress } from '../model/address.ts';
import { type AddressSet, has } from '../model/address-set.ts';
import { parseAddressSet } from '../model/address-set-text.ts';
import type { Anomaly } from '../model/anomaly.ts';
import { readSources } from '../model/approved-sources.ts';
import { type Endpoint, endpointKey, HOST_SCOPE, UNKNOWN_SCOPE } from '../model/endpoint.ts';
import { PROTOCOL } from '../model/flow.ts';
import type { Identities } from '../model/identity.ts';
import { buildMatcher } from '../model/match.ts';
import { DAY_MS, type Register, type RegisterEntry, type Zone } from '../model/register.ts';
import type { ListenerState } from '../model/state.ts';
import { type EndpointTraffic, MAX_SOURCES, type SourceTraffic } from '../model/traffic.ts';
import { coveredShare, coveredSince, coveredTimes, type Interval } from '../model/traffic-coverage.ts';
import { slotCounts, usualHours } from '../model/traffic-hours.ts';
import type { FlowStore } from '../store/flow-store.ts';
import { getOrMake } from '../util/get-or-make.ts';

/** Days that usual hours and the sparkline look at; the time as a whole is never shorter than policy.silentAfter. */
const WEEKS_DAYS = 28;
const QUARTERS = WEEKS_DAYS * 4;
const HOUR = 3_600;
const QUARTER = 6 * HOUR;
const MOST_ANOMALIES = 50;

export interface FlowFactsInput {
  readonly flows: FlowStore;
  readonly identities: Pick<Identities, 'listeners' | 'known' | 'nameOf'>;
  readonly register: Register;
  /** Endpoints to answer for although nothing may listen there. */
  readonly also: readonly Endpoint[];
  /** Answer for those alone. */
  readonly only: boolean;
  /** Unusual traffic of late. */
  readonly anomalies: readonly Anomaly[];
  /** UTC milliseconds. */
  readonly now: number;
}

/** What was seen of one endpoint while rows are read. */
interface Seen {
  readonly endpoint: Endpoint;
  readonly addresses: ReadonlySet<string>;
  readonly entry: RegisterEntry | null;
  readonly approved: AddressSet | null;
  readonly sources: Map<string, SourceTraffic>;
  /** Connections per hour. */
  readonly hours: Map<number, number>;
  connections: number;
  denied: number;
  bytes: number;
  undirected: number;
}

/** Puts the flows that are kept beside the endpoints that are known. Gives undefined for an endpoint that no flow and no feed is of. */
export async function flowFacts(input: FlowFactsInput): Promise<(endpoint: Endpoint) => EndpointTraffic | undefined> {
  const { flows, register, now } = input;
  const untilS = Math.floor(now / 1_000);
  const days = Math.max(WEEKS_DAYS, register.policy.silentAfterDays);
  const from = untilS - days * (DAY_MS / 1_000);
  const seen = endpointsToSee(input);
  const byPort = new Map<string, Seen[]>();
  for (const one of seen.values())
    for (const address of one.addresses) getOrMake(byPort, portKey(address, one.endpoint), () => []).push(one);
  const destinations = input.only ? [...new Set([...seen.values()].flatMap((one) => [...one.addresses]))] : undefined;
  if (seen.size > 0 && (destinations === undefined || destinations.length > 0)) {
    const query = { from: 0, until: untilS + 1, ...(destinations && { destinations }) };
    for await (const sum of flows.sources(query, from)) {
      for (const one of byPort.get(portKey(sum.destination, sum)) ?? []) addSource(one, sum, from);
    }
    for await (const slot of flows.slots({ ...query, from }, HOUR))
      for (const one of byPort.get(portKey(slot.destination, slot)) ?? []) {
        one.connections += slot.connections;
        one.denied += slot.denied;
        one.bytes += slot.bytes;
        one.undirected += slot.undirected;
        one.hours.set(slot.slot, (one.hours.get(slot.slot) ?? 0) + slot.connections);
      }
  }
  const coverage = await coverageOf(flows, untilS);
  const unusual = Map.groupBy(
    input.anomalies.filter((anomaly) => anomaly.endpoint),
    ({ endpoint }) => `${endpoint?.host.toLowerCase()} ${endpoint?.port}/${endpoint?.transport}`,
  );
  const late = register.policy.staleAfterHours * HOUR;
  const traffic = new Map<string, EndpointTraffic>();
  for (const [key, one] of seen) {
    const { feeds, times } = coverage(one.addresses);
    if (feeds.length === 0 && one.sources.size === 0 && one.undirected === 0) continue;
    const { host, port, transport } = one.endpoint;
    const anomalies = unusual.get(`${host.toLowerCase()} ${port}/${transport}`) ?? [];
    traffic.set(key, summarise(one, { from, until: untilS }, { feeds, times, late, anomalies, zones: register.zones }));
  }
  return (endpoint) => traffic.get(endpointKey(endpoint));
}

function endpointsToSee({ identities, register, also, only }: FlowFactsInput): ReadonlyMap<string, Seen> {
  const matcher = buildMatcher(register.entries, identities.known);
  const addresses = new Map<string, Set<string>>();
  for (const { name, addresses: own } of identities.known)
    for (const text of own) {
      const plain = plainAddress(text);
      if (plain !== null) getOrMake(addresses, name.toLowerCase(), () => new Set()).add(plain);
    }
  const wanted = new Set(also.map(endpointKey));
  const bound = new Map<string, { endpoint: Endpoint; states: ListenerState[] }>();
  for (const endpoint of also) bound.set(endpointKey(endpoint), { endpoint, states: [] });
  for (const state of identities.listeners) {
    const { host, scope, transport, port } = state.listener;
    const endpoint = { host, scope, transport, port };
    const key = endpointKey(endpoint);
    if (only && !wanted.has(key)) continue;
    getOrMake(bound, key, () => ({ endpoint, states: [] })).states.push(state);
  }
  const seen = new Map<string, Seen>();
  for (const [key, { endpoint, states }] of bound) {
    if (!(endpoint.transport in PROTOCOL)) continue;
    const ofHost = addresses.get(endpoint.host.toLowerCase()) ?? new Set<string>();
    const own = addressesOf(endpoint, states, ofHost);
    if (own.size === 0) continue;
    const entry = matcher.entriesFor(endpoint)[0]?.entry ?? null;
    const sources = entry ? readSources(entry, register.zones) : null;
    const approved = sources?.kind === 'set' ? sources.set : null;
    const counts = { connections: 0, denied: 0, bytes: 0, undirected: 0 };
    seen.set(key, { endpoint, addresses: own, entry, approved, sources: new Map(), hours: new Map(), ...counts });
  }
  return seen;
}

/** Addresses at which an endpoint answers; none for a scope of its own whose addresses are not known. */
function addressesOf(
  { host, scope }: Endpoint,
  states: readonly ListenerState[],
  ofHost: ReadonlySet<string>,
): ReadonlySet<string> {
  const isOfHost = scope === HOST_SCOPE || scope === UNKNOWN_SCOPE;
  const found = new Set<string>();
  const all = () => {
    for (const address of ofHost) found.add(address);
    const named = plainAddress(host);
    if (named !== null) found.add(named);
  };
  if (states.length === 0 && isOfHost) all();
  for (const { listener } of states) {
    if (listener.bind === 'loopback') continue;
    if (listener.bind !== 'any') {
      const address = plainAddress(listener.address);
      if (address !== null) found.add(address);
    } else if (isOfHost) all();
  }
  return found;
}

/** An address as flows are given out: no zone, an IPv4-mapped one as IPv4. */
function plainAddress(text: string): string | null {
  const address = parseAddress(text.split('%', 1)[0] as string);
  return address === null ? null : formatAddress(unmapAddress(address));
}

function portKey(address: string, { port, ...of }: { port: number; protocol?: number; transport?: string }): string {
  const protocol = of.protocol ?? PROTOCOL[of.transport as keyof typeof PROTOCOL];
  return `${address} ${protocol} ${port}`;
}

function addSource(
  one: Seen,
  sum: {
    source: string;
    connections: number;
    accepted: number;
    denied: number;
    bytes: number;
    first: number;
    last: number;
    lastAccepted: number | null;
  },
  from: number,
): void {
  const before = one.sources.get(sum.source);
  const ms = (seconds: number): number => seconds * 1_000;
  const lastAccepted = later(before?.lastAccepted ?? null, sum.lastAccepted === null ? null : ms(sum.lastAccepted));
  // Before the time that is looked at it only matters that it came.
  if (before === undefined && sum.last < from && sum.lastAccepted === null) return;
  one.sources.set(sum.source, {
    source: sum.source,
    firstSeen: Math.min(before?.firstSeen ?? Number.POSITIVE_INFINITY, ms(sum.first)),
    lastSeen: Math.max(before?.lastSeen ?? 0, ms(sum.last)),
    connections: (before?.connections ?? 0) + sum.connections,
    accepted: (before?.accepted ?? 0) + sum.accepted,
    denied: (before?.denied ?? 0) + sum.denied,
    bytes: (before?.bytes ?? 0) + sum.bytes,
    lastAccepted,
    approved: before ? before.approved : isApproved(one, sum.source),
  });
}

function later(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}

/** The host itself may always connect to itself: an entry says who may from outside. */
function isApproved({ approved, addresses }: Seen, source: string): boolean | null {
  if (approved === null) return null;
  const address = parseAddress(source);
  return address !== null && (addresses.has(source) || has(approved, address));
}

interface Coverage {
  readonly feeds: readonly string[];
  readonly times: readonly Interval[];
}

/** Says which feeds report of any of the addresses, and when they did. */
async function coverageOf(flows: FlowStore, until: number): Promise<(addresses: ReadonlySet<string>) => Coverage> {
  const coverage = await flows.coverage(0, until);
  const feedsOf = new Map<string, string[]>();
  for (const [feed, addresses] of await flows.feedAddresses())
    for (const address of addresses) getOrMake(feedsOf, address, () => []).push(feed);
  const known = new Map<string, Coverage>();
  return (addresses) => {
    const feeds = [...new Set([...addresses].flatMap((address) => feedsOf.get(address) ?? []))].sort();
    return getOrMake(known, feeds.join('\n'), () => ({ feeds, times: coveredTimes(coverage, new Set(feeds)) }));
  };
}

function summarise(
  one: Seen,
  time: Interval,
  {
    feeds,
    times,
    late,
    anomalies,
    zones,
  }: Coverage & { readonly late: number; readonly anomalies: readonly Anomaly[]; readonly zones: readonly Zone[] },
): EndpointTraffic {
  const all = [...one.sources.values()];
  const inTime = all.filter((source) => source.lastSeen >= time.from * 1_000);
  const isUnapproved = (source: SourceTraffic) => source.approved === false && source.accepted > 0;
  const since = coveredSince(times, time.until, late);
  const weeks = { from: time.until - WEEKS_DAYS * 24 * HOUR, until: time.until };
  return {
    from: time.from * 1_000,
    until: time.until * 1_000,
    covered: coveredShare(times, time),
    coveredSince: since === null ? null : since * 1_000,
    feeds,
    connections: one.connections,
    denied: one.denied,
    bytes: one.bytes,
    lastAccepted: all.reduce<number | null>((last, source) => later(last, source.lastAccepted), null),
    sources: inTime
      .sort(
        (a, b) =>
          Number(isUnapproved(b)) - Number(isUnapproved(a)) ||
          b.connections - a.connections ||
          b.denied - a.denied ||
          (a.source < b.source ? -1 : 1),
      )
      .slice(0, MAX_SOURCES),
    sourceCount: inTime.length,
    acceptedCount: inTime.filter((source) => source.connections > 0).length,
    unapprovedCount: inTime.filter(isUnapproved).length,
    unusedSources: unusedSources(one, inTime, zones),
    quarterDays: slotCounts(one.hours, times, time.until, QUARTERS, QUARTER),
    ...usualHours(one.hours, times, weeks),
    learnedDays: Math.floor(Math.max(0, time.until - Math.max(weeks.from, times[0]?.from ?? time.until)) / (24 * HOUR)),
    anomalies: [...anomalies]
      .sort((a, b) => b.surprise - a.surprise || (a.id < b.id ? -1 : 1))
      .slice(0, MOST_ANOMALIES),
    undirected: one.undirected,
  };
}

/** What an entry allows and nobody came from; zones count as one. */
function unusedSources(
  { entry, approved }: Seen,
  sources: readonly SourceTraffic[],
  zones: readonly Zone[],
): readonly string[] | null {
  if (!entry?.sources || approved === null) return null;
  const came = sources.flatMap((source) => {
    const address = source.connections > 0 ? parseAddress(source.source) : null;
    return address === null ? [] : [address];
  });
  return entry.sources.filter((text) => {
    const cidrs = zones.find((zone) => text === `zone:${zone.name}`)?.cidrs ?? [text];
    const { set } = parseAddressSet(cidrs);
    return !came.some((address) => has(set, address));
  });
}

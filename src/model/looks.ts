import { compareBy } from '../util/compare.ts';
import { showsHost } from './asset-match.ts';
import { type Endpoint, HOST_SCOPE, type Scope, UNKNOWN_SCOPE } from './endpoint.ts';
import type { EndpointFacts, EstateFacts } from './facts.ts';
import { isStale } from './freshness.ts';
import { answersOn } from './identity-scopes.ts';
import type { Listener } from './listener.ts';
import { type Coverage, inRanges } from './observation.ts';
import type { HostState, ListenerState } from './state.ts';
import { vantageKind } from './vantage.ts';

/** How a port answered at one address when it was asked from outside. */
export interface OutsideAnswer {
  readonly vantage: string;
  readonly address: string;
  readonly outcome: 'open' | 'closed' | 'filtered' | 'unreachable';
  /** UTC milliseconds. */
  readonly at: number;
  /** It did not answer although a listener was bound to the address by then: something in between kept it away. */
  readonly thoughBound?: true;
}

function coversPort(coverage: Coverage, { transport, port }: Endpoint): boolean {
  return coverage.transports.includes(transport) && inRanges(coverage.ports, port);
}

/**
 * What looks from outside found of an endpoint, by address; empty where nobody asked. The host's addresses are the host's
 * own: of a listener in another scope they say nothing, unless it is bound to the address or is what answered there.
 */
export function outsideAnswers({
  endpoint,
  host,
  listeners,
}: Pick<EndpointFacts, 'endpoint' | 'host' | 'listeners'>): readonly OutsideAnswer[] {
  if (host.length === 1 && host[0]?.vantage === 'local') return [];
  const bound = listeners.filter((s) => s.open && vantageKind(s.vantage) === 'inside');
  const answers = openAnswers(listeners);
  const isOfHost = endpoint.scope === HOST_SCOPE || endpoint.scope === UNKNOWN_SCOPE;
  for (const { vantage, lastObservedAt: at, coverage, outcomes = [] } of host) {
    if (vantageKind(vantage) === 'inside') continue;
    const asked = coverage.flatMap((c) => (c.addresses !== 'all' && coversPort(c, endpoint) ? c.addresses : []));
    for (const address of new Set(asked)) {
      if (!isOfHost && !bound.some((s) => s.listener.address === address)) continue;
      const outcome = outcomes.find(
        (o) => o.address === address && o.transport === endpoint.transport && inRanges(o.ports, endpoint.port),
      )?.outcome;
      if (outcome === undefined || outcome === 'open|filtered') continue;
      const thoughBound = bound.some((s) => s.openSince <= at && isSurelyBound(s.listener, address, outcome));
      answers.push({ vantage, address, outcome, at, ...(thoughBound && { thoughBound }) });
    }
  }
  return answers.sort(
    compareBy(
      (a) => a.vantage,
      (a) => a.address,
    ),
  );
}

/** What answered, the newest of each vantage and address: a later look need not have asked for it again. */
function openAnswers(listeners: readonly ListenerState[]): OutsideAnswer[] {
  const newest = new Map<string, OutsideAnswer>();
  for (const { open, vantage, lastSeen: at, listener } of listeners) {
    if (!open || vantageKind(vantage) === 'inside') continue;
    const key = `${vantage} ${listener.address}`;
    if (at >= (newest.get(key)?.at ?? 0)) newest.set(key, { vantage, address: listener.address, outcome: 'open', at });
  }
  return [...newest.values()];
}

/** A socket on [::] may be one for IPv6 only, which the kernel's tables do not tell; then IPv4 is refused. */
function isSurelyBound(listener: Listener, address: string, outcome: OutsideAnswer['outcome']): boolean {
  if (outcome === 'closed' && listener.address === '::' && !address.includes(':')) return false;
  return answersOn(listener, address);
}

/** The newest look from inside that covers a port, in whatever scope; `everyScope`: it enumerated all of them. */
export function insideLookAt({
  endpoint,
  host,
}: Pick<EndpointFacts, 'endpoint' | 'host'>): { readonly state: HostState; readonly everyScope: boolean } | null {
  let newest: { state: HostState; everyScope: boolean } | null = null;
  for (const state of host) {
    if (vantageKind(state.vantage) === 'outside' || state.lastObservedAt < (newest?.state.lastObservedAt ?? 0))
      continue;
    const covering = state.coverage.filter((c) => c.addresses === 'all' && coversPort(c, endpoint));
    const has = (scope: Scope) => covering.some((c) => c.scope === scope);
    if (has('*') || has(HOST_SCOPE)) newest = { state, everyScope: has('*') };
  }
  return newest;
}

const outside = new WeakMap<readonly HostState[], boolean>();

/** Says whether any host was ever looked at from outside. */
export function hasOutsideLook({ hosts }: EstateFacts): boolean {
  let found = outside.get(hosts);
  if (found === undefined) {
    found = hosts.some((state) => vantageKind(state.vantage) === 'outside');
    outside.set(hosts, found);
  }
  return found;
}

/** Says whether two looks lie so far apart that what differs between them may just have changed. */
export function areOfDifferentTimes(a: number, b: number, estate: EstateFacts): boolean {
  return isStale(Math.min(a, b), { ...estate, now: Math.max(a, b) });
}

/** Looks at addresses that gave no answer at all, of hosts that nothing else was seen of: there may be no host. */
export function silentLooks(hosts: readonly HostState[]): readonly HostState[] {
  const silent = hosts.filter((state) => !showsHost(state));
  if (silent.length === 0) return silent;
  const seen = new Set(hosts.filter(showsHost).map((state) => state.host.name));
  return silent.filter((state) => !seen.has(state.host.name));
}

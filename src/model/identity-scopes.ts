import { getOrMake } from '../util/get-or-make.ts';
import { type Endpoint, HOST_SCOPE, type Scope, UNKNOWN_SCOPE } from './endpoint.ts';
import { type Listener, listenerKey } from './listener.ts';
import { isCovered } from './observation.ts';
import type { HostState, ListenerState } from './state.ts';
import { vantageKind } from './vantage.ts';

/**
 * Brings together what the vantages of a host saw. A port seen from outside takes the scope of the one listener that the
 * host itself knows to answer there. Of several looks from inside the newest one decides: what it covers and lacks is
 * closed, and so is what answered a scan before the host saw it close. `hosts` and `listeners` have unified names.
 */
export function matchScopes(
  hosts: readonly HostState[],
  listeners: readonly ListenerState[],
): readonly ListenerState[] {
  const looks = Map.groupBy(hosts, (state) => state.host.name);
  const isMixed = (states: readonly HostState[]) => states.length > 1;
  const mixed = new Map([...looks].filter(([, states]) => isMixed(states)));
  if (mixed.size === 0) return listeners;
  const known = insideListeners(mixed, listeners);
  const result: ListenerState[] = [];
  let isSame = true;
  for (const state of listeners) {
    const ofHost = mixed.get(state.listener.host);
    const next = ofHost === undefined ? state : bringTogether(state, ofHost, known);
    if (next !== state) isSame = false;
    if (next !== null) result.push(next);
  }
  return isSame ? listeners : result;
}

/** Listeners seen from inside on one port of a host. */
type Known = ReadonlyMap<string, readonly ListenerState[]>;

function portKey({ host, transport, port }: Endpoint): string {
  return `${host}|${transport}|${port}`;
}

function insideListeners(mixed: ReadonlyMap<string, readonly HostState[]>, listeners: readonly ListenerState[]): Known {
  const known = new Map<string, ListenerState[]>();
  for (const state of listeners)
    if (mixed.has(state.listener.host) && vantageKind(state.vantage) === 'inside')
      getOrMake(known, portKey(state.listener), () => []).push(state);
  return known;
}

function bringTogether(state: ListenerState, looks: readonly HostState[], known: Known): ListenerState | null {
  return vantageKind(state.vantage) === 'inside'
    ? supersede(state, looks, known.get(portKey(state.listener)) ?? [])
    : placeOutside(state, known.get(portKey(state.listener)) ?? []);
}

/** What a newer look from inside covers and lacks is closed since. A client's socket is not kept. */
function supersede(
  state: ListenerState,
  looks: readonly HostState[],
  same: readonly ListenerState[],
): ListenerState | null {
  if (!state.open) return state;
  const key = listenerKey(state.listener);
  let closedAt: number | null = null;
  for (const look of looks) {
    if (look.lastObservedAt <= state.lastSeen || vantageKind(look.vantage) === 'outside') continue;
    if (!isCovered(look.coverage, state.listener)) continue;
    const again = same.filter((s) => s.open && s.lastSeen >= look.lastObservedAt && listenerKey(s.listener) === key);
    // The same source under another name of the host: the newer state tells all that this one does.
    if (again.some((s) => s.vantage === state.vantage)) return null;
    if (again.length === 0) closedAt = Math.min(closedAt ?? look.lastObservedAt, look.lastObservedAt);
  }
  if (closedAt === null) return state;
  return state.listener.role === 'ephemeral' ? null : { ...state, open: false, closedAt };
}

/** Says whether a listener answers what is sent to an address from another machine. */
export function answersOn(listener: Listener, address: string): boolean {
  if (listener.address === address) return true;
  return listener.bind === 'any' && listener.families.includes(address.includes(':') ? 'ipv6' : 'ipv4');
}

function placeOutside(state: ListenerState, same: readonly ListenerState[]): ListenerState {
  if (state.listener.scope !== UNKNOWN_SCOPE) return state;
  const answering = same.filter((s) => answersOn(s.listener, state.listener.address));
  const open = answering.filter((s) => s.open);
  const scope = scopeOf(open);
  if (scope !== undefined) return inScope(state, scope);
  if (open.length > 0) return { ...state, possibleScopes: [...new Set(open.map((s) => s.listener.scope))].sort() };
  const closed = answering.filter((s) => !s.open && (s.closedAt ?? 0) >= state.lastSeen);
  const was = scopeOf(closed);
  if (was === undefined) return state;
  const ends = closed.map((s) => s.closedAt as number);
  return { ...inScope(state, was), ...(state.open && { open: false, closedAt: Math.max(...ends) }) };
}

function inScope(state: ListenerState, scope: Scope): ListenerState {
  return { ...state, listener: { ...state.listener, scope } };
}

/** The one scope; of several the host's own, which is what answers on its addresses. */
function scopeOf(states: readonly ListenerState[]): Scope | undefined {
  const scopes = new Set(states.map((s) => s.listener.scope));
  if (scopes.has(HOST_SCOPE)) return HOST_SCOPE;
  const [only] = scopes;
  return scopes.size === 1 ? only : undefined;
}

import { getOrMake } from '../util/get-or-make.ts';
import { type Endpoint, HOST_SCOPE, type Scope, TRANSPORTS, UNKNOWN_SCOPE } from './endpoint.ts';
import type { Listener } from './listener.ts';
import { isCovered } from './observation.ts';
import type { HostState, ListenerState } from './state.ts';
import { vantageKind } from './vantage.ts';

/**
 * Brings together what the vantages of a host saw. A port seen from outside takes the scope of the one listener that the
 * host itself knows to answer there. Of several looks from inside the newest one decides: what it covers and lacks is
 * closed, and so is what answered a scan before the host saw it close. Hosts and listeners have unified names; listeners
 * of a host that was looked at once stay as they are.
 */
export function matchScopes(
  hosts: readonly HostState[],
  listeners: readonly ListenerState[],
): readonly ListenerState[] {
  const views = viewsOf(hosts);
  if (views.size === 0) return listeners;
  const known = newPortIndex();
  for (const state of listeners) {
    const view = views.get(state.listener.host);
    if (view && vantageKind(state.vantage) === 'inside') known.add(view.index, state);
  }
  const result: ListenerState[] = [];
  let isSame = true;
  for (const state of listeners) {
    const view = views.get(state.listener.host);
    const next = view === undefined ? state : bringTogether(state, view, known);
    if (next !== state) isSame = false;
    if (next !== null) result.push(next);
  }
  return isSame ? listeners : result;
}

/** The looks at a host from inside. */
interface InsideView {
  readonly index: number;
  readonly looks: readonly HostState[];
}

/** Of the hosts that were looked at more than once, and from inside. */
function viewsOf(hosts: readonly HostState[]): ReadonlyMap<string, InsideView> {
  const seen = new Set<string>();
  const several = new Set<string>();
  for (const { host } of hosts) {
    if (seen.has(host.name)) several.add(host.name);
    else seen.add(host.name);
  }
  const views = new Map<string, { index: number; looks: HostState[] }>();
  for (const state of several.size === 0 ? [] : hosts)
    if (several.has(state.host.name) && vantageKind(state.vantage) === 'inside')
      getOrMake(views, state.host.name, () => ({ index: views.size, looks: [] })).looks.push(state);
  return views;
}

/** Listeners by host and port; there is one on most, so lists are made only for more. */
interface PortIndex {
  add(host: number, state: ListenerState): void;
  on(host: number, endpoint: Endpoint): readonly ListenerState[];
}

function newPortIndex(): PortIndex {
  const ports = new Map<number, ListenerState | ListenerState[]>();
  const keyOf = (host: number, { transport, port }: Endpoint) =>
    (host * 65_536 + port) * TRANSPORTS.length + TRANSPORTS.indexOf(transport);
  return {
    add(host, state) {
      const key = keyOf(host, state.listener);
      const there = ports.get(key);
      if (there === undefined) ports.set(key, state);
      else if (Array.isArray(there)) there.push(state);
      else ports.set(key, [there, state]);
    },
    on(host, endpoint) {
      const there = ports.get(keyOf(host, endpoint));
      return there === undefined ? NONE : Array.isArray(there) ? there : [there];
    },
  };
}

const NONE: readonly ListenerState[] = [];

function bringTogether(state: ListenerState, view: InsideView, known: PortIndex): ListenerState | null {
  if (vantageKind(state.vantage) === 'inside') return supersede(state, view, known);
  if (state.listener.scope !== UNKNOWN_SCOPE) return state;
  return placeOutside(state, known.on(view.index, state.listener));
}

/** What a newer look from inside covers and lacks is closed since. A client's socket is not kept. */
function supersede(state: ListenerState, { looks, index }: InsideView, known: PortIndex): ListenerState | null {
  if (!state.open || looks.length < 2) return state;
  let closedAt: number | null = null;
  for (const look of looks) {
    if (look.lastObservedAt <= state.lastSeen || !isCovered(look.coverage, state.listener)) continue;
    const again = known
      .on(index, state.listener)
      .filter((s) => s.open && s.lastSeen >= look.lastObservedAt && isSameSocket(s.listener, state.listener));
    // The same source under another name of the host: the newer state tells all that this one does.
    if (again.some((s) => s.vantage === state.vantage)) return null;
    if (again.length === 0) closedAt = Math.min(closedAt ?? look.lastObservedAt, look.lastObservedAt);
  }
  if (closedAt === null) return state;
  return state.listener.role === 'ephemeral' ? null : { ...state, open: false, closedAt };
}

function isSameSocket(a: Listener, b: Listener): boolean {
  return a.address === b.address && a.scope === b.scope;
}

/** Says whether a listener answers what is sent to an address from another machine. */
export function answersOn(listener: Listener, address: string): boolean {
  if (listener.address === address) return true;
  return listener.bind === 'any' && listener.families.includes(address.includes(':') ? 'ipv6' : 'ipv4');
}

/** `same`: listeners on the port that the host itself knows. */
function placeOutside(state: ListenerState, same: readonly ListenerState[]): ListenerState {
  const { address } = state.listener;
  const [only] = same;
  if (only && same.length === 1 && only.open && answersOn(only.listener, address))
    return inScope(state, only.listener.scope);
  const answering = same.filter((s) => answersOn(s.listener, address));
  const open = answering.filter((s) => s.open);
  const scope = scopeOf(open);
  if (scope !== undefined) return inScope(state, scope);
  if (open.length > 0) return { ...state, possibleScopes: [...new Set(open.map((s) => s.listener.scope))].sort() };
  const closed = answering.filter((s) => (s.closedAt ?? 0) >= state.lastSeen);
  const was = scopeOf(closed);
  if (was === undefined) return state;
  const closedAt = Math.max(...closed.map((s) => s.closedAt as number));
  return { ...inScope(state, was), ...(state.open && { open: false, closedAt }) };
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

import { bindScopeOf, formatAddress, parseAddress } from '../model/address.ts';
import { compareEndpoints, type Endpoint, endpointKey, HOST_SCOPE, UNKNOWN_SCOPE } from '../model/endpoint.ts';
import type { Identities } from '../model/identity.ts';
import type { HostState, ListenerState } from '../model/state.ts';
import { isSeenInside } from '../model/vantage.ts';
import type { EndpointQuery } from './parse-endpoint.ts';

/** Hosts and, where an address was given, the address that is meant. */
interface Meant {
  readonly hosts: readonly string[];
  /** Only listeners that answer on it; undefined: any. */
  readonly address?: string;
}

/**
 * The hosts meant: by any of their names, by an address of theirs or of a listener in one of their scopes, or this
 * machine.
 */
export function meantBy(
  query: EndpointQuery,
  { hosts: known, nameOf }: Identities,
  states: readonly ListenerState[],
  here: string,
): Meant {
  const names = [...new Set(known.map((state) => state.host.name))];
  const self = nameOf(here) ?? here;
  const asked = query.host?.toLowerCase();
  // A workspace about one other host: there is nothing else that could be meant by "this machine".
  const thisOne = names.includes(self) || names.length !== 1 ? [self] : names;
  if (asked === undefined || asked === 'localhost') return { hosts: thisOne };
  const named = names.filter((name) => name.toLowerCase() === asked);
  if (named.length > 0) return { hosts: named };
  const parsed = parseAddress(asked);
  if (!parsed) return { hosts: [nameOf(asked) ?? (query.host as string)] };
  const address = formatAddress(parsed);
  const bound = states.filter((s) => s.listener.address === address).map((s) => s.listener.host);
  if (bound.length > 0) return { hosts: [...new Set(bound)], address };
  const holders = known.filter((state) => state.host.addresses.includes(address)).map((state) => state.host.name);
  if (holders.length > 0) return { hosts: [...new Set(holders)] };
  return { hosts: bindScopeOf(address) === 'loopback' ? thisOne : [nameOf(address) ?? (query.host as string)] };
}

/** Endpoints that fit: those that are or were open, else the bare question. */
export function endpointsMeant(
  query: EndpointQuery,
  { hosts, address }: Meant,
  states: readonly ListenerState[],
  looks: readonly HostState[],
): readonly Endpoint[] {
  const fits = (e: Endpoint) =>
    hosts.includes(e.host) &&
    (query.transport === undefined || e.transport === query.transport) &&
    (query.scope === undefined || e.scope === query.scope);
  const known = new Map(
    states
      .filter((s) => fits(s.listener) && (address === undefined || s.listener.address === address))
      .map((s) => [endpointKey(s.listener), endpointOf(s.listener)]),
  );
  if (known.size > 0) return [...known.values()].sort(compareEndpoints);
  return hosts.map((host) => ({
    host,
    scope: query.scope ?? (isSeenFromOutsideOnly(host, looks) ? UNKNOWN_SCOPE : HOST_SCOPE),
    transport: query.transport ?? 'tcp',
    port: query.port,
  }));
}

function isSeenFromOutsideOnly(host: string, looks: readonly HostState[]): boolean {
  const own = looks.filter((state) => state.host.name === host);
  return own.length > 0 && !isSeenInside(own);
}

function endpointOf({ host, scope, transport, port }: Endpoint): Endpoint {
  return { host, scope, transport, port };
}

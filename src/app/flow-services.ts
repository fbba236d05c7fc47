import { buildServiceIndex, type KnownEntry, type KnownListener, type ServiceIndex } from '../flows/direction.ts';
import { parseAddress, unmapAddress } from '../model/address.ts';
import { parseAddressSet } from '../model/address-set-text.ts';
import { HOST_SCOPE, type Transport, UNKNOWN_SCOPE } from '../model/endpoint.ts';
import { PROTOCOL } from '../model/flow.ts';
import { putWords } from '../model/flow-address.ts';
import { parseHostSelector } from '../model/host-selector.ts';
import type { Identities } from '../model/identity.ts';
import { buildMatcher } from '../model/match.ts';
import type { RegisterEntry } from '../model/register.ts';
import type { ListenerState } from '../model/state.ts';
import type { Store } from '../store/store.ts';
import type { Context } from './context.ts';
import { identitiesAt } from './identities.ts';
import { loadRegister } from './load-register.ts';

/** IANA protocol numbers of transports whose ports are ports. */
const PROTOCOL_OF: Readonly<Partial<Record<Transport, number>>> = PROTOCOL;

/**
 * What decides the direction of flows in this workspace: everything that was ever seen to listen, at the addresses its
 * host is known to have, and every entry of the register at the addresses of the hosts that it chooses.
 */
export async function loadServices(context: Context, store: Store): Promise<ServiceIndex> {
  const { register } = await loadRegister(context, store);
  const [hosts, listeners, assets] = await Promise.all([
    store.hostStates(),
    store.listenerStates(),
    store.lists('assets'),
  ]);
  return servicesOf(identitiesAt(context.now(), register, { hosts, listeners, assets }), register.entries);
}

/** The same from what is known already. */
export function servicesOf(identities: Identities, entries: readonly RegisterEntry[]): ServiceIndex {
  const addresses = new Map<string, string[]>();
  for (const { name, addresses: own } of identities.known) {
    const key = name.toLowerCase();
    addresses.set(key, [...(addresses.get(key) ?? []), ...own]);
  }
  const listeners = identities.listeners.flatMap((state) =>
    listenersOf(state, addresses.get(state.listener.host.toLowerCase()) ?? []),
  );
  const matcher = buildMatcher(entries, identities.known);
  const known = entries.flatMap((entry): KnownEntry[] => {
    const protocol = PROTOCOL_OF[entry.transport];
    if (protocol === undefined) return [];
    const literal = entry.hosts.filter((host) => ['address', 'cidr'].includes(parseHostSelector(host).kind));
    const ofHosts = matcher
      .hostsSelected(entry)
      .flatMap((host) => addresses.get(host.toLowerCase()) ?? [])
      .filter((text) => parseAddress(text) !== null);
    return [{ addresses: parseAddressSet([...literal, ...ofHosts]).set, ports: entry.ports, protocol }];
  });
  return buildServiceIndex(listeners, known);
}

/** A listener at each address where it answers: a wildcard at every one that its host is known to have. */
function listenersOf({ listener }: ListenerState, ofHost: readonly string[]): KnownListener[] {
  const { transport, port, role, bind, families, scope } = listener;
  const protocol = PROTOCOL_OF[transport];
  // A client's UDP socket is no service, and nobody else's packets reach a loopback address.
  if (protocol === undefined || role === 'ephemeral' || bind === 'loopback') return [];
  const isWildcard = bind === 'any';
  // The addresses of a host are those of its own scope; a container's are not known.
  if (isWildcard && scope !== HOST_SCOPE && scope !== UNKNOWN_SCOPE) return [];
  return (isWildcard ? ofHost : [listener.address]).flatMap((text) => {
    const zone = text.indexOf('%');
    const address = parseAddress(zone < 0 ? text : text.slice(0, zone));
    if (address === null) return [];
    const plain = unmapAddress(address);
    if (isWildcard && !families.includes(plain.family)) return [];
    const words = new Uint32Array(4);
    putWords(words, 0, zone < 0 ? text : text.slice(0, zone));
    return [{ words: [...words] as unknown as KnownListener['words'], port, protocol }];
  });
}

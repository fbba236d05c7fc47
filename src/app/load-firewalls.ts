import type { Endpoint } from '../model/endpoint.ts';
import type { Identities } from '../model/identity.ts';
import type { Register } from '../model/register.ts';
import type { Store } from '../store/store.ts';
import type { FirewallFacts } from './firewall-facts.ts';

/** Which endpoints are answered for. */
export interface FirewallScope {
  /** Endpoints to answer for although nothing may listen there. */
  readonly also: readonly Endpoint[];
  /** Only their hosts: who asks about one port need not wait for all. */
  readonly only: boolean;
}

/** Who can connect to the endpoints of hosts, by the rulesets in the store; null: none was ever taken. */
export async function loadFirewalls(
  store: Store,
  identities: Identities,
  register: Register,
  { also, only }: FirewallScope,
): Promise<FirewallFacts | null> {
  const dumps = (await store.lists('rulesets')).flatMap((list) => list.items);
  if (dumps.length === 0) return null;
  // What reads rules is loaded where there are some.
  const { firewallFacts } = await import('./firewall-facts.ts');
  if (!only) return firewallFacts({ dumps, identities, register, also });
  const asked = new Set(also.map((endpoint) => endpoint.host));
  return firewallFacts({
    dumps: dumps.filter(({ host }) => host === null || asked.has(identities.nameOf(host) ?? host)),
    identities: {
      ...identities,
      hosts: identities.hosts.filter((state) => asked.has(state.host.name)),
      listeners: identities.listeners.filter((state) => asked.has(state.listener.host)),
    },
    register,
    also,
  });
}

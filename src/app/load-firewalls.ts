import type { Endpoint } from '../model/endpoint.ts';
import type { Identities } from '../model/identity.ts';
import type { Register } from '../model/register.ts';
import type { Store } from '../store/store.ts';
import type { FirewallFacts } from './firewall-facts.ts';

/** Who can connect to the endpoints of hosts, by the rulesets in the store; null: none was ever taken. */
export async function loadFirewalls(
  store: Store,
  identities: Identities,
  register: Register,
  also: readonly Endpoint[],
): Promise<FirewallFacts | null> {
  const dumps = (await store.lists('rulesets')).flatMap((list) => list.items);
  if (dumps.length === 0) return null;
  // What reads rules is loaded where there are some.
  const { firewallFacts } = await import('./firewall-facts.ts');
  return firewallFacts({ dumps, identities, register, also });
}

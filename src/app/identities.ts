import type { AssetList } from '../model/asset.ts';
import { type Identities, unifyHosts } from '../model/identity.ts';
import type { Register } from '../model/register.ts';
import type { HostState, ListenerState } from '../model/state.ts';
import type { Store } from '../store/store.ts';

const HOUR_MS = 3_600_000;

/** What is known of hosts at `now` (UTC milliseconds), each under the one name that every command shows. */
export function identitiesAt(
  now: number,
  register: Register,
  known: {
    readonly hosts: readonly HostState[];
    readonly listeners?: readonly ListenerState[];
    readonly assets?: readonly AssetList[] | undefined;
  },
): Identities {
  return unifyHosts({
    ...{ hosts: known.hosts, listeners: known.listeners ?? [], assets: known.assets ?? [], declared: register.hosts },
    freshSince: now - register.policy.staleAfterHours * HOUR_MS,
  });
}

/** The same from the store (null: nothing was ever recorded), without listeners. */
export async function loadHosts(store: Store | null, register: Register, now: number): Promise<Identities> {
  const hosts = store ? await store.hostStates() : [];
  return identitiesAt(now, register, { hosts, assets: store ? await store.lists('assets') : [] });
}

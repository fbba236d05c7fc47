import { bindScopeOf } from '../model/address.ts';
import { assetKeys, keysOf, showsHost } from '../model/asset-match.ts';
import { parseHostSelector, resolveHost, selectorMatches } from '../model/host-selector.ts';
import { readAddress } from '../model/identity-nodes.ts';
import type { HostState } from '../model/state.ts';
import { vantageKind, vantageWords } from '../model/vantage.ts';
import { compareText } from '../util/compare.ts';
import { listWords, utcTime } from '../util/words.ts';
import type { Check } from './check.ts';

export const unknownAsset: Check = {
  id: 'unknown-asset',
  title: 'Host that no inventory knows',
  severity: 'medium',
  rationale:
    'A machine that is on the network and in no inventory has nobody who patches it, and nobody who misses it when it is ' +
    'taken over. An inventory is only worth as much as it agrees with what answers.',
  remediation:
    'Find out whose machine it is. Enter it in the inventory and import that again with `quietdoor assets import`, declare ' +
    'it under hosts in quietdoor.yaml, or take it off the network.',
  lacking: ({ estate }) => ((estate.assets ?? []).length === 0 ? 'no inventory was imported' : null),
  estate({ assets = [], hosts, register }) {
    if (assets.length === 0) return [];
    const listed = new Set<string>();
    const active = new Set<string>();
    for (const asset of assets.flatMap((list) => list.items))
      for (const key of assetKeys(asset)) {
        listed.add(key);
        if (!asset.inactive) active.add(key);
      }
    for (const { name } of register.hosts) for (const key of keysOf([name], [])) active.add(key);
    const declared = register.hosts.flatMap((host) => host.addresses.map(parseHostSelector));
    const sources = listWords(assets.map((list) => list.source));
    const byName = Map.groupBy(
      hosts.filter((state) => showsHost(state) && !isLoopbackOnly(state)),
      (state) => state.host.name,
    );
    return [...byName].flatMap(([host, states]) => {
      const names = [host, ...states.flatMap((state) => state.host.names ?? [])];
      const addresses = [...new Set(states.flatMap((state) => state.host.addresses))].sort(compareText);
      const keys = keysOf(names, addresses);
      if (keys.some((key) => active.has(key))) return [];
      const resolved = resolveHost({ name: host, addresses, tags: [] });
      if (declared.some((selector) => selectorMatches(selector, resolved))) return [];
      const isInactive = keys.some((key) => listed.has(key));
      const last = Math.max(...states.map((state) => state.lastObservedAt));
      const from = [...new Set(states.map((state) => vantageWords(state.vantage)))].sort(compareText);
      return [
        {
          subject: { kind: 'host', host } as const,
          ...(isInactive && { discriminator: 'inactive', severity: 'low' as const }),
          message: isInactive
            ? `${host} answers, and the inventory (${sources}) lists it as retired, planned or offline.`
            : `${host} was observed ${listWords(from)} and is in no inventory (${sources}).`,
          evidence: [
            ...(addresses.length > 0 ? [{ label: 'addresses', value: listWords(addresses) }] : []),
            { label: 'last observed', value: utcTime(last) },
            { label: 'inventories', value: sources },
          ],
        },
      ];
    });
  },
};

/** A host that can only be reached from itself is no machine of the network. What an import does not tell is unknown. */
function isLoopbackOnly({ host, vantage }: HostState): boolean {
  if (vantageKind(vantage) === 'outside')
    return readAddress(host.name) !== null && bindScopeOf(host.name) === 'loopback';
  return host.addresses.length === 0 && (vantage === 'local' || vantage === 'agentless');
}

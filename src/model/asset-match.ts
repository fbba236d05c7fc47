import { compareBy, compareText } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import type { Asset, AssetList } from './asset.ts';
import { identifies, nameKey, readAddress } from './identity-nodes.ts';
import type { PortRange } from './observation.ts';
import type { Policy } from './register.ts';
import type { HostState } from './state.ts';
import { vantageKind } from './vantage.ts';

/** An asset with what was observed of it. */
export interface AssetStanding {
  readonly asset: Asset;
  /** Knowledge of the hosts that it is, by name, further name or address; empty: never observed. */
  readonly hosts: readonly HostState[];
  /** UTC milliseconds of the newest look that saw anything of it; null: none did. */
  readonly lastObserved: number | null;
}

/** Assets with their hosts, in the order of the lists. Works on hosts as they were stored and on unified ones alike. */
export function matchAssets(lists: readonly AssetList[], hosts: readonly HostState[]): readonly AssetStanding[] {
  const index = new Map<string, Set<HostState>>();
  for (const state of hosts)
    for (const key of keysOf([state.host.name, ...(state.host.names ?? [])], state.host.addresses))
      getOrMake(index, key, () => new Set()).add(state);
  return lists.flatMap(({ items }) =>
    items.map((asset): AssetStanding => {
      const found = new Set(assetKeys(asset).flatMap((key) => [...(index.get(key) ?? [])]));
      // A host that was seen from several places is one: what one of them matches, all do.
      const names = new Set([...found].map((state) => state.host.name));
      const all = [...found, ...[...names].flatMap((name) => [...(index.get(nameOrAddressKey(name)) ?? [])])];
      const states = [...new Set(all)];
      const seen = states.filter(showsHost).map((state) => state.lastObservedAt);
      return { asset, hosts: states, lastObserved: seen.length > 0 ? Math.max(...seen) : null };
    }),
  );
}

/** A machine that inventories list as in use, and how each of them lists it. */
export interface ExpectedMachine {
  /** The host that it was observed as, else the name of the asset. */
  readonly host: string;
  /** At least one. */
  readonly standings: readonly AssetStanding[];
  /** UTC milliseconds; null: never. */
  readonly lastObserved: number | null;
}

/** Machines that somebody should observe: no retired ones, and none that have nothing to observe. */
export function expectedMachines(lists: readonly AssetList[], hosts: readonly HostState[]): readonly ExpectedMachine[] {
  const expected = matchAssets(lists, hosts).filter(({ asset }) => !asset.inactive && !asset.passive);
  return [...Map.groupBy(expected, (standing) => nameKey(hostOf(standing))).values()].map((group) => {
    const standings = group.toSorted(IN_ORDER);
    const times = standings.flatMap(({ lastObserved }) => lastObserved ?? []);
    return {
      host: hostOf(standings[0] as AssetStanding),
      standings,
      lastObserved: times.length === 0 ? null : Math.max(...times),
    };
  });
}

const IN_ORDER = compareBy<AssetStanding>(
  hostOf,
  ({ asset }) => asset.name,
  ({ asset }) => asset.source,
  ({ asset }) => asset.id,
);

function hostOf({ asset, hosts }: AssetStanding): string {
  return hosts.map((state) => state.host.name).toSorted(compareText)[0] ?? asset.name;
}

/** 7 days, where the policy does not say. */
const OBSERVE_WITHIN_HOURS = 168;

/** Hours within which a machine in use has to be observed. */
export function observeWithinHours({ observeWithinHours = OBSERVE_WITHIN_HOURS }: Policy): number {
  return observeWithinHours;
}

/** Keys by which a host and an asset meet: names without case, addresses that stand for one machine. */
export function keysOf(names: readonly string[], addresses: readonly string[]): string[] {
  const keys = names.map(nameOrAddressKey);
  for (const text of addresses) {
    const address = readAddress(text);
    if (address && identifies(address)) keys.push(addressKey(text));
  }
  return keys;
}

export function assetKeys(asset: Asset): string[] {
  return keysOf([asset.name, ...asset.names], asset.addresses);
}

function nameOrAddressKey(name: string): string {
  return readAddress(name) === null ? `name ${nameKey(name)}` : addressKey(name);
}

function addressKey(text: string): string {
  const address = readAddress(text);
  return address ? `${address.family} ${address.value}` : `name ${text}`;
}

/**
 * Says whether a look saw anything of the host: its own tables, or from outside an open or closed port. An address where
 * everything was silent, filtered or unreachable may have no host.
 */
export function showsHost(state: HostState): boolean {
  if (vantageKind(state.vantage) === 'inside') return true;
  const { coverage, outcomes = [] } = state;
  if (outcomes.some(({ outcome }) => outcome === 'closed')) return true;
  const asked = coverage.reduce((sum, c) => {
    const addresses = c.addresses === 'all' ? 1 : c.addresses.length;
    return sum + portCount(c.ports) * c.transports.length * addresses;
  }, 0);
  const unanswered = outcomes
    .filter(({ outcome }) => outcome === 'filtered' || outcome === 'unreachable')
    .reduce((sum, { ports }) => sum + portCount(ports), 0);
  return asked > unanswered;
}

/** Nothing can be sent to port 0. */
function portCount(ranges: readonly PortRange[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - Math.max(from, 1) + 1, 0);
}

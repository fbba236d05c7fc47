import { compareBy, compareText } from '../util/compare.ts';
import { formatAddress } from './address.ts';
import { type HostNode, isDistinctive, nameKey, readAddress } from './identity-nodes.ts';

/** Sources of names from inside, the preferred one first, so that a name does not change with who looked last. */
const VANTAGE_ORDER = ['local', 'agentless'];

function vantageRank(vantage: string): number {
  const rank = VANTAGE_ORDER.indexOf(vantage);
  return rank < 0 ? VANTAGE_ORDER.length : rank;
}

/**
 * The name that a host goes by: as seen from inside, else by the inventory, else by quietdoor.yaml, else the name that a
 * scan asked for, else its address. `isTaken` says whether another host goes by a name.
 */
export function displayName(group: readonly HostNode[], isTaken: (key: string) => boolean): string {
  const named = group.filter((node) => node.address === null);
  const inside = named
    .flatMap((node) => node.inside)
    .sort(
      compareBy(
        (s) => vantageRank(s.vantage),
        (s) => -s.lastObservedAt,
        (s) => s.vantage,
        (s) => s.host.name,
      ),
    );
  const [seen] = inside;
  if (seen) return seen.host.name;
  const pick = (names: readonly string[]) => names.toSorted(compareText)[0];
  const written =
    pick(named.flatMap((node) => node.assets.map(({ asset }) => asset.name))) ??
    pick(named.flatMap((node) => node.declared.map((host) => host.name))) ??
    pick(named.map((node) => node.name));
  if (written !== undefined) return written;
  const asked = new Set(group.flatMap((node) => node.outside.flatMap(({ host }) => host.names ?? [])));
  const free = [...asked].filter(
    (name) => readAddress(name) === null && isDistinctive(name) && !isTaken(nameKey(name)),
  );
  // Several names of one address: none of them is the name.
  const [only] = free;
  if (only !== undefined && new Set(free.map(nameKey)).size === 1) return pick(free) as string;
  return pick(group.flatMap((node) => (node.address ? [formatAddress(node.address)] : []))) ?? '';
}

/** Every other name of a host, sorted: what else may be written to mean it. Addresses are not names. */
export function aliases(group: readonly HostNode[], name: string): readonly string[] {
  const all = group.flatMap((node) => [
    ...(node.address === null ? [node.name] : []),
    ...node.inside.flatMap(({ host }) => [host.name, ...(host.names ?? [])]),
    ...node.outside.flatMap(({ host }) => host.names ?? []),
    ...node.assets.flatMap(({ asset }) => [asset.name, ...asset.names]),
    ...node.declared.map((host) => host.name),
  ]);
  const byKey = new Map(
    all
      .filter((n) => n !== '' && readAddress(n) === null && isDistinctive(n))
      .sort(compareText)
      .map((n) => [nameKey(n), n]),
  );
  byKey.delete(nameKey(name));
  return [...byKey.values()].sort(compareText);
}

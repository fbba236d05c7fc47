import { compareBy, compareText } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { formatAddress } from './address.ts';
import { furtherNames, type HostNode, isDistinctive, nameKey, readAddress } from './identity-nodes.ts';

/** Sources of names from inside, the preferred one first, so that a name does not change with who looked last. */
const VANTAGE_ORDER = ['local', 'agentless'];

function vantageRank(vantage: string): number {
  const rank = VANTAGE_ORDER.indexOf(vantage);
  return rank < 0 ? VANTAGE_ORDER.length : rank;
}

/** A host with the one name that it goes by. */
export interface NamedHost {
  readonly name: string;
  /** Every other name that means it and no other host, sorted. */
  readonly aliases: readonly string[];
  readonly nodes: readonly HostNode[];
}

/** Names every host, by group; no two alike unless both are one local address. */
export function nameHosts(groups: ReadonlyMap<number, readonly HostNode[]>): ReadonlyMap<number, NamedHost> {
  const uses = usesOfNames(groups);
  const named = new Map<number, NamedHost>();
  for (const [group, nodes] of groups) {
    const [only] = nodes;
    const [seen] = only?.inside ?? [];
    const isPlain = only?.address === null && nodes.length === 1 && only.inside.length === 1;
    if (seen && isPlain && only.outside.length + only.assets.length + only.declared.length === 0) {
      const names = seen.host.names ?? NO_NAMES;
      const aliases = names.length === 0 ? NO_NAMES : otherNames(nodes, seen.host.name, uses, group);
      named.set(group, { name: seen.host.name, aliases, nodes });
      continue;
    }
    const name = displayName(nodes, (key) => !isOwn(uses, key, group));
    named.set(group, { name, aliases: otherNames(nodes, name, uses, group), nodes });
  }
  return named;
}

const NO_NAMES: readonly string[] = [];

/** Groups that use a name, by its key: as the name itself, or as a further one. */
interface Uses {
  readonly first: ReadonlyMap<string, number>;
  readonly further: ReadonlyMap<string, ReadonlySet<number>>;
}

function usesOfNames(groups: ReadonlyMap<number, readonly HostNode[]>): Uses {
  const first = new Map<string, number>();
  const further = new Map<string, Set<number>>();
  for (const [group, nodes] of groups)
    for (const node of nodes) {
      first.set(node.key, group);
      const asked = node.outside.flatMap(({ host }) => host.names ?? NO_NAMES);
      for (const name of [...furtherNames(node), ...asked])
        getOrMake(further, nameKey(name), () => new Set<number>()).add(group);
    }
  return { first, further };
}

/** Says whether a name means this host and no other. */
function isOwn({ first, further }: Uses, key: string, group: number): boolean {
  const owner = first.get(key);
  if (owner !== undefined) return owner === group;
  const users = further.get(key);
  return users !== undefined && users.size === 1 && users.has(group);
}

/**
 * The name that a host goes by: as seen from inside, else by the inventory, else by quietdoor.yaml, else the name that a
 * scan asked for, else its address. `isTaken` says whether another host goes by a name.
 */
function displayName(group: readonly HostNode[], isTaken: (key: string) => boolean): string {
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

/** Addresses are not names, and a name that several hosts use means none of them. */
function otherNames(group: readonly HostNode[], name: string, uses: Uses, id: number): readonly string[] {
  const all = group.flatMap((node) => [
    ...(node.address === null ? [node.name] : []),
    ...node.inside.flatMap(({ host }) => [host.name, ...(host.names ?? [])]),
    ...node.outside.flatMap(({ host }) => host.names ?? []),
    ...node.assets.flatMap(({ asset }) => [asset.name, ...asset.names]),
    ...node.declared.map((host) => host.name),
  ]);
  const byKey = new Map<string, string>();
  for (const other of all.sort(compareText)) {
    const key = nameKey(other);
    if (key !== '' && readAddress(other) === null && isDistinctive(other) && isOwn(uses, key, id))
      byKey.set(key, other);
  }
  byKey.delete(nameKey(name));
  return [...byKey.values()].sort(compareText);
}

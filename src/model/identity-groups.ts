import { compareText } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { newPartition } from '../util/partition.ts';
import { formatAddress } from './address.ts';
import { CLAIM_KINDS, type Claimants, type ClaimKind, type Claims, claimIndex, claimsOf } from './identity-claims.ts';
import { furtherNames, type HostNode, isDistinctive, nameKey, readAddress } from './identity-nodes.ts';

/** Two names of one host, and what shows it. */
interface Link {
  readonly a: number;
  readonly b: number;
  readonly because: string;
}

/** An address that several hosts claim, by their nodes. */
export interface Conflict {
  readonly address: string;
  readonly claims: ReadonlyArray<{ readonly node: number; readonly by: string }>;
}

/** Machines with one machine-id that are not one, by their nodes. */
export interface Clones {
  readonly machineId: string;
  readonly nodes: readonly number[];
}

/** Which names are one host. */
export interface Groups {
  /** Smallest node of the host that a node is of. */
  find(node: number): number;
  /** What shows it, by group; sorted. */
  readonly because: ReadonlyMap<number, readonly string[]>;
  readonly conflicts: readonly Conflict[];
  readonly clones: readonly Clones[];
}

/**
 * Works out which names are one host, the surest evidence first: machine-id, names, then addresses. Each step looks at
 * what the steps before found and never at itself, so the order of the input does not matter; where the evidence
 * points to two hosts nothing is joined (docs/decisions/host-identity.md). `freshSince`: UTC milliseconds; what was seen
 * from inside before gives way to what was seen since.
 */
export function groupHosts(nodes: readonly HostNode[], freshSince: number): Groups {
  const partition = newPartition(nodes.length);
  const links: Link[] = [];
  // Read only where something is to be compared: most estates have nothing.
  let read: readonly Claims[] | undefined;
  const claims = () => {
    read ??= nodes.map(claimsOf);
    return read;
  };
  const members = () => Map.groupBy(nodes.keys(), (node) => partition.find(node));

  function join(found: readonly Link[]): void {
    if (found.length === 0) return;
    const groups = members();
    const trial = newPartition(nodes.length);
    for (const { a, b } of found) trial.join(partition.find(a), partition.find(b));
    const joined = Map.groupBy(new Set(found.flatMap(({ a, b }) => [partition.find(a), partition.find(b)])), (group) =>
      trial.find(group),
    );
    const refused = new Set<number>();
    for (const [root, parts] of joined) {
      const known = parts.map((group) => evidenceOf(groups.get(group) ?? [], nodes, claims()));
      if (known.some((x, i) => known.some((y, j) => i < j && contradicts(x, y)))) refused.add(root);
    }
    for (const link of found) {
      if (refused.has(trial.find(partition.find(link.a)))) continue;
      links.push(link);
    }
    for (const { a, b } of links) partition.join(a, b);
  }

  const { links: sameMachine, clones } = byMachineId(nodes, claims, freshSince);
  join(sameMachine);
  join(byFurtherName(nodes, partition.find));
  join(byShortName(nodes));

  const someAddress = nodes.some((n) => n.address !== null || n.assets.length > 0 || n.declared.length > 0);
  const conflicts: Conflict[] = [];
  if (someAddress) {
    const index = claimIndex(claims());
    const address = byAddress(nodes, claims(), index, partition.find, freshSince);
    // An address is no contradiction to itself: what decides is who claims it.
    for (const link of address) {
      links.push(link);
      partition.join(link.a, link.b);
    }
    const scanned = scannedAddresses(nodes, index, partition.find, freshSince);
    for (const link of [...scanned, ...byTargetName(nodes, claims(), partition.find, scanned)]) {
      links.push(link);
      partition.join(link.a, link.b);
    }
    conflicts.push(...conflictsOf(nodes, index, partition.find, freshSince));
  }

  const because = new Map<number, string[]>();
  for (const link of links) getOrMake(because, partition.find(link.a), () => []).push(link.because);
  return {
    find: partition.find,
    because: new Map([...because].map(([group, reasons]) => [group, [...new Set(reasons)].sort(compareText)])),
    conflicts,
    clones,
  };
}

/** What would speak against being one host. */
interface Evidence {
  readonly machineIds: ReadonlySet<string>;
  readonly addresses: ReadonlySet<number | bigint>;
}

/** Addresses as seen from inside; where nobody looked, as they are written down. */
function evidenceOf(group: readonly number[], nodes: readonly HostNode[], claims: readonly Claims[]): Evidence {
  const values = (kinds: readonly ClaimKind[]) =>
    new Set(group.flatMap((n) => kinds.flatMap((kind) => (claims[n] as Claims)[kind].map((a) => a.value))));
  const inside = values(['inside']);
  return {
    machineIds: new Set(group.flatMap((n) => (nodes[n] as HostNode).inside.flatMap((s) => s.host.machineId ?? []))),
    addresses: inside.size > 0 ? inside : values(['asset', 'declared']),
  };
}

function contradicts(a: Evidence, b: Evidence): boolean {
  const areApart = <T>(x: ReadonlySet<T>, y: ReadonlySet<T>) =>
    x.size > 0 && y.size > 0 && ![...x].some((value) => y.has(value));
  return areApart(a.machineIds, b.machineIds) || areApart(a.addresses, b.addresses);
}

/**
 * One machine-id is one machine, unless what is known of the addresses says otherwise: then they are copies of one
 * image. Copies are told of where both were seen lately.
 */
function byMachineId(nodes: readonly HostNode[], claims: () => readonly Claims[], freshSince: number) {
  const first = new Map<string, number>();
  const byId = new Map<string, Set<number>>();
  for (const [i, node] of nodes.entries())
    for (const { host } of node.inside) {
      if (host.machineId === undefined) continue;
      const known = first.get(host.machineId);
      if (known === undefined) first.set(host.machineId, i);
      else if (known !== i) getOrMake(byId, host.machineId, () => new Set([known])).add(i);
    }
  const links: Link[] = [];
  const clones: Clones[] = [];
  for (const [machineId, set] of byId) {
    const all = [...set];
    const because = 'they have one machine-id';
    const known = all.filter((n) => (claims()[n] as Claims).inside.length > 0);
    const machine = newPartition(known.length);
    const owner = new Map<number | bigint, number>();
    for (const [i, n] of known.entries())
      for (const { value } of (claims()[n] as Claims).inside)
        machine.join(
          getOrMake(owner, value, () => i),
          i,
        );
    const machines = Map.groupBy(known, (_, i) => machine.find(i));
    for (const [one, ...more] of machines.values()) for (const b of more) links.push({ a: one as number, b, because });
    // Where a name knows no address, nothing tells which of several machines it is.
    if (machines.size <= 1) {
      const [one] = known.length > 0 ? known : all;
      for (const b of all) if (b !== one) links.push({ a: one as number, b, because });
      continue;
    }
    const lately = [...machines.values()].filter((list) => list.some((n) => isFresh(nodes[n], freshSince)));
    if (lately.length > 1) clones.push({ machineId, nodes: lately.map(([one]) => one as number) });
  }
  return { links, clones: clones.sort((a, b) => compareText(a.machineId, b.machineId)) };
}

function isFresh(node: HostNode | undefined, freshSince: number): boolean {
  return node?.inside.some((state) => state.lastObservedAt >= freshSince) ?? false;
}

/** Nodes by the further names that they have. */
function usersOfNames(nodes: readonly HostNode[]): ReadonlyMap<string, readonly number[]> {
  const users = new Map<string, number[]>();
  for (const [i, node] of nodes.entries())
    for (const key of new Set(furtherNames(node).map(nameKey)))
      if (key !== node.key) getOrMake(users, key, () => []).push(i);
  return users;
}

/** A further name (alias of an asset, FQDN that a host gives itself) that is the name of one other host. */
function byFurtherName(nodes: readonly HostNode[], find: (node: number) => number): Link[] {
  const users = usersOfNames(nodes);
  if (users.size === 0) return [];
  const byKey = new Map(nodes.map((node, i) => [node.key, i]));
  const links: Link[] = [];
  for (const [name, by] of users) {
    const named = byKey.get(name);
    // Two hosts that give themselves one name: nobody can tell whose it is.
    if (named === undefined || new Set(by.map(find)).size > 1) continue;
    for (const user of by) {
      // Two items of an inventory are two machines.
      if ([user, named].every((n) => (nodes[n]?.assets.length ?? 0) > 0)) continue;
      links.push({ a: user, b: named, because: `${nodes[user]?.name} is also called ${nodes[named]?.name}` });
    }
  }
  return links;
}

/** `web-1` is `web-1.example.org`, where no other domain has a `web-1`. */
function byShortName(nodes: readonly HostNode[]): Link[] {
  const short = new Map<string, number>();
  for (const [i, { key, address }] of nodes.entries())
    if (address === null && !key.includes('.') && isDistinctive(key)) short.set(key, i);
  if (short.size === 0) return [];
  const longer = new Map<string, number[]>();
  for (const [i, { key, address }] of nodes.entries()) {
    const label = address === null ? key.slice(0, Math.max(key.indexOf('.'), 0)) : '';
    if (short.has(label)) getOrMake(longer, label, () => []).push(i);
  }
  return [...longer].flatMap(([label, [only, ...others]]) => {
    const a = short.get(label);
    if (a === undefined || only === undefined || others.length > 0) return [];
    return [{ a, b: only, because: `${nodes[a]?.name} is the short name of ${nodes[only]?.name}` }];
  });
}

const CLAIM_WORDS: Readonly<Record<ClaimKind, string>> = {
  inside: 'seen on the host itself',
  asset: 'by the inventory',
  declared: 'by quietdoor.yaml',
};

const NOBODY: readonly number[] = [];

/** Groups that claim an address by the strongest evidence that there is; of several those that count now. */
function holders(
  claimants: Claimants,
  kind: ClaimKind,
  nodes: readonly HostNode[],
  find: (node: number) => number,
  freshSince: number,
): readonly number[] {
  const groupsOf = (list: readonly number[]) => [...new Set(list.map(find))];
  const all = claimants[kind];
  const [only] = all;
  if (only === undefined) return NOBODY;
  if (all.length === 1) return [find(only)];
  const groups = groupsOf(all);
  if (groups.length < 2) return groups;
  const counts = (n: number) =>
    kind === 'inside'
      ? isFresh(nodes[n], freshSince)
      : kind === 'declared' || (nodes[n]?.assets.some(({ asset }) => !asset.inactive) ?? false);
  const now = groupsOf(all.filter(counts));
  return now.length > 0 ? now : groups;
}

/**
 * A host of the inventory or of quietdoor.yaml that nobody saw under its name is the one host that has its addresses, if
 * that one is not there under another name.
 */
function byAddress(
  nodes: readonly HostNode[],
  claims: readonly Claims[],
  index: ReadonlyMap<number | bigint, Claimants>,
  find: (node: number) => number,
  freshSince: number,
): Link[] {
  const groups = Map.groupBy(nodes.keys(), find);
  const has = (group: number, is: (node: HostNode) => boolean) =>
    (groups.get(group) ?? []).some((n) => is(nodes[n] as HostNode));
  const wanted = new Map<string, { link: Link; by: Set<number> }>();
  for (const kind of ['asset', 'declared'] as const) {
    const isOfKind = (node: HostNode) => node[kind === 'asset' ? 'assets' : 'declared'].length > 0;
    for (const [group, list] of groups) {
      if (has(group, (n) => n.inside.length > 0 || n.address !== null) || !has(group, isOfKind)) continue;
      const addresses = list.flatMap((n) => (claims[n] as Claims)[kind]);
      const owners = new Set(
        addresses.flatMap(({ value }) => holders(index.get(value) as Claimants, 'inside', nodes, find, freshSince)),
      );
      const [owner] = owners;
      if (owner === undefined || owners.size > 1 || has(owner, isOfKind)) continue;
      const shared = addresses.find(({ value }) => index.get(value)?.inside.some((n) => find(n) === owner));
      if (!shared) continue;
      const because = `${nodes[group]?.name} has the address ${formatAddress(shared)} ${CLAIM_WORDS[kind]}`;
      const entry = getOrMake(wanted, `${kind} ${owner}`, () => ({
        link: { a: owner, b: group, because },
        by: new Set<number>(),
      }));
      entry.by.add(group);
    }
  }
  return [...wanted.values()].filter(({ by }) => by.size === 1).map(({ link }) => link);
}

/** Hosts that were seen by an address: the one host that has it. */
function scannedAddresses(
  nodes: readonly HostNode[],
  index: ReadonlyMap<number | bigint, Claimants>,
  find: (node: number) => number,
  freshSince: number,
): Link[] {
  const byKey = new Map(nodes.map((node, i) => [node.key, i]));
  const links: Link[] = [];
  for (const [i, node] of nodes.entries()) {
    if (node.address === null) continue;
    const address = formatAddress(node.address);
    if (node.isLocal) {
      // Means something else on every machine: it is the scanning machine's own, if that has it.
      for (const { vantage } of node.outside) {
        const self = byKey.get(nameKey(vantage.slice(vantage.indexOf(':') + 1)));
        const isOwn = nodes[self ?? -1]?.inside.some((s) => s.host.addresses.includes(address));
        if (self !== undefined && isOwn)
          links.push({ a: self, b: i, because: `${address} is its own, as seen on the host itself` });
      }
      continue;
    }
    const claimants = index.get(node.address.value);
    for (const kind of CLAIM_KINDS) {
      if (!claimants) break;
      const others = { ...claimants, [kind]: preferNamed(claimants[kind], i, nodes) };
      const found = holders(others, kind, nodes, find, freshSince);
      const [only] = found;
      if (only === undefined) continue;
      if (found.length === 1 && find(i) !== only)
        links.push({ a: only, b: i, because: `${address} is an address of it, ${CLAIM_WORDS[kind]}` });
      break;
    }
  }
  return links;
}

function preferNamed(claimants: readonly number[], self: number, nodes: readonly HostNode[]): readonly number[] {
  const others = claimants.filter((n) => n !== self);
  const named = others.filter((n) => nodes[n]?.address === null);
  return named.length > 0 ? named : others;
}

/**
 * The name that a scan asked for, where nothing else says whose an address is: one host of each family may have it, and
 * a host that is known by this name must not have other addresses.
 */
function byTargetName(
  nodes: readonly HostNode[],
  claims: readonly Claims[],
  find: (node: number) => number,
  resolved: readonly Link[],
): Link[] {
  const known = new Set(resolved.map(({ b }) => b));
  const byName = new Map<string, number[]>();
  for (const [i, node] of nodes.entries()) {
    if (node.address === null || node.isLocal || known.has(i) || node.inside.length > 0) continue;
    const names = new Set(node.outside.flatMap(({ host }) => (host.names ?? []).map(nameKey)));
    const [only] = names;
    if (only !== undefined && names.size === 1 && isDistinctive(only) && readAddress(only) === null)
      getOrMake(byName, only, () => []).push(i);
  }
  const byKey = new Map(nodes.map((node, i) => [node.key, i]));
  const users = byName.size > 0 ? usersOfNames(nodes) : undefined;
  const groups = Map.groupBy(nodes.keys(), find);
  const links: Link[] = [];
  for (const [name, list] of byName) {
    const families = list.map((n) => nodes[n]?.address?.family);
    if (new Set(families).size < families.length) continue;
    const because = `it was asked for as ${name}`;
    const all = [byKey.get(name), ...(users?.get(name) ?? [])].filter((n) => n !== undefined);
    const [named, ...others] = new Set(all.map(find));
    if (others.length > 0) continue;
    if (named !== undefined) {
      const own = (groups.get(named) ?? []).flatMap((n) =>
        CLAIM_KINDS.flatMap((kind) => (claims[n] as Claims)[kind].map((a) => a.family)),
      );
      if (own.some((family) => families.includes(family))) continue;
    }
    const [first, ...more] = named === undefined ? list : [named, ...list];
    for (const b of more) links.push({ a: first as number, b, because });
  }
  return links;
}

/**
 * Addresses that several hosts claim, where it matters: two of them in the inventory, one in the inventory and another
 * by what was seen, or an address that was scanned.
 */
function conflictsOf(
  nodes: readonly HostNode[],
  index: ReadonlyMap<number | bigint, Claimants>,
  find: (node: number) => number,
  freshSince: number,
): Conflict[] {
  const scanned = new Set(nodes.flatMap((n) => (n.address !== null && n.outside.length > 0 ? [n.address.value] : [])));
  const conflicts: Conflict[] = [];
  for (const [value, claimants] of index) {
    if (claimants.inside.length + claimants.asset.length < 2) continue;
    const inside = holders(claimants, 'inside', nodes, find, freshSince);
    const assets = holders(claimants, 'asset', nodes, find, freshSince).filter((group) =>
      claimants.asset.some((n) => find(n) === group && nodes[n]?.assets.some(({ asset }) => !asset.inactive)),
    );
    const all = new Set([...inside, ...assets]);
    const matters = assets.length > 1 || (assets.length > 0 && inside.length > 0) || scanned.has(value);
    if (all.size < 2 || !matters) continue;
    const address = formatAddress(typeof value === 'number' ? { family: 'ipv4', value } : { family: 'ipv6', value });
    const sources = (group: number) =>
      claimants.asset
        .filter((n) => find(n) === group)
        .flatMap((n) => (nodes[n] as HostNode).assets.map((a) => a.source));
    conflicts.push({
      address,
      claims: [
        ...inside.map((node) => ({ node, by: 'observed' })),
        ...assets.flatMap((node) => [...new Set(sources(node))].sort(compareText).map((by) => ({ node, by }))),
      ],
    });
  }
  return conflicts;
}

import { compareText } from '../util/compare.ts';
import type { AssetList } from './asset.ts';
import type { IdentityNotice } from './facts.ts';
import type { MatchHost } from './host-selector.ts';
import { type Groups, groupHosts } from './identity-groups.ts';
import { aliases, displayName } from './identity-names.ts';
import { furtherNames, type HostNode, hostKey, hostNodes, nameKey } from './identity-nodes.ts';
import { matchScopes } from './identity-scopes.ts';
import type { HostDeclaration } from './register.ts';
import type { HostState, ListenerState } from './state.ts';
import { vantageKind } from './vantage.ts';

export interface IdentityInput {
  readonly hosts: readonly HostState[];
  readonly listeners: readonly ListenerState[];
  readonly assets?: readonly AssetList[];
  readonly declared?: readonly HostDeclaration[];
  /** UTC milliseconds: a look from before gives way to one since, where two hosts claim an address. Absent: none does. */
  readonly freshSince?: number;
}

/** What is known of hosts, each under one name. */
export interface Identities {
  readonly hosts: readonly HostState[];
  readonly listeners: readonly ListenerState[];
  readonly notices: readonly IdentityNotice[];
  /** Every host that is known, seen or not, with all its names, addresses and tags: what selectors choose from. */
  readonly known: readonly MatchHost[];
  /** Owner by host, from the inventory, and before that from quietdoor.yaml. */
  readonly owners: ReadonlyMap<string, string>;
  /** Name that the host with this name, alias or address goes by; undefined where it is not known. */
  nameOf(text: string): string | undefined;
  /** Names under which looks at a host were recorded, itself first where it is one. */
  recordedAs(host: string): readonly RecordedName[];
}

export interface RecordedName {
  readonly name: string;
  /** Recorded by a look from outside, so without a scope. */
  readonly isOutside: boolean;
}

/**
 * Finds out which hosts of different vantages, of the inventory and of quietdoor.yaml are one, and gives each one name and
 * each port seen from outside its scope, as far as that is certain (docs/decisions/host-identity.md). Pure; the order of
 * the input does not matter. Hosts and listeners that stay what they were are returned as they are.
 */
export function unifyHosts(input: IdentityInput): Identities {
  const { hosts, assets = [], declared = [], freshSince = Number.NEGATIVE_INFINITY } = input;
  const nodes = hostNodes(hosts, assets, declared);
  const groups = groupHosts(nodes, freshSince);
  const keys = new Map(nodes.map((node, i) => [node.key, i]));
  const members = Map.groupBy(nodes, (_, i) => groups.find(i));
  const taken = new Set(nodes.flatMap((node) => [node.key, ...furtherNames(node).map(nameKey)]));
  const asked = namesAskedFor(members);
  const isTaken = (key: string) => taken.has(key) || (asked.get(key) ?? 0) > 1;
  const names = new Map<number, string>();
  for (const [group, list] of members) names.set(group, displayName(list, isTaken));
  makeUnique(names, members);
  const others = new Map([...members].map(([group, list]) => [group, aliases(list, names.get(group) as string)]));
  const shared = sharedNames(others);

  const groupOf = (name: string, vantage: string): number | undefined => {
    const node = keys.get(hostKey(name, vantage));
    return node === undefined ? undefined : groups.find(node);
  };
  const isOwn = (group: number, key: string) => {
    const node = keys.get(key);
    return !shared.has(key) && (node === undefined || groups.find(node) === group);
  };
  const ownAliases = new Map([...others].map(([group, list]) => [group, list.filter((n) => isOwn(group, nameKey(n)))]));
  const renamed = hosts.map((state) => {
    const group = groupOf(state.host.name, state.vantage) as number;
    return renameHost(state, names.get(group) as string, ownAliases.get(group) as readonly string[]);
  });
  const listeners = renameListeners(input, (state) => {
    const group = groupOf(state.listener.host, state.vantage);
    return group === undefined ? state.listener.host : (names.get(group) as string);
  });

  const byText = new Map<string, string>();
  for (const [group, list] of members) {
    const name = names.get(group) as string;
    for (const text of [name, ...(ownAliases.get(group) ?? [])]) byText.set(nameKey(text), name);
    for (const node of list) if (!node.isLocal) byText.set(node.key, name);
  }
  return {
    hosts: renamed,
    ...{ listeners: matchScopes(renamed, listeners), notices: noticesOf(groups, members, names) },
    known: [...members].map(([group, list]) => ({
      name: names.get(group) as string,
      names: ownAliases.get(group) as readonly string[],
      addresses: [...new Set(list.flatMap(addressesOf))].sort(compareText),
      tags: [...new Set(list.flatMap(tagsOf))].sort(compareText),
    })),
    owners: ownersOf(members, names),
    recordedAs: (host) => recordedNames(renamed, host),
    nameOf: (text) => byText.get(nameKey(text)) ?? byText.get(hostKey(text, '')),
  };
}

function recordedNames(hosts: readonly HostState[], host: string): readonly RecordedName[] {
  const found = new Map<string, RecordedName>();
  for (const state of hosts) {
    if (state.host.name !== host) continue;
    const name = state.recordedAs ?? host;
    const isOutside = vantageKind(state.vantage) === 'outside';
    found.set(`${isOutside} ${name}`, { name, isOutside });
  }
  if (found.size === 0) return [{ name: host, isOutside: false }];
  return [...found.values()].sort((a, b) => Number(a.isOutside) - Number(b.isOutside) || compareText(a.name, b.name));
}

/** Number of hosts that answered when a scan asked for a name. */
function namesAskedFor(members: ReadonlyMap<number, readonly HostNode[]>): ReadonlyMap<string, number> {
  const asked = new Map<string, number>();
  for (const list of members.values()) {
    const names = list.flatMap((node) => node.outside.flatMap(({ host }) => (host.names ?? []).map(nameKey)));
    for (const name of new Set(names)) asked.set(name, (asked.get(name) ?? 0) + 1);
  }
  return asked;
}

/** Two hosts that would be shown alike are told apart by their addresses. */
function makeUnique(names: Map<number, string>, members: ReadonlyMap<number, readonly HostNode[]>): void {
  const byName = Map.groupBy(names.keys(), (group) => nameKey(names.get(group) as string));
  for (const groups of byName.values()) {
    if (groups.length < 2) continue;
    for (const group of groups) {
      const [node] = (members.get(group) ?? []).filter((n) => n.address !== null);
      if (node)
        names.set(
          group,
          displayName([{ ...node, outside: [] }], () => true),
        );
    }
  }
}

/** Further names that several hosts have: they mean none of them. */
function sharedNames(others: ReadonlyMap<number, readonly string[]>): ReadonlySet<string> {
  const seen = new Set<string>();
  const shared = new Set<string>();
  for (const list of others.values())
    for (const key of list.map(nameKey)) {
      if (seen.has(key)) shared.add(key);
      seen.add(key);
    }
  return shared;
}

function renameHost(state: HostState, name: string, names: readonly string[]): HostState {
  const { host, coverage } = state;
  const known = host.names ?? [];
  const sameNames = names.length === known.length && names.every((n, i) => n === known[i]);
  if (host.name === name && sameNames) return state;
  const { names: _, ...rest } = host;
  return {
    ...state,
    host: { ...rest, name, ...(names.length > 0 && { names }) },
    ...(host.name !== name && { recordedAs: host.name }),
    coverage: host.name === name ? coverage : coverage.map((c) => ({ ...c, host: name })),
  };
}

/** Walks the listeners only where a host goes by another name than before. */
function renameListeners(
  { hosts, listeners }: IdentityInput,
  nameOf: (state: ListenerState) => string,
): readonly ListenerState[] {
  const memory = new Map<string, Map<string, string>>();
  for (const { vantage } of hosts) memory.set(vantage, new Map());
  let isSame = true;
  const renamed = listeners.map((state) => {
    const { listener, vantage } = state;
    const ofVantage = memory.get(vantage);
    let name = ofVantage?.get(listener.host);
    if (name === undefined) {
      name = nameOf(state);
      ofVantage?.set(listener.host, name);
    }
    if (name === listener.host) return state;
    isSame = false;
    return { ...state, listener: { ...listener, host: name } };
  });
  return isSame ? listeners : renamed;
}

function addressesOf(node: HostNode): readonly string[] {
  return [
    ...(node.address !== null && !node.isLocal ? [node.key] : []),
    ...[...node.inside, ...node.outside].flatMap(({ host }) => host.addresses),
    ...node.assets.flatMap(({ asset }) => asset.addresses),
    ...node.declared.flatMap((host) => host.addresses),
  ];
}

/** Tags of all sources; zone and environment of the inventory as `zone:NAME` and `environment:NAME`. */
function tagsOf(node: HostNode): readonly string[] {
  return [
    ...[...node.inside, ...node.outside].flatMap(({ host }) => host.tags),
    ...node.assets.flatMap(({ asset: { tags, zone, environment } }) => [
      ...tags,
      ...(zone === undefined ? [] : [`zone:${zone}`]),
      ...(environment === undefined ? [] : [`environment:${environment}`]),
    ]),
    ...node.declared.flatMap((host) => host.tags),
  ];
}

/** Where sources name different owners there is none. */
function ownersOf(members: ReadonlyMap<number, readonly HostNode[]>, names: ReadonlyMap<number, string>) {
  const owners = new Map<string, string>();
  for (const [group, list] of members) {
    const declared = new Set(list.flatMap((node) => node.declared.flatMap((host) => host.owner ?? [])));
    const listed = new Set(list.flatMap((node) => node.assets.flatMap(({ asset }) => asset.owner ?? [])));
    const [owner, ...more] = declared.size > 0 ? declared : listed;
    if (owner !== undefined && more.length === 0) owners.set(names.get(group) as string, owner);
  }
  return owners;
}

function noticesOf(
  groups: Groups,
  members: ReadonlyMap<number, readonly HostNode[]>,
  names: ReadonlyMap<number, string>,
): readonly IdentityNotice[] {
  const nameOf = (node: number) => names.get(groups.find(node)) as string;
  const merged: IdentityNotice[] = [];
  for (const [group, because] of groups.because) {
    const list = members.get(group) ?? [];
    if (!list.some((node) => node.inside.length + node.outside.length > 0)) continue;
    const name = names.get(group) as string;
    const all = [...new Set(list.map((node) => node.name))].filter((n) => n !== name).sort(compareText);
    merged.push({ kind: 'merged', host: name, names: all, because: because.join('; ') });
  }
  return [
    ...groups.conflicts
      .map(({ address, claims }) => ({
        kind: 'address-conflict' as const,
        address,
        claims: claims
          .map(({ node, by }) => ({ host: nameOf(node), by }))
          .sort((a, b) => compareText(a.host, b.host) || compareText(a.by, b.by)),
      }))
      .sort((a, b) => compareText(a.address, b.address)),
    ...groups.clones.map(({ machineId, nodes }) => ({
      kind: 'clone' as const,
      machineId,
      hosts: nodes.map(nameOf).sort(compareText),
    })),
    ...merged.sort((a, b) => compareText((a as { host: string }).host, (b as { host: string }).host)),
  ];
}

import { compareBy, compareText } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import type { AssetList } from './asset.ts';
import type { IdentityNotice } from './facts.ts';
import type { MatchHost } from './host-selector.ts';
import { type Groups, groupHosts } from './identity-groups.ts';
import { type NamedHost, nameHosts } from './identity-names.ts';
import { type HostNode, hostKey, hostNodes, nameKey } from './identity-nodes.ts';
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
  const { nodes, ofLook } = hostNodes(hosts, assets, declared);
  const groups = groupHosts(nodes, freshSince);
  const named = nameHosts(Map.groupBy(nodes, (_, i) => groups.find(i)));
  const hostOf = new Map<HostNode, NamedHost>();
  for (const host of named.values()) for (const node of host.nodes) hostOf.set(node, host);

  const renamed = hosts.map((state, i) => renameHost(state, hostOf.get(ofLook[i] as HostNode) as NamedHost));
  const listeners = renameListeners(input, renamed);
  const looks = renamed.some((state) => state.recordedAs !== undefined) ? renamed.toSorted(byNameThenVantage) : renamed;
  const held = withoutMadeUp(looks);
  let byText: ReadonlyMap<string, string> | undefined;
  return {
    hosts: held,
    listeners: matchScopes(held, listeners),
    notices: noticesOf(groups, named),
    known: [...named.values()].map(knownOf),
    owners: ownersOf(named.values()),
    recordedAs: (host) => recordedNames(looks, host),
    nameOf(text) {
      byText ??= namesByText(named.values());
      return byText.get(nameKey(text)) ?? byText.get(hostKey(text, ''));
    },
  };
}

const byNameThenVantage = compareBy<HostState>(
  (state) => state.host.name,
  (state) => state.vantage,
  (state) => state.recordedAs ?? '',
);

/** Names by every text that means a host. */
function namesByText(named: Iterable<NamedHost>): ReadonlyMap<string, string> {
  const byText = new Map<string, string>();
  for (const { name, aliases, nodes } of named) {
    for (const text of [name, ...aliases]) byText.set(nameKey(text), name);
    for (const node of nodes) if (!node.isLocal) byText.set(node.key, name);
  }
  return byText;
}

/** A look from inside that failed, under one name, is over once the same source looked at the host under another. */
function withoutMadeUp(looks: readonly HostState[]): readonly HostState[] {
  const hasFailed = (look: HostState) => look.coverage.length === 0 && vantageKind(look.vantage) === 'inside';
  if (!looks.some(hasFailed)) return looks;
  const keyOf = ({ host, vantage }: HostState) => `${vantage} ${host.name}`;
  const looked = new Map<string, number>();
  for (const look of looks)
    if (!hasFailed(look)) looked.set(keyOf(look), Math.max(look.lastObservedAt, looked.get(keyOf(look)) ?? 0));
  return looks.filter((look) => !hasFailed(look) || look.lastObservedAt >= (looked.get(keyOf(look)) ?? 0));
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

function renameHost(state: HostState, { name, aliases }: NamedHost): HostState {
  const { host, coverage } = state;
  const known = host.names ?? NO_NAMES;
  const isSame = host.name === name && aliases.length === known.length && aliases.every((n, i) => n === known[i]);
  if (isSame) return state;
  const { names: _, ...rest } = host;
  return {
    ...state,
    host: { ...rest, name, ...(aliases.length > 0 && { names: aliases }) },
    ...(host.name !== name && { recordedAs: host.name, coverage: coverage.map((c) => ({ ...c, host: name })) }),
  };
}

const NO_NAMES: readonly string[] = [];

/** Walks the listeners only where a host goes by another name than before. */
function renameListeners({ hosts, listeners }: IdentityInput, looks: readonly HostState[]): readonly ListenerState[] {
  const names = new Map<string, Map<string, string>>();
  for (const [i, { vantage, host }] of hosts.entries()) {
    const name = looks[i]?.host.name ?? host.name;
    if (name !== host.name) getOrMake(names, vantage, () => new Map()).set(host.name, name);
  }
  if (names.size === 0) return listeners;
  return listeners.map((state) => {
    const name = names.get(state.vantage)?.get(state.listener.host);
    return name === undefined ? state : { ...state, listener: { ...state.listener, host: name } };
  });
}

/** A host as selectors see it: what is known of it from everywhere. */
function knownOf({ name, aliases, nodes }: NamedHost): MatchHost {
  const [only] = nodes;
  const [seen] = only?.inside ?? [];
  const isPlain = nodes.length === 1 && only?.inside.length === 1 && only.outside.length === 0;
  if (seen && isPlain && only.assets.length === 0 && only.declared.length === 0)
    return { name, names: aliases, addresses: seen.host.addresses, tags: seen.host.tags };
  return {
    ...{ name, names: aliases },
    addresses: [...new Set(nodes.flatMap(addressesOf))].sort(compareText),
    tags: [...new Set(nodes.flatMap(tagsOf))].sort(compareText),
  };
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
function ownersOf(named: Iterable<NamedHost>): ReadonlyMap<string, string> {
  const owners = new Map<string, string>();
  for (const { name, nodes } of named) {
    const declared = new Set(nodes.flatMap((node) => node.declared.flatMap((host) => host.owner ?? [])));
    const listed = new Set(nodes.flatMap((node) => node.assets.flatMap(({ asset }) => asset.owner ?? [])));
    const [owner, ...more] = declared.size > 0 ? declared : listed;
    if (owner !== undefined && more.length === 0) owners.set(name, owner);
  }
  return owners;
}

function noticesOf(groups: Groups, named: ReadonlyMap<number, NamedHost>): readonly IdentityNotice[] {
  const nameOf = (node: number) => named.get(groups.find(node))?.name as string;
  const merged: (IdentityNotice & { kind: 'merged' })[] = [];
  for (const [group, because] of groups.because) {
    const { name, nodes } = named.get(group) as NamedHost;
    if (!nodes.some((node) => node.inside.length + node.outside.length > 0)) continue;
    const names = nodes
      .map((node) => node.name)
      .filter((n) => nameKey(n) !== nameKey(name))
      .sort(compareText);
    merged.push({ kind: 'merged', host: name, names, because: because.join('; ') });
  }
  return [
    ...groups.conflicts
      .map(({ address, claims }) => ({
        kind: 'address-conflict' as const,
        address,
        claims: claims.map(({ node, by }) => ({ host: nameOf(node), by })).sort(byHostThenSource),
      }))
      .sort((a, b) => compareText(a.address, b.address)),
    ...groups.clones.map(({ machineId, nodes }) => ({
      kind: 'clone' as const,
      machineId,
      hosts: nodes.map(nameOf).sort(compareText),
    })),
    ...merged.sort((a, b) => compareText(a.host, b.host)),
  ];
}

const byHostThenSource = compareBy<{ readonly host: string; readonly by: string }>(
  (claim) => claim.host,
  (claim) => claim.by,
);

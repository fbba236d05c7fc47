import { compareText } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { type Address, bindScopeOf, formatAddress, parseAddress, unmapAddress } from './address.ts';
import type { Asset, AssetList } from './asset.ts';
import type { HostDeclaration } from './register.ts';
import type { HostState } from './state.ts';
import { vantageKind } from './vantage.ts';

/** An asset with the list that it is in. */
export interface ListedAsset {
  readonly asset: Asset;
  readonly source: string;
}

/** Everything known under one name of a host. */
export interface HostNode {
  readonly key: string;
  /** The name as it is written; of several spellings the first in order. */
  readonly name: string;
  /** The name, where it is an address; null: a name. */
  readonly address: Address | null;
  /** A loopback, link-local or container address: it means another machine wherever it is used. */
  readonly isLocal: boolean;
  readonly inside: HostState[];
  readonly outside: HostState[];
  readonly assets: ListedAsset[];
  readonly declared: HostDeclaration[];
}

/**
 * Addresses that machines give themselves alike, so that they name none: docker's bridge, the gateways of its further
 * networks, podman, lxc, libvirt, and a VirtualBox guest behind NAT.
 */
const REPEATED: ReadonlySet<number | bigint> = new Set(
  [
    ...Array.from({ length: 14 }, (_, i) => `172.${18 + i}.0.1`),
    '10.88.0.1',
    '10.0.3.1',
    '192.168.122.1',
    '10.0.2.15',
  ].map((text) => (parseAddress(text) as Address).value),
);
/** docker's first bridge, and link-local (RFC 3927), by their upper 16 bits. */
const REPEATED_NETWORKS: ReadonlySet<number> = new Set([(172 << 8) | 17, (169 << 8) | 254]);
const LINK_LOCAL = 0xfe80n; // fe80::/10, RFC 4291, 2.5.6

/** Says whether an address may stand for one machine in the whole site. */
export function identifies({ family, value }: Address): boolean {
  if (family === 'ipv6') return value > 1n && value >> 118n !== LINK_LOCAL >> 6n;
  const isLoopback = value >>> 24 === 127;
  return value !== 0 && !isLoopback && !REPEATED_NETWORKS.has(value >>> 16) && !REPEATED.has(value);
}

/** Reads an address as people and tools write it: with a zone id, mapped into IPv6; null where it is none. */
export function readAddress(text: string): Address | null {
  if (!/^[0-9]|:/.test(text)) return null;
  const parsed = parseAddress(text.split('%', 1)[0] as string);
  return parsed && unmapAddress(parsed);
}

/** Names have no case (RFC 4343), and a dot at their end says only that they are complete. */
export function nameKey(name: string): string {
  return name.toLowerCase().replace(/\.$/, '');
}

/** Names that many machines have at first. */
const GENERIC = new Set(['localhost', 'localhost.localdomain', 'debian', 'ubuntu', 'raspberrypi', 'unknown', '(none)']);

/** Says whether a name means one machine. */
export function isDistinctive(name: string): boolean {
  return !GENERIC.has(nameKey(name));
}

/** Names besides the first that a host gives itself, or that the inventory gives it. */
export function furtherNames(node: HostNode): readonly string[] {
  if (node.address !== null) return [];
  return [
    ...node.assets.flatMap(({ asset }) => asset.names),
    ...node.inside.flatMap(({ host }) => host.names ?? []),
  ].filter(isDistinctive);
}

/** The name by which a host was seen. A machine that scans its own loopback sees itself. */
function nameSeen(name: string, vantage: string): string {
  const isItself = vantage.startsWith('network:') && readAddress(name) !== null && bindScopeOf(name) === 'loopback';
  return isItself ? vantage.slice('network:'.length) : name;
}

/** What a host's name means where it was used; addresses in one spelling. */
export function hostKey(name: string, vantage: string): string {
  const seen = nameSeen(name, vantage);
  const address = readAddress(seen);
  return address === null ? nameKey(seen) : addressKey(address, !identifies(address), vantage);
}

function addressKey(address: Address, isLocal: boolean, vantage: string): string {
  return isLocal ? `${formatAddress(address)} ${vantage}` : formatAddress(address);
}

/** Everything that is said of hosts, by name, sorted by key; and the node that each look is in. */
export function hostNodes(
  hosts: readonly HostState[],
  assets: readonly AssetList[],
  declared: readonly HostDeclaration[],
): { readonly nodes: readonly HostNode[]; readonly ofLook: readonly HostNode[] } {
  const nodes = new Map<string, HostNode & { name: string }>();
  const nodeOf = (name: string, vantage: string): HostNode => {
    const seen = nameSeen(name, vantage);
    const address = readAddress(seen);
    const isLocal = address !== null && !identifies(address);
    const key = address === null ? nameKey(seen) : addressKey(address, isLocal, vantage);
    const node = getOrMake(nodes, key, () => ({
      ...{ key, name: seen, address, isLocal, inside: [], outside: [], assets: [], declared: [] },
    }));
    if (seen < node.name) node.name = seen;
    return node;
  };
  const ofLook = hosts.map((state) => {
    const node = nodeOf(state.host.name, state.vantage);
    node[vantageKind(state.vantage)].push(state);
    return node;
  });
  for (const { source, items } of assets)
    for (const asset of items) nodeOf(asset.name, source).assets.push({ asset, source });
  for (const host of declared) nodeOf(host.name, 'quietdoor.yaml').declared.push(host);
  return { nodes: [...nodes.values()].sort((a, b) => compareText(a.key, b.key)), ofLook };
}

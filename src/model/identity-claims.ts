import { compareText } from '../util/compare.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { type Address, formatAddress } from './address.ts';
import { type HostNode, identifies, readAddress } from './identity-nodes.ts';

/** Who says that an address is a host's, the strongest first: the host itself, the inventory, quietdoor.yaml. */
export const CLAIM_KINDS = ['inside', 'asset', 'declared'] as const;
export type ClaimKind = (typeof CLAIM_KINDS)[number];

/** Identifying addresses that a node has, each once, by who says so. */
export type Claims = Readonly<Record<ClaimKind, readonly Address[]>>;

/** Returns the addresses that a node claims; one that is named by an address claims that one. */
export function claimsOf(node: HostNode): Claims {
  const read = (texts: readonly string[]): readonly Address[] => {
    const found = new Map<number | bigint, Address>();
    for (const text of texts.toSorted(compareText)) {
      const address = readAddress(text);
      if (address && identifies(address)) found.set(address.value, address);
    }
    return [...found.values()];
  };
  const own = node.address !== null && !node.isLocal ? [formatAddress(node.address)] : [];
  return {
    inside: node.inside.length === 0 ? [] : read([...own, ...node.inside.flatMap((state) => state.host.addresses)]),
    asset: read(node.assets.flatMap(({ asset }) => [...own, ...asset.addresses])),
    declared: read(node.declared.flatMap((host) => [...own, ...host.addresses])),
  };
}

/** Nodes that claim an address, by who says so. */
export type Claimants = Readonly<Record<ClaimKind, readonly number[]>>;

/** Every claimed address with its claimants: indexes of nodes. */
export function claimIndex(claims: readonly Claims[]): ReadonlyMap<number | bigint, Claimants> {
  const index = new Map<number | bigint, Record<ClaimKind, number[]>>();
  for (const [node, byKind] of claims.entries())
    for (const kind of CLAIM_KINDS)
      for (const { value } of byKind[kind])
        getOrMake(index, value, () => ({ inside: [], asset: [], declared: [] }))[kind].push(node);
  return index;
}

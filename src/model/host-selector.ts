import { matchesGlob } from '../util/glob.ts';
import { type Address, parseAddress, unmapAddress } from './address.ts';
import { blockOf, type Cidr, formatCidr, parseCidr } from './cidr.ts';

/** A host as selectors see it. */
export interface MatchHost {
  readonly name: string;
  /** Further names that mean this host. */
  readonly names?: readonly string[];
  /** Plain text; what is no address is passed over. */
  readonly addresses: readonly string[];
  readonly tags: readonly string[];
}

/** One item of an entry's `hosts`. Names and patterns are in lower case: host names have no case (RFC 4343). */
export type HostSelector =
  | { readonly kind: 'name'; readonly name: string }
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'cidr'; readonly cidr: Cidr }
  | { readonly kind: 'wildcard'; readonly pattern: string }
  | { readonly kind: 'tag'; readonly tag: string }
  | { readonly kind: 'every' };

/** A host with its addresses read; a host that is named by an address has that address too. */
export interface ResolvedHost {
  readonly name: string;
  /** Further names, in lower case. */
  readonly names: readonly string[];
  readonly addresses: readonly Address[];
  readonly tags: ReadonlySet<string>;
}

/** Longest literal part that counts; host names have at most 253 characters (RFC 1035). */
const DETAILS = 512;

/** Ranks of the kinds, most specific first: what the precedence of entries begins with. */
const RANK = { name: 6, address: 5, cidr: 4, wildcard: 3, tag: 2, every: 1 } as const;

/** From this score on a selector names one host outright, rather than a set that others may join. */
export const OUTRIGHT_SCORE = RANK.address * DETAILS;

export function literalLength(pattern: string): number {
  return pattern.replaceAll(/[*?]/g, '').length;
}

/**
 * How specific a selector is, 1 to 4095: an exact name before a host address before a CIDR (the longer prefix first)
 * before a wildcard (the more literal characters first) before a tag before `*`.
 */
export function selectorScore(selector: HostSelector): number {
  const detail =
    selector.kind === 'cidr'
      ? selector.cidr.prefix
      : selector.kind === 'wildcard'
        ? literalLength(selector.pattern)
        : 0;
  return RANK[selector.kind] * DETAILS + Math.min(detail, DETAILS - 1);
}

/** Reads one selector. A text that is nothing else is taken as a name; never fails. */
export function parseHostSelector(text: string): HostSelector {
  if (text.startsWith('tag:')) return { kind: 'tag', tag: text.slice(4) };
  if (/^\*+$/.test(text)) return { kind: 'every' };
  if (/[*?]/.test(text)) return { kind: 'wildcard', pattern: text.toLowerCase() };
  const parsed = parseCidr(text);
  if (parsed.kind !== 'cidr') return { kind: 'name', name: text.toLowerCase() };
  const { network, prefix } = parsed.cidr;
  const plain = unmapAddress(network);
  // ::ffff:10.0.0.0/104 means 10.0.0.0/8; a mapped prefix under 96 bits reaches beyond the mapped addresses.
  const cidr = plain !== network && prefix >= 96 ? blockOf(plain, prefix - 96) : parsed.cidr;
  const isOne = cidr.prefix === (cidr.network.family === 'ipv4' ? 32 : 128);
  return isOne ? { kind: 'address', address: cidr.network } : { kind: 'cidr', cidr };
}

/** One text for all ways to write the same selector. */
export function selectorKey(selector: HostSelector): string {
  switch (selector.kind) {
    case 'name':
      return `name:${selector.name}`;
    case 'address':
      return `address:${selector.address.value}/${selector.address.family}`;
    case 'cidr':
      return `cidr:${formatCidr(selector.cidr)}`;
    case 'wildcard':
      return `wildcard:${selector.pattern}`;
    case 'tag':
      return `tag:${selector.tag}`;
    case 'every':
      return 'every';
  }
}

const NO_NAMES: readonly string[] = [];

export function resolveHost(host: MatchHost): ResolvedHost {
  const addresses = new Map<number | bigint, Address>();
  for (const text of [host.name, ...host.addresses]) {
    const address = parseAddress(text.split('%', 1)[0] as string);
    // Numbers and bigints are different keys, so that the families do not collide.
    if (address) addresses.set(unmapAddress(address).value, unmapAddress(address));
  }
  const names = host.names === undefined ? NO_NAMES : host.names.map((name) => name.toLowerCase());
  return { name: host.name.toLowerCase(), names, addresses: [...addresses.values()], tags: new Set(host.tags) };
}

export function selectorMatches(selector: HostSelector, host: ResolvedHost): boolean {
  switch (selector.kind) {
    case 'name':
      return selector.name === host.name || host.names.includes(selector.name);
    case 'address':
      return host.addresses.some((a) => a.value === selector.address.value);
    case 'cidr': {
      const { network, prefix } = selector.cidr;
      return host.addresses.some(
        (a) => a.family === network.family && blockOf(a, prefix).network.value === network.value,
      );
    }
    case 'wildcard':
      return [host.name, ...host.names].some((name) => matchesGlob(selector.pattern, name));
    case 'tag':
      return host.tags.has(selector.tag);
    case 'every':
      return true;
  }
}

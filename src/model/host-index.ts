import { getOrMake } from '../util/get-or-make.ts';
import { matchesGlob } from '../util/glob.ts';
import { blockOf } from './cidr.ts';
import type { HostSelector, ResolvedHost } from './host-selector.ts';

/** Finds the selectors that choose a host without trying each: what 20,000 entries have under `hosts`, once each. */
export interface HostIndex<T> {
  add(selector: HostSelector, item: T): void;
  /** Items of every selector that chooses the host, each once, in no order. */
  matching(host: ResolvedHost): T[];
}

/** Blocks by prefix length, then by their first address. IPv4 are numbers and IPv6 bigints, so they do not collide. */
type Blocks<T> = Map<number, Map<number | bigint, T>>;

/** Patterns by their literal beginning or end, by its length. A pattern with neither is under the length 0. */
type Patterns<T> = Map<number, Map<string, { pattern: string; item: T }[]>>;

export function newHostIndex<T>(): HostIndex<T> {
  const names = new Map<string, T>();
  const tags = new Map<string, T>();
  const addresses = new Map<number | bigint, T>();
  const blocks: Record<'ipv4' | 'ipv6', Blocks<T>> = { ipv4: new Map(), ipv6: new Map() };
  const byHead: Patterns<T> = new Map();
  const byTail: Patterns<T> = new Map();
  const every: T[] = [];

  function addPattern(pattern: string, item: T): void {
    const head = pattern.slice(0, pattern.search(/[*?]/));
    const tail = head === '' ? pattern.slice(Math.max(pattern.lastIndexOf('*'), pattern.lastIndexOf('?')) + 1) : '';
    const literal = tail === '' ? head : tail;
    const same = getOrMake(tail === '' ? byHead : byTail, literal.length, () => new Map());
    getOrMake(same, literal, () => []).push({ pattern, item });
  }

  function matchPatterns(name: string, found: T[]): void {
    const tryAll = (candidates: { pattern: string; item: T }[] | undefined) => {
      for (const c of candidates ?? []) if (matchesGlob(c.pattern, name)) found.push(c.item);
    };
    for (const [length, same] of byHead) if (length <= name.length) tryAll(same.get(name.slice(0, length)));
    for (const [length, same] of byTail) if (length <= name.length) tryAll(same.get(name.slice(name.length - length)));
  }

  return {
    add(selector, item) {
      if (selector.kind === 'name') names.set(selector.name, item);
      else if (selector.kind === 'tag') tags.set(selector.tag, item);
      else if (selector.kind === 'address') addresses.set(selector.address.value, item);
      else if (selector.kind === 'wildcard') addPattern(selector.pattern, item);
      else if (selector.kind === 'every') every.push(item);
      else {
        const { network, prefix } = selector.cidr;
        getOrMake(blocks[network.family], prefix, () => new Map()).set(network.value, item);
      }
    },
    matching(host) {
      const found: T[] = [...every];
      const take = (item: T | undefined) => {
        if (item !== undefined) found.push(item);
      };
      take(names.get(host.name));
      for (const name of host.names) take(names.get(name));
      for (const tag of host.tags) take(tags.get(tag));
      for (const address of host.addresses) {
        take(addresses.get(address.value));
        for (const [prefix, same] of blocks[address.family]) take(same.get(blockOf(address, prefix).network.value));
      }
      matchPatterns(host.name, found);
      for (const name of host.names) matchPatterns(name, found);
      // Two addresses of a host may lie in one block, two names in one pattern.
      return [...new Set(found)];
    },
  };
}

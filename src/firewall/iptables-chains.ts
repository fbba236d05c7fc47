import type { AddressFamily } from '../model/listener.ts';
import type { BaseChain } from '../model/ruleset.ts';

type Place = readonly [hook: BaseChain['hook'], priority: number, type: BaseChain['type']];

/** Chains that the kernel calls, with their priorities (linux/netfilter_ipv4.h, enum nf_ip_hook_priorities). */
const BASE_CHAINS: Readonly<Record<string, Readonly<Record<string, Place>>>> = {
  raw: { PREROUTING: ['prerouting', -300, 'filter'], OUTPUT: ['output', -300, 'filter'] },
  mangle: {
    PREROUTING: ['prerouting', -150, 'filter'],
    INPUT: ['input', -150, 'filter'],
    FORWARD: ['forward', -150, 'filter'],
    OUTPUT: ['output', -150, 'route'],
    POSTROUTING: ['postrouting', -150, 'filter'],
  },
  nat: {
    PREROUTING: ['prerouting', -100, 'nat'],
    INPUT: ['input', 100, 'nat'],
    OUTPUT: ['output', -100, 'nat'],
    POSTROUTING: ['postrouting', 100, 'nat'],
  },
  filter: {
    INPUT: ['input', 0, 'filter'],
    FORWARD: ['forward', 0, 'filter'],
    OUTPUT: ['output', 0, 'filter'],
  },
  security: {
    INPUT: ['input', 50, 'filter'],
    FORWARD: ['forward', 50, 'filter'],
    OUTPUT: ['output', 50, 'filter'],
  },
};

/** The chains of a table that the kernel calls; null: iptables has no such table. */
export function baseChainsOf(table: string): ReadonlyMap<string, Place> | null {
  const found = Object.hasOwn(BASE_CHAINS, table) ? BASE_CHAINS[table] : undefined;
  return found === undefined ? null : new Map(Object.entries(found));
}

/** What ids of tables begin with: `iptables`, `ip6tables-legacy`. */
export function toolName(family: AddressFamily | null, backend: 'nft' | 'legacy' | null): string {
  const tool = family === 'ipv6' ? 'ip6tables' : family === 'ipv4' ? 'iptables' : 'iptables-any';
  return backend === 'legacy' ? `${tool}-legacy` : tool;
}

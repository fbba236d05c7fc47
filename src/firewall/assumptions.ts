import type { AddressFamily } from '../model/listener.ts';
import type { Layer } from '../model/ruleset.ts';
import type { LinuxFile } from './linux-layer.ts';

/** What was given of a host, as far as answers rest on what was not. */
export interface Given {
  readonly linux: readonly LinuxFile[];
  readonly unseenFamilies: readonly AddressFamily[];
  readonly layers: readonly Layer[];
  readonly hasNetwork: boolean;
  readonly hasRoutes: boolean;
  /** What dialects rest on. */
  readonly fromDialects: readonly string[];
}

/** What every answer rests on, most important first. */
export function assumptionsOf(given: Given): readonly string[] {
  const { linux, layers } = given;
  const sentences = [
    'The rules are taken as they were when they were listed.',
    layers.some((layer) => layer.kind !== 'linux')
      ? 'Programs of eBPF, XDP and tc, filters in network cards, and filters that were not given are not seen.'
      : 'Programs of eBPF, XDP and tc, filters in network cards and of clouds are not seen.',
  ];
  if (linux.length > 0) {
    sentences.push(...unseen(linux, given.unseenFamilies));
    sentences.push(...given.fromDialects);
    if (!given.hasNetwork)
      sentences.push('Interfaces and addresses of the host were not given (ip -j addr, ip -j link).');
    sentences.push(
      'Helpers of conntrack, which let related connections in, are not followed.',
      given.hasRoutes
        ? 'Policy routing is not followed: routes are those of the tables that were given.'
        : 'Routes were not given (ip -j route), and policy routing is not followed.',
      'The reverse path filter and other checks of sources by the routing code are not counted.',
      'Packets are taken as plain ones: no fragments, no IPv6 extension headers.',
    );
  } else sentences.push(...given.fromDialects);
  return [...new Set(sentences)];
}

/** Tables that other tools would list. */
function unseen(linux: readonly LinuxFile[], families: readonly AddressFamily[]): string[] {
  const sentences: string[] = [];
  const tables = linux.flatMap((file) => file.iptables?.tables ?? []);
  const hasNft = linux.some((file) => file.iptables === null);
  if (!hasNft)
    sentences.push('iptables-save does not show native tables of nftables; none were given, so none are assumed.');
  if (hasNft && !tables.some((table) => table.backend === 'legacy'))
    sentences.push(
      'Tables of legacy iptables are not part of "nft list ruleset"; none were given, so none are assumed.',
    );
  for (const family of families)
    sentences.push(
      `No output of ${family === 'ipv4' ? 'iptables-save' : 'ip6tables-save'} was given, so who can connect by ${family === 'ipv4' ? 'IPv4' : 'IPv6'} is not known.`,
    );
  return sentences;
}

/**
 * Families that no file speaks of: iptables and ip6tables are two filters, and one says nothing of the other. `empty`:
 * names of files that were taken and hold nothing, which is an answer too.
 */
export function unseenFamilies(linux: readonly LinuxFile[], empty: readonly string[]): readonly AddressFamily[] {
  const tables = linux.flatMap((file) => file.iptables?.tables ?? []);
  if (tables.length === 0 || linux.some((file) => file.iptables === null)) return [];
  const families = new Set<AddressFamily | null>(tables.map((table) => table.family));
  if (families.has(null)) return [];
  for (const name of empty) if (/ip6?tables/i.test(name)) families.add(/ip6tables/i.test(name) ? 'ipv6' : 'ipv4');
  return (['ipv4', 'ipv6'] as const).filter((family) => !families.has(family));
}

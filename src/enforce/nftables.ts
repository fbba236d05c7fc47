import { type AddressSet, ALL, difference, isEmpty } from '../model/address-set.ts';
import type { AddressFamily } from '../model/listener.ts';
import { sha256 } from '../util/sha256.ts';
import { destinationsOf, hostAccess, hostCannot, isOfHost, LOOPBACK, otherScopes, outsideSources } from './demand.ts';
import {
  ACCEPT,
  addressIn,
  COUNTER,
  connectionState,
  DROP,
  destinationPorts,
  elementsOf,
  FROM_LOOPBACK,
  familyIs,
  icmpTypes,
  limitPerMinute,
  log,
  type Nft,
  type NftRule,
  type NftSet,
  sourceInSet,
} from './nft-statements.ts';
import { type NftTable, nftJson, nftText, nftUndo } from './nft-table.ts';
import { fileNameOf, nameOf, plainText, uniqueNames } from './safe-text.ts';
import type { ApprovedAccess, EnforceInput, EnforceOutput, EnforceTarget } from './target.ts';

/** The one table that is ever touched. */
export const NFT_TABLE = 'quietdoor';

/** What a host needs of IPv6 to work, and answers to be heard: RFC 4890, 4.4.1 and 4.4.2. In the order of their numbers. */
const ICMPV6 = [
  'destination-unreachable',
  'packet-too-big',
  'time-exceeded',
  'parameter-problem',
  'echo-request',
  'echo-reply',
  'mld-listener-query',
  'mld-listener-report',
  'mld-listener-done',
  'nd-router-solicit',
  'nd-router-advert',
  'nd-neighbor-solicit',
  'nd-neighbor-advert',
  'mld2-listener-report',
];
const ICMPV4 = ['echo-reply', 'destination-unreachable', 'echo-request', 'time-exceeded', 'parameter-problem'];

/** Our own nftables table, replaced as a whole. */
export const nftables: EnforceTarget = {
  id: 'nftables',
  title: 'nftables: a table of its own for `nft -f`',
  covers: isOfHost,
  closesRest: true,
  generate(input: EnforceInput): EnforceOutput {
    const table = nftTable(input);
    const file = fileNameOf(input.host);
    const text = nftText(table, [
      `Quietdoor: who may connect to ${plainText(input.host)}; mode ${input.mode}.`,
      'Generated: change the register, not this file. No other table is touched.',
    ]);
    return {
      files: [
        { path: `${file}.nft`, text },
        { path: `${file}.undo.nft`, text: nftUndo(NFT_TABLE) },
      ],
      readBack: [{ name: `${file}.nft`, text: nftJson(table) }],
      cannot: hostCannot(input),
      howTo: [
        `Check: nft -c -f ${file}.nft`,
        `Apply: nft -f ${file}.nft (as root; replaces the table inet ${NFT_TABLE} in one transaction)`,
        `Undo: nft -f ${file}.undo.nft`,
        ...HOST_NOTES,
        ...otherScopes(input),
      ],
    };
  },
};

/** What a person who enforces rules on a host should know beforehand. */
export const HOST_NOTES: readonly string[] = [
  'Whatever the register does not name is dropped on its way to the host itself, protocols without ports (VRRP, ESP, GRE, IGMP) and answers to DHCPv6 and multicast DNS among them.',
  'Published ports of containers, in the register or not, pass the forward hook, which these rules do not touch: they stay as open as they are ("quietdoor firewall plan" on the host names them).',
  'Rules of other tools go on to apply: a connection must be let in by all of them.',
];

/** The rules for one host as one table; in the mode `enforce` whatever is not approved is dropped. */
export function nftTable(input: EnforceInput): NftTable {
  const { mode } = input;
  const drops = mode === 'enforce';
  const refuse = drops ? DROP : ACCEPT;
  const name = uniqueNames();
  const sets: NftSet[] = [];
  const rules: NftRule[] = [
    { statements: [FROM_LOOPBACK, ACCEPT] },
    ...FAMILIES.map(
      (family): NftRule => ({
        statements: [addressIn('saddr', family, elementsOf(LOOPBACK, family)), COUNTER, refuse],
        comment: 'quietdoor: loopback source from outside',
      }),
    ),
    // Before the connection state: neighbour discovery is untracked, and must work when nothing else does.
    { statements: [icmpTypes('icmpv6', ICMPV6), ACCEPT] },
    { statements: [connectionState(['established', 'related']), ACCEPT] },
    { statements: [connectionState(['invalid']), COUNTER, refuse], comment: 'quietdoor: invalid' },
    { statements: [icmpTypes('icmp', ICMPV4), ACCEPT] },
  ];
  for (const access of hostAccess(input)) {
    const base = name(nameOf(access.entry));
    for (const family of FAMILIES) {
      const found = accessRule(access, family, base, input.logAccepted === true);
      if (!found) continue;
      if (found.set) sets.push(found.set);
      rules.push(found.rule);
    }
  }
  if (mode !== 'observe')
    rules.push({ statements: [limitPerMinute(30, 60), log(drops ? 'quietdoor drop: ' : 'quietdoor would drop: ')] });
  const table = (last: string): NftTable => ({
    name: NFT_TABLE,
    sets,
    chain: {
      ...{ name: 'input', policy: drops ? 'drop' : 'accept' },
      rules: [...rules, { statements: [COUNTER], comment: last }],
    },
  });
  // What is loaded says which rules it is: that is how it is known whether it is these.
  return table(`quietdoor: not approved; rules ${sha256(nftText(table(''), [])).slice(0, 16)}`);
}

const FAMILIES: readonly AddressFamily[] = ['ipv4', 'ipv6'];

/** The rule that lets in what an access allows for a family, with the set it looks in. */
function accessRule(
  access: ApprovedAccess,
  family: AddressFamily,
  base: string,
  logAccepted: boolean,
): { readonly rule: NftRule; readonly set: NftSet | null } | null {
  const sources = outsideSources(access);
  const destinations = destinationsOf(access);
  const elements = elementsOf(sources, family);
  if (elements.length === 0 || (destinations && destinations[family].length === 0)) return null;
  const comment = `quietdoor: entry ${plainText(access.entry, 80)}`;
  const set = holdsAll(sources, family) ? null : { name: `${base}_${family}`, family, comment, elements };
  const statements: Nft[] = [
    set ? sourceInSet(family, set.name) : familyIs(family),
    ...(destinations ? [addressIn('daddr', family, elementsOf(destinations, family))] : []),
    destinationPorts(access.transport, access.ports),
    COUNTER,
    ...(logAccepted ? [log(`quietdoor accept ${plainText(access.entry, 80)}: `)] : []),
    ACCEPT,
  ];
  return { rule: { statements, comment }, set };
}

/** Says whether a set holds the whole family but the loopback addresses, which are refused before. */
export function holdsAll(sources: AddressSet, family: AddressFamily): boolean {
  const missing = difference(difference(ALL, LOOPBACK), sources);
  return isEmpty({ ipv4: [], ipv6: [], [family]: missing[family] });
}

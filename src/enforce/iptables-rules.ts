import type { AddressSet } from '../model/address-set.ts';
import { toCidrs } from '../model/address-set.ts';
import type { AddressFamily } from '../model/listener.ts';
import type { NumberRange } from '../model/ruleset.ts';
import { sha256 } from '../util/sha256.ts';
import { destinationsOf, hostAccess, LOOPBACK, outsideSources } from './demand.ts';
import { holdsAll } from './nftables.ts';
import { plainText } from './safe-text.ts';
import type { ApprovedAccess, EnforceInput } from './target.ts';

/** The one chain that is ever written. */
export const CHAIN = 'QUIETDOOR-IN';

/** Names of our sets of ipset(8), as a regular expression: the family, and what the set holds. */
export const SET_NAME = 'qd[46]-[0-9a-f]{20}';

/** From so many source blocks on an entry's sources are a set of ipset(8), which is looked up in one step. */
const SET_FROM = 9;
/** xt_multiport takes 15 ports; a range counts twice. */
const MULTIPORT_SLOTS = 15;

/** A set of ipset(8). */
export interface IpSet {
  readonly name: string;
  readonly family: AddressFamily;
  readonly cidrs: readonly string[];
}

/** What our chain holds for a family, without the hook in INPUT. */
export interface IptablesRules {
  /** Arguments after `-A QUIETDOOR-IN`. */
  readonly rules: readonly string[];
  readonly sets: readonly IpSet[];
}

const ICMP = {
  ipv4: {
    option: '-p icmp -m icmp --icmp-type',
    types: ['echo-reply', 'destination-unreachable', 'echo-request', 'time-exceeded', 'parameter-problem'],
  },
  ipv6: {
    option: '-p ipv6-icmp -m icmp6 --icmpv6-type',
    // By number, as ip6tables-save prints them: errors, echo, MLD, neighbour discovery, MLDv2 (RFC 4890, 4.4.1 and 4.4.2).
    types: ['1', '2', '3', '4', '128', '129', '130', '131', '132', '133', '134', '135', '136', '143'],
  },
} as const;

/**
 * The rules for one host. What is let in returns to INPUT, so that rules of other tools behind it go on to apply, as with
 * a table of nftables; what is not approved ends here.
 */
export function iptablesRules(input: EnforceInput, family: AddressFamily): IptablesRules {
  const drops = input.mode === 'enforce';
  const refuse = drops ? 'DROP' : 'RETURN';
  const sets = new Map<string, IpSet>();
  const { option, types } = ICMP[family];
  const rules = [
    '-i lo -j RETURN',
    ...toCidrs(familyOf(LOOPBACK, family)).map(
      (cidr) => `-s ${cidr} ${comment('loopback source from outside')} -j ${refuse}`,
    ),
    // Before the connection state: neighbour discovery is untracked, and must work when nothing else does.
    ...types.map((type) => `${option} ${type} -j RETURN`),
    '-m conntrack --ctstate RELATED,ESTABLISHED -j RETURN',
    `-m conntrack --ctstate INVALID ${comment('invalid')} -j ${refuse}`,
    ...hostAccess(input).flatMap((access) => accessRules(access, family, input.logAccepted === true, sets)),
  ];
  if (input.mode !== 'observe')
    rules.push(
      `-m limit --limit 30/min --limit-burst 60 -j LOG --log-prefix "quietdoor ${drops ? 'drop' : 'would drop'}: "`,
    );
  rules.push(`${comment('not approved')} -j ${refuse}`);
  return { rules, sets: [...sets.values()].sort((a, b) => (a.name < b.name ? -1 : 1)) };
}

function comment(text: string): string {
  return `-m comment --comment "quietdoor: ${text}"`;
}

function familyOf(set: AddressSet, family: AddressFamily): AddressSet {
  return { ipv4: [], ipv6: [], [family]: set[family] };
}

function accessRules(
  access: ApprovedAccess,
  family: AddressFamily,
  logAccepted: boolean,
  sets: Map<string, IpSet>,
): string[] {
  const sources = familyOf(outsideSources(access), family);
  const destinations = destinationsOf(access);
  const froms = sourceMatches(sources, family, sets);
  const tos = destinations === null ? [''] : toCidrs(familyOf(destinations, family)).map((cidr) => `-d ${cidr} `);
  const what = comment(`entry ${plainText(access.entry, 80)}`);
  const log = `-j LOG --log-prefix "qd+${plainText(access.entry, 24)}: "`;
  return froms.flatMap((from) =>
    tos.flatMap((to) =>
      portMatches(access.transport, access.ports).flatMap((ports) => {
        const match = `${from}${to}${ports} ${what}`;
        return [...(logAccepted ? [`${match} ${log}`] : []), `${match} -j RETURN`];
      }),
    ),
  );
}

/** Conditions one of which holds for every source; none for an empty set. */
function sourceMatches(sources: AddressSet, family: AddressFamily, sets: Map<string, IpSet>): string[] {
  const cidrs = toCidrs(sources);
  if (cidrs.length === 0) return [];
  if (holdsAll(sources, family)) return [''];
  if (cidrs.length < SET_FROM) return cidrs.map((cidr) => `-s ${cidr} `);
  // Named by what it holds: new rules never meet old members, and members never change under rules.
  const name = `qd${family.slice(-1)}-${sha256(cidrs.join(' ')).slice(0, 20)}`;
  sets.set(name, { name, family, cidrs });
  return [`-m set --match-set ${name} src `];
}

/** Conditions one of which holds for every port. */
function portMatches(transport: string, ports: readonly NumberRange[]): string[] {
  const [only] = ports;
  if (only && ports.length === 1) return [`-p ${transport} -m ${transport} --dport ${portText(only)}`];
  const groups: NumberRange[][] = [[]];
  let used = 0;
  for (const range of ports) {
    const slots = range.from === range.to ? 1 : 2;
    if (used + slots > MULTIPORT_SLOTS) {
      groups.push([]);
      used = 0;
    }
    used += slots;
    groups.at(-1)?.push(range);
  }
  return groups.map((group) => `-p ${transport} -m multiport --dports ${group.map(portText).join(',')}`);
}

function portText({ from, to }: NumberRange): string {
  return from === to ? `${from}` : `${from}:${to}`;
}

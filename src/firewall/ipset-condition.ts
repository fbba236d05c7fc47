import { ALWAYS, type Condition, NEVER } from '../model/ruleset.ts';
import type { IpSet } from './dialect.ts';
import { PORT_PROTOCOLS } from './iptables-values.ts';
import { printable } from './untrusted.ts';

/** Which side of a packet a dimension of a set is compared with. */
export type Side = 'src' | 'dst';

/** Most elements that one test may spell out: sets of pairs of addresses. */
const MOST_ELEMENTS = 20_000;

/** What `-m set --match-set NAME SIDES` means. `wantsNomatch`: `--return-nomatch`, the exceptions are what matches. */
export function ipSetCondition(
  name: string,
  sides: readonly Side[],
  sets: ReadonlyMap<string, IpSet>,
  wantsNomatch = false,
): Condition {
  const set = sets.get(name);
  if (set === undefined) return unknown(`the ipset ${printable(name, 60)} is not among those that were given`);
  if (set.members !== undefined) {
    if (set.uncertain !== null) return unknownMembers(set);
    const members = set.members.map((member) => sets.get(member));
    if (members.some((member) => member?.members !== undefined)) return unknown(`${set.name} holds a list of sets`);
    return { kind: 'any', of: set.members.map((member) => ipSetCondition(member, sides, sets, wantsNomatch)) };
  }
  if (set.uncertain !== null) return unknownMembers(set);
  if (set.elements.length > MOST_ELEMENTS)
    return unknown(
      `the ipset ${set.name} has ${set.elements.length} members of several parts, which is not worked out`,
    );
  // The kernel takes no side for a dimension that has none: then nothing is in the set.
  const dimensions = set.elements[0]?.addresses.length ?? 0;
  if (sides.length < dimensions) return NEVER;
  // Types that know no exceptions do not look at the flag.
  const nomatch = wantsNomatch && set.type.includes('net');
  const of = set.elements.filter((e) => e.nomatch === nomatch).map((e) => elementCondition(set, e, sides));
  const test: Condition = of.length === 1 ? (of[0] as Condition) : { kind: 'any', of };
  // Ports and networks are of one family; bitmap:port has none.
  return set.type === 'bitmap:port' ? test : { kind: 'all', of: [{ kind: 'family', family: set.family }, test] };
}

function unknown(reason: string): Condition {
  return { kind: 'unknown', reason };
}

function unknownMembers(set: IpSet): Condition {
  return unknown(`the members of the ipset ${printable(set.name, 60)} are not known: ${set.uncertain}`);
}

function elementCondition(set: IpSet, element: IpSet['elements'][number], sides: readonly Side[]): Condition {
  const of: Condition[] = [];
  for (const [i, side] of sides.entries()) {
    const addresses = element.addresses[i];
    const port = element.ports[i];
    const face = element.interfaces[i];
    if (addresses) of.push({ kind: side === 'src' ? 'source' : 'destination', set: addresses });
    if (port) {
      of.push({ kind: 'protocol', numbers: [{ from: port.protocol, to: port.protocol }] });
      if (PORT_PROTOCOLS.includes(port.protocol))
        of.push({ kind: side === 'src' ? 'source-port' : 'destination-port', ports: [port.range] });
    }
    if (face) of.push({ kind: side === 'src' ? 'in-interface' : 'out-interface', names: [face] });
  }
  if (element.also !== undefined) of.push(unknown(`members of the ipset ${set.name} also name ${element.also}`));
  return of.length === 0 ? ALWAYS : of.length === 1 ? (of[0] as Condition) : { kind: 'all', of };
}

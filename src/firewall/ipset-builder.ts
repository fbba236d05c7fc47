import { type AddressSet, difference, EMPTY, isEmpty, union } from '../model/address-set.ts';
import type { AddressFamily } from '../model/listener.ts';
import type { InterfacePattern, NumberRange } from '../model/ruleset.ts';
import { getOrMake } from '../util/get-or-make.ts';
import { AddressCollector, unionAll } from './address-collector.ts';
import type { IpSet } from './dialect.ts';
import { numberIn, PORT_PROTOCOLS, portRangeOf, protocolOf, TCP, UDP } from './iptables-values.ts';
import { printable } from './untrusted.ts';

type Element = IpSet['elements'][number];
type Port = { readonly protocol: number; readonly range: NumberRange };

/** What an element is made of, by type; ipset(8), SET TYPES. */
type Dimension = 'address' | 'port' | 'interface' | 'mac' | 'mark';
const DIMENSIONS: ReadonlyMap<string, Dimension> = new Map([
  ['ip', 'address'],
  ['net', 'address'],
  ['port', 'port'],
  ['iface', 'interface'],
  ['mac', 'mac'],
  ['mark', 'mark'],
]);
const TYPES: ReadonlySet<string> = new Set([
  'bitmap:ip',
  'bitmap:ip,mac',
  'bitmap:port',
  'hash:ip',
  'hash:mac',
  'hash:ip,mac',
  'hash:net',
  'hash:net,net',
  'hash:ip,port',
  'hash:net,port',
  'hash:ip,port,ip',
  'hash:ip,port,net',
  'hash:ip,mark',
  'hash:net,port,net',
  'hash:net,iface',
  'list:set',
]);

/** Elements that differ only in the address that is collected, by how specific that is: the most specific decides. */
interface Group {
  readonly ports: readonly Port[];
  readonly face: InterfacePattern | null;
  readonly first: AddressSet | null;
  readonly also: string | null;
  readonly match: Map<number, AddressCollector>;
  readonly except: Map<number, AddressCollector>;
}

/** Puts one set together. Elements are grouped while they are read, so that half a million of addresses are one. */
export class IpSetBuilder {
  readonly name: string;
  /** Why the set cannot be known; null: it can. */
  problem: string | null = null;
  /** Members come and go by themselves. */
  timed = false;
  readonly #type: string;
  readonly #dimensions: readonly Dimension[];
  #family: AddressFamily = 'ipv4';
  #netmask: number | null = null;
  #doubt: string | null = null;
  #hasExceptions = false;
  #hasRanges = false;
  #hasWildcards = false;
  readonly #groups = new Map<string, Group>();
  readonly #members: string[] = [];

  constructor(name: string, type: string, options: readonly string[]) {
    this.name = name;
    this.#type = printable(type, 40);
    const known = TYPES.has(type);
    this.#dimensions = known
      ? type
          .slice(type.indexOf(':') + 1)
          .split(',')
          .flatMap((part) => DIMENSIONS.get(part) ?? [])
      : [];
    if (!known) this.#give(`the set type ${this.#type} is not known`);
    for (let i = 0; i < options.length; i++) {
      const value = options[i + 1] ?? '';
      if (options[i] === 'family') this.#family = value === 'inet6' ? 'ipv6' : 'ipv4';
      else if (options[i] === 'timeout') this.timed = true;
      else if (options[i] === 'bitmask') this.#give('members of a set with a bitmask are not modelled');
      else if (options[i] === 'netmask') {
        this.#netmask = numberIn(value, this.#family === 'ipv4' ? 32 : 128);
        if (this.#netmask === null || !['hash:ip', 'bitmap:ip', 'hash:ip,port'].includes(type))
          this.#give(`netmask ${printable(value, 20)} of a ${this.#type} is not modelled`);
      }
    }
  }

  #give(problem: string): void {
    this.problem ??= problem;
    this.doubt(problem);
  }

  /** Members may be others than the ones that were read. */
  doubt(reason: string): void {
    this.#doubt ??= reason;
  }

  /** Takes an element and, from `words[3]` on, its options. Returns what is wrong with it. */
  add(element: string, words: readonly string[]): string | null {
    const problem = this.#take(element, words);
    if (problem !== null) this.doubt(`its member ${printable(element, 60)} could not be read`);
    return problem;
  }

  #take(element: string, words: readonly string[]): string | null {
    let nomatch = false;
    let wildcard = false;
    for (let i = 3; i < words.length; i++) {
      const option = words[i];
      if (option === 'nomatch') nomatch = true;
      else if (option === 'wildcard') wildcard = true;
      else if (option === 'timeout' && words[i + 1] !== '0') this.timed = true;
      else if (option === 'comment') i++;
    }
    if (this.#type === 'list:set') {
      this.#members.push(element);
      return null;
    }
    if (this.#dimensions.length === 0) return null;
    const parts = this.#dimensions.length === 1 ? [element] : element.split(',');
    if (this.#type === 'bitmap:ip,mac' && parts.length === 1) parts.push('');
    if (parts.length !== this.#dimensions.length) return `an element of ${this.#type} has other parts`;

    // The last address is collected; everything else makes the group.
    const last = this.#dimensions.lastIndexOf('address');
    const key = this.#dimensions.length === 1 && last === 0 ? '' : parts.filter((_, i) => i !== last).join(',');
    let group = this.#groups.get(wildcard ? `${key}+` : key);
    if (group === undefined) {
      const made = this.#groupOf(parts, last, wildcard);
      if (typeof made === 'string') return made;
      group = made;
      this.#groups.set(wildcard ? `${key}+` : key, group);
    }
    this.#hasExceptions ||= nomatch;
    this.#hasWildcards ||= wildcard;
    return last < 0 ? null : this.#collect(nomatch ? group.except : group.match, parts[last] as string);
  }

  #collect(into: Map<number, AddressCollector>, text: string): string | null {
    const bits = this.#family === 'ipv4' ? 32 : 128;
    const slash = text.indexOf('/');
    const dash = slash < 0 ? text.indexOf('-') : -1;
    const prefix = slash < 0 ? (this.#netmask ?? bits) : numberIn(text.slice(slash + 1), bits);
    if (prefix === null) return 'its prefix length is none';
    const collector = getOrMake(into, prefix, () => new AddressCollector(this.#family));
    if (dash >= 0) {
      this.#hasRanges = true;
      return collector.addRange(text.slice(0, dash), text.slice(dash + 1)) ? null : 'its range is none';
    }
    return collector.add(text, 0, slash < 0 ? text.length : slash, prefix) ? null : 'its address is none';
  }

  #groupOf(parts: readonly string[], last: number, wildcard: boolean): Group | string {
    let ports: readonly Port[] = [];
    let face: InterfacePattern | null = null;
    let first: AddressSet | null = null;
    let also: string | null = null;
    for (const [i, dimension] of this.#dimensions.entries()) {
      const part = parts[i] as string;
      if (i === last) continue;
      if (dimension === 'address') {
        const collected = new Map<number, AddressCollector>();
        const problem = this.#collect(collected, part);
        if (problem !== null) return problem;
        first = unionOf(collected);
      } else if (dimension === 'port') {
        const read = portsOf(part, this.#type === 'bitmap:port');
        if (read === null) return 'its port is none';
        ports = read.ports;
        also = read.also;
      } else if (dimension === 'interface') {
        if (part.startsWith('physdev:')) also = 'the port of a bridge that it came in by';
        face = { name: part, prefix: wildcard };
      } else if (dimension === 'mark') also = 'a mark';
      else if (part !== '') also = 'a hardware address';
    }
    return { ports, face, first, also, match: new Map(), except: new Map() };
  }

  build(): IpSet {
    const addresses = this.#dimensions.filter((dimension) => dimension === 'address').length;
    if (this.#hasExceptions && (this.#hasRanges || this.#hasWildcards || addresses > 1))
      this.doubt('exceptions beside ranges, wildcards or in two addresses are not modelled');
    if (this.#dimensions.includes('interface')) this.#shadowWiderNetworks();
    return {
      name: this.name,
      type: this.#type,
      family: this.#family,
      elements: mergeFirst([...this.#groups.values()].flatMap((group) => this.#elements(group))),
      ...(this.#type === 'list:set' ? { members: this.#members } : {}),
      uncertain: this.#doubt,
    };
  }

  /**
   * Beside interfaces, the kernel looks no further than the smallest network around an address that any member names,
   * be it with another interface (ip_set_hash_gen.h, mtype_test_cidrs).
   */
  #shadowWiderNetworks(): void {
    const groups = [...this.#groups.values()];
    if (groups.length < 2) return;
    if (this.#hasRanges) this.doubt('ranges of addresses beside interfaces are not modelled');
    const sides = groups.flatMap((group) => [group.match, group.except]);
    const prefixes = [...new Set(sides.flatMap((side) => [...side.keys()]))].sort((a, b) => b - a);
    let smaller = EMPTY;
    for (const prefix of prefixes) {
      const here = unionAll(sides.map((side) => side.get(prefix)?.set() ?? EMPTY));
      for (const side of sides) side.get(prefix)?.exclude(smaller);
      smaller = union(smaller, here);
    }
  }

  #elements(group: Group): Element[] {
    const last = this.#dimensions.lastIndexOf('address');
    const { match, except } = resolve(group);
    const elements: Element[] = [];
    for (const [addresses, nomatch] of [
      [match, false],
      [except, true],
    ] as const) {
      if (last >= 0 && isEmpty(addresses)) continue;
      if (last < 0 && nomatch) continue;
      for (const port of group.ports.length === 0 ? [null] : group.ports)
        elements.push({
          addresses: this.#dimensions.map((d, i) => (d !== 'address' ? null : i === last ? addresses : group.first)),
          ports: this.#dimensions.map((d) => (d === 'port' ? port : null)),
          interfaces: this.#dimensions.map((d) => (d === 'interface' ? group.face : null)),
          nomatch,
          ...(group.also === null ? {} : { also: group.also }),
        });
    }
    return elements;
  }
}

function unionOf(collected: ReadonlyMap<number, AddressCollector>): AddressSet {
  return unionAll([...collected.values()].map((collector) => collector.set()));
}

/** Addresses that match and those that are excepted: of two blocks around an address, the smaller one decides. */
function resolve(group: Group): { readonly match: AddressSet; readonly except: AddressSet } {
  if (group.except.size === 0) return { match: unionOf(group.match), except: EMPTY };
  let match = EMPTY;
  let except = EMPTY;
  const prefixes = [...new Set([...group.match.keys(), ...group.except.keys()])].sort((a, b) => a - b);
  for (const prefix of prefixes) {
    const yes = group.match.get(prefix)?.set() ?? EMPTY;
    const no = group.except.get(prefix)?.set() ?? EMPTY;
    match = union(difference(match, no), yes);
    except = union(difference(except, yes), no);
  }
  return { match, except };
}

/** Puts elements of two addresses together that differ in the first one only. */
function mergeFirst(elements: readonly Element[]): readonly Element[] {
  if (!elements.some((e) => e.addresses.filter((a) => a !== null).length > 1)) return elements;
  const merged = new Map<string, { readonly element: Element; readonly firsts: AddressSet[] }>();
  for (const element of elements) {
    const { addresses, ports, nomatch, also } = element;
    const rest = addresses.slice(1).map((a) => a && [a.ipv4, a.ipv6.map(String)]);
    const same = getOrMake(merged, JSON.stringify([ports, nomatch, also, rest]), () => ({ element, firsts: [] }));
    same.firsts.push(addresses[0] as AddressSet);
  }
  return [...merged.values()].map(({ element, firsts }) => ({
    ...element,
    addresses: [unionAll(firsts), ...element.addresses.slice(1)],
  }));
}

/** `tcp:80`, `udp:1000-2000`, `80` (TCP; of `bitmap:port` TCP and UDP), `icmp:ping`, `vrrp:0`. */
function portsOf(
  text: string,
  both: boolean,
): { readonly ports: readonly Port[]; readonly also: string | null } | null {
  const colon = text.indexOf(':');
  const range = portRangeOf(text.slice(colon + 1), '-');
  if (colon < 0 && both)
    return range === null ? null : { ports: [TCP, UDP].map((protocol) => ({ protocol, range })), also: null };
  const protocol = colon < 0 ? TCP : protocolOf(text.slice(0, colon));
  if (protocol === null) return null;
  if (protocol === 1 || protocol === 58)
    return { ports: [{ protocol, range: { from: 0, to: 0 } }], also: 'a type of ICMP' };
  if (range === null) return null;
  return { ports: [{ protocol, range: PORT_PROTOCOLS.includes(protocol) ? range : { from: 0, to: 0 } }], also: null };
}

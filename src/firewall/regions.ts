import { type AddressSet, ALL, ALL_IPV4, ALL_IPV6, difference, intersection, isEmpty } from '../model/address-set.ts';
import { CONNECTION_STATES, type Condition, type InterfacePattern, type NumberRange } from '../model/ruleset.ts';
import { addAll } from '../util/add-all.ts';

/**
 * Packets that a rule matches, as a box: what it allows in each of eight dimensions. Numbers (ports, protocols, places in
 * a list of interfaces) are kept in the `ipv4` part of an AddressSet, so that one algebra serves all.
 */
export interface Region {
  readonly dimensions: readonly AddressSet[];
  /** Conditions that no dimension holds, as text; the same text means the same test. */
  readonly others: readonly string[];
}

const SOURCE = 0;
const DESTINATION = 1;
const PROTOCOL = 2;
const SOURCE_PORT = 3;
const DESTINATION_PORT = 4;
const IN = 5;
const OUT = 6;
const STATE = 7;

/** More boxes than this for one rule are not looked at. */
const MAX_BOXES = 64;

function numbers(ranges: readonly NumberRange[]): AddressSet {
  const sorted = ranges.filter(({ from, to }) => from <= to).sort((a, b) => a.from - b.from);
  const ipv4: number[] = [];
  for (const { from, to } of sorted) {
    const end = ipv4[ipv4.length - 1];
    if (end !== undefined && from <= end) ipv4[ipv4.length - 1] = Math.max(end, to + 1);
    else ipv4.push(from, to + 1);
  }
  return { ipv4, ipv6: [] };
}

/** Makes regions of one chain's rules; interfaces are told apart as far as its rules do. */
export class Regions {
  readonly #names: readonly string[];

  constructor(patterns: readonly InterfacePattern[]) {
    const names = patterns.map(({ name, prefix }) => (prefix ? `${name}\u0000` : name));
    this.#names = ['', '\u0001', ...new Set(names)];
  }

  everything(): Region {
    const ports = numbers([{ from: 0, to: 65535 }]);
    const names = numbers([{ from: 0, to: this.#names.length - 1 }]);
    const states = numbers([{ from: 0, to: CONNECTION_STATES.length - 1 }]);
    return { dimensions: [ALL, ALL, numbers([{ from: 0, to: 255 }]), ports, ports, names, names, states], others: [] };
  }

  /** Says whether a region is of packets from loopback or of connections that are there already: no new ones. */
  isOfOld(region: Region): boolean {
    const states = region.dimensions[STATE] as AddressSet;
    if (states.ipv4[0] !== CONNECTION_STATES.indexOf('new')) return true;
    const loopback = this.#named([{ name: 'lo', prefix: false }]);
    return !isEmpty(loopback) && isEmpty(difference(region.dimensions[IN] as AddressSet, loopback));
  }

  /** The parts of a region in which a condition holds; null: too many, or it holds an unknown. */
  where(c: Condition, region: Region): readonly Region[] | null {
    switch (c.kind) {
      case 'unknown':
        return null;
      case 'all': {
        let regions: readonly Region[] = [region];
        for (const part of c.of) {
          const next: Region[] = [];
          for (const one of regions) {
            const found = this.where(part, one);
            if (found === null) return null;
            addAll(next, found);
          }
          if (next.length > MAX_BOXES) return null;
          regions = next;
        }
        return regions;
      }
      case 'any': {
        const regions: Region[] = [];
        for (const part of c.of) {
          const found = this.where(part, region);
          if (found === null || regions.length + found.length > MAX_BOXES) return null;
          addAll(regions, found);
        }
        return regions;
      }
      case 'not': {
        const leaf = this.#leaf(c.of);
        if (leaf) return narrowed(region, leaf[0], (set) => difference(set, leaf[1]));
        return isStable(c.of)
          ? [{ ...region, others: [...region.others, `not ${JSON.stringify(c.of, bigints)}`] }]
          : null;
      }
      case 'family': {
        const all = c.family === 'ipv4' ? ALL_IPV4 : ALL_IPV6;
        return narrowed(region, SOURCE, (set) => intersection(set, all)).flatMap((one) =>
          narrowed(one, DESTINATION, (set) => intersection(set, all)),
        );
      }
      default: {
        const leaf = this.#leaf(c);
        if (leaf) return narrowed(region, leaf[0], (set) => intersection(set, leaf[1]));
        return isStable(c) ? [{ ...region, others: [...region.others, JSON.stringify(c, bigints)] }] : null;
      }
    }
  }

  /** The dimension that a condition is about, and what it allows there. */
  #leaf(c: Condition): readonly [number, AddressSet] | null {
    switch (c.kind) {
      case 'source':
        return [SOURCE, c.set];
      case 'destination':
        return [DESTINATION, c.set];
      case 'protocol':
        return [PROTOCOL, numbers(c.numbers)];
      case 'source-port':
        return [SOURCE_PORT, numbers(c.ports)];
      case 'destination-port':
        return [DESTINATION_PORT, numbers(c.ports)];
      case 'in-interface':
        return [IN, this.#named(c.names)];
      case 'out-interface':
        return [OUT, this.#named(c.names)];
      case 'connection-state': {
        const places = c.states.map((state) => CONNECTION_STATES.indexOf(state));
        return [STATE, numbers(places.map((place) => ({ from: place, to: place })))];
      }
      default:
        return null;
    }
  }

  #named(patterns: readonly InterfacePattern[]): AddressSet {
    const places = this.#names.flatMap((name, place) =>
      patterns.some((p) => (p.prefix ? name.startsWith(p.name) : name === p.name)) ? [{ from: place, to: place }] : [],
    );
    return numbers(places);
  }
}

function bigints(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}

/** Asked twice of one packet in one chain, the answer is the same. */
function isStable(c: Condition): boolean {
  switch (c.kind) {
    case 'tcp-flags':
    case 'connection-direction':
    case 'original-source':
    case 'original-destination':
    case 'original-destination-port':
    case 'address-type':
      return true;
    default:
      return false;
  }
}

function narrowed(region: Region, dimension: number, narrow: (set: AddressSet) => AddressSet): readonly Region[] {
  const set = narrow(region.dimensions[dimension] as AddressSet);
  if (isEmpty(set)) return [];
  return [{ ...region, dimensions: region.dimensions.with(dimension, set) }];
}

/** Says whether `by` surely matches wherever `region` does, as far as conditions go that no dimension holds. */
export function holdsOthers(region: Region, by: Region): boolean {
  return by.others.every((text) => region.others.includes(text));
}

export function meet(a: Region, b: Region): boolean {
  return a.dimensions.every((set, i) => !isEmpty(intersection(set, b.dimensions[i] as AddressSet)));
}

export function isInside(inner: Region, outer: Region): boolean {
  return (
    holdsOthers(inner, outer) &&
    inner.dimensions.every((set, i) => isEmpty(difference(set, outer.dimensions[i] as AddressSet)))
  );
}

/** What is left of a region without another, as boxes that do not meet. */
export function without(region: Region, taken: Region): Region[] {
  if (!holdsOthers(region, taken) || !meet(region, taken)) return [region];
  const rest: Region[] = [];
  let common = region.dimensions;
  for (let i = 0; i < common.length; i++) {
    const own = common[i] as AddressSet;
    const other = taken.dimensions[i] as AddressSet;
    const outside = difference(own, other);
    if (!isEmpty(outside)) rest.push({ ...region, dimensions: common.with(i, outside) });
    common = common.with(i, intersection(own, other));
  }
  return rest;
}

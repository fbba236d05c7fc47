import { type Address, parseAddress } from '../model/address.ts';
import { type AddressSet, ALL_IPV4, ALL_IPV6, union } from '../model/address-set.ts';
import { ALWAYS, type Condition, NEVER, type NumberRange, type Step } from '../model/ruleset.ts';
import { AddressCollector } from './address-collector.ts';
import { fieldOf } from './nftables-expression.ts';
import { allOf, familyIs, negation } from './nftables-field.ts';
import { coversNumgen, mapPairs } from './nftables-match.ts';
import type { NftReading } from './nftables-reading.ts';
import { statementText } from './nftables-text.ts';
import { collectAddress, numberRange, portNumber } from './nftables-values.ts';
import { listOf, mapOf } from './untrusted.ts';

/** Where a translation sends a packet: address, port. */
interface Target {
  readonly addresses: AddressSet | null;
  readonly ports: NumberRange | null;
}

/**
 * Ways that a `dnat` or `redirect` can go: each with the packets it is for. More than one where a map chooses by what
 * the packet is: exactly one of them applies, or none and the rule ends.
 */
export interface Translation {
  readonly when: Condition;
  readonly step: Step;
}

const ANY_PORT: NumberRange = { from: 0, to: 65535 };

/** Most ways that one rule is split into. */
const MOST_WAYS = 4096;

/** Reads `dnat` and `redirect`. */
export function destinationTranslations(kind: 'dnat' | 'redirect', body: unknown, reading: NftReading): Translation[] {
  const of = mapOf(body);
  const redirect = kind === 'redirect';
  const family =
    of.family === 'ip6' || reading.family === 'ip6'
      ? 'ipv6'
      : of.family === 'ip' || reading.family === 'ip'
        ? 'ipv4'
        : familyOfAddress(of.addr);
  const guard: readonly Condition[] = redirect || family === null ? [] : [familyIs(family)];
  const step = ({ addresses, ports }: Target): Step => ({ kind: 'destination-nat', redirect, addresses, ports });
  const unclear = (): Target => ({
    addresses: redirect
      ? null
      : family === 'ipv4'
        ? ALL_IPV4
        : family === 'ipv6'
          ? ALL_IPV6
          : union(ALL_IPV4, ALL_IPV6),
    ports: ANY_PORT,
  });

  const map = mapOf(mapOf(of.addr).map ?? mapOf(of.port).map);
  if (Object.keys(map).length === 0) {
    const target = { addresses: null, ports: null, ...targetOf(of.addr, of.port) };
    return [{ when: allOf(guard), step: step(target ?? told(reading, unclear())) }];
  }
  const field = fieldOf(map.key, reading);
  const { pairs, uncertain } = mapPairs(map.data, reading);
  if (pairs.length === 0 && uncertain === null) return [{ when: NEVER, step: step(unclear()) }];
  const onPort = mapOf(of.port).map !== undefined;
  const targets = pairs.map(({ value }) => (onPort ? targetOf(of.addr, value) : targetOf(value, of.port)));
  const start = [...guard, ...field.guard];
  if (
    uncertain !== null ||
    targets.includes(null) ||
    pairs.some(({ sometimes }) => sometimes) ||
    pairs.length > MOST_WAYS
  ) {
    const reason = uncertain ?? 'where its map leads to is not followed';
    return [{ when: allOf([...start, reading.unsupported(reason)]), step: step(unclear()) }];
  }
  const complete = coversNumgen(map.key, pairs);
  if (complete || mapOf(mapOf(map.key).numgen).mod !== undefined) {
    // chosen at random or in turn: any of them
    const any = targets.reduce<Target>((sum, target) => either(sum, target as Target), targets[0] as Target);
    const chosen = complete
      ? []
      : [
          field.oneOf(
            pairs.map(({ key }) => key),
            reading,
          ),
        ];
    return [{ when: allOf([...start, ...chosen]), step: step(any) }];
  }
  const byTarget = new Map<string, { target: Target; keys: unknown[]; all: boolean }>();
  pairs.forEach(({ key, value }, i) => {
    const name = key === '*' ? '*' : JSON.stringify(value);
    const same = byTarget.get(name);
    if (same === undefined) byTarget.set(name, { target: targets[i] as Target, keys: [key], all: key === '*' });
    else same.keys.push(key);
  });
  const ways = [...byTarget.values()];
  const listed = ways.filter((way) => !way.all);
  return ways.map(({ target, keys, all }) => {
    const rest = (): Condition =>
      negation(
        field.oneOf(
          listed.flatMap((way) => way.keys),
          reading,
        ),
      );
    const is = all ? (listed.length === 0 ? ALWAYS : rest()) : field.oneOf(keys, reading);
    return { when: allOf([...start, is]), step: step(target) };
  });

  function targetOf(address: unknown, port: unknown): Target | null {
    const [first, second, ...more] = listOf(mapOf(address).concat);
    if (first !== undefined) return more.length > 0 || port !== undefined ? null : targetOf(first, second);
    let addresses: AddressSet | null = null;
    if (address !== undefined) {
      const collector = new AddressCollector(family ?? 'ipv4');
      if (family === null || !collectAddress(address, collector)) return null;
      addresses = collector.set();
    }
    if (port === undefined || port === null) return { addresses, ports: null };
    const ports = numberRange(port, 16, portNumber);
    return ports === null ? null : { addresses, ports };
  }
}

function told(reading: NftReading, target: Target): Target {
  reading.unsupported('where it sends packets to is not followed');
  return target;
}

function either(a: Target, b: Target): Target {
  const ports =
    a.ports === null && b.ports === null
      ? null
      : a.ports === null || b.ports === null
        ? ANY_PORT
        : { from: Math.min(a.ports.from, b.ports.from), to: Math.max(a.ports.to, b.ports.to) };
  return {
    addresses:
      a.addresses === null || b.addresses === null ? (a.addresses ?? b.addresses) : union(a.addresses, b.addresses),
    ports,
  };
}

function familyOfAddress(value: unknown): Address['family'] | null {
  const of = mapOf(value);
  const [first] = listOf(of.range);
  const text = typeof value === 'string' ? value : (first ?? mapOf(of.prefix).addr);
  return typeof text === 'string' ? (parseAddress(text)?.family ?? null) : null;
}

/** Reads `snat` and `masquerade`: what they change of the source is not followed, only that they do. */
export function sourceTranslation(statement: unknown): Step {
  return { kind: 'source-nat', text: statementText(statement) };
}

import type { AddressFamily } from '../model/listener.ts';
import type { InterfacePattern, NumberRange } from '../model/ruleset.ts';
import type { AddressCollector } from './address-collector.ts';
import { protocolOf } from './iptables-values.ts';
import { listOf, mapOf, numberOf } from './untrusted.ts';

/** Values as nft's JSON has them: numbers, names, ranges, prefixes. null: not one; callers say so. */

/** Keys of a set's element that change nothing about what it matches. */
const HARMLESS = new Set(['val', 'timeout', 'expires', 'comment', 'counter', 'last', 'flags']);

/** What an element of a set says beside its value. `condition`: it matches only sometimes (a limit of its own). */
export interface SetElement {
  readonly value: unknown;
  readonly expires: boolean;
  readonly condition: string | null;
}

/** Takes `{"elem": {"val": ..., "timeout": ...}}` apart. */
export function elementOf(value: unknown): SetElement {
  if (value === null || typeof value !== 'object' || !('elem' in value))
    return { value, expires: false, condition: null };
  const element = mapOf(value.elem);
  const condition = Object.keys(element).find(
    (key) => !HARMLESS.has(key) && !(key === 'stmt' && onlyCounts(element[key])),
  );
  return {
    value: element.val,
    expires: element.expires !== undefined || element.timeout !== undefined,
    condition: condition ?? null,
  };
}

/** Says whether the statements that every element of a set carries only count. */
export function onlyCounts(statements: unknown): boolean {
  return listOf(statements).every((statement) => {
    if (typeof statement === 'string') return statement === 'counter' || statement === 'last';
    return Object.keys(mapOf(statement)).every((key) => key === 'counter' || key === 'last');
  });
}

/** The two ends of `{"range": [a, b]}`; null: no range. */
export function rangeEnds(value: unknown): readonly [unknown, unknown] | null {
  const ends = listOf(mapOf(value).range);
  return ends.length === 2 ? [ends[0], ends[1]] : null;
}

/** `{"prefix": {"addr": ..., "len": n}}`; null: no prefix. */
export function prefixOf(value: unknown): { readonly address: unknown; readonly length: number } | null {
  const prefix = mapOf(mapOf(value).prefix);
  const length = numberOf(prefix.len, 0, 128);
  return length === null ? null : { address: prefix.addr, length };
}

/** A number, also as text (`"5"`, `"0x10"`). */
export function numberValue(value: unknown, most: number): number | null {
  if (typeof value === 'string' && /^0x[0-9a-f]{1,8}$/i.test(value)) return bounded(Number(value), most);
  return numberOf(value, 0, most);
}

function bounded(number: number, most: number): number | null {
  return number <= most ? number : null;
}

/** A number, range or prefix of numbers of so many bits. */
export function numberRange(
  value: unknown,
  bits: number,
  numberOfName: (value: unknown) => number | null,
): NumberRange | null {
  const only = numberOfName(value);
  if (only !== null) return { from: only, to: only };
  const ends = rangeEnds(value);
  if (ends !== null) {
    const from = numberOfName(ends[0]);
    const to = numberOfName(ends[1]);
    return from === null || to === null || from > to ? null : { from, to };
  }
  const prefix = prefixOf(value);
  if (prefix === null || prefix.length > bits) return null;
  const address = numberOfName(prefix.address);
  if (address === null) return null;
  const size = 2 ** (bits - prefix.length);
  const from = address - (address % size);
  return { from, to: from + size - 1 };
}

/** Adds an address, range or prefix to what is collected. Says whether it was one of the family. */
export function collectAddress(value: unknown, into: AddressCollector): boolean {
  if (typeof value === 'string') return into.add(value, 0, value.length, into.bits);
  const prefix = prefixOf(value);
  if (prefix !== null) {
    const { address, length } = prefix;
    return typeof address === 'string' && length <= into.bits && into.add(address, 0, address.length, length);
  }
  const ends = rangeEnds(value);
  return ends !== null && typeof ends[0] === 'string' && typeof ends[1] === 'string' && into.addRange(ends[0], ends[1]);
}

/** Ranges ascending, merged where they touch. */
export function mergeRanges(ranges: readonly NumberRange[]): NumberRange[] {
  const merged: Array<{ from: number; to: number }> = [];
  for (const { from, to } of [...ranges].sort((a, b) => a.from - b.from)) {
    const last = merged.at(-1);
    if (last !== undefined && from <= last.to + 1) last.to = Math.max(last.to, to);
    else merged.push({ from, to });
  }
  return merged;
}

/** Name of an interface: `eth0`, `eth*` (all that begin so), `eth\*` (a star in the name). */
export function interfaceName(value: unknown): InterfacePattern | null {
  if (typeof value !== 'string' || value === '' || value.length > 64) return null;
  if (value.endsWith('\\*')) return { name: `${value.slice(0, -2)}*`, prefix: false };
  return value.endsWith('*') ? { name: value.slice(0, -1), prefix: true } : { name: value, prefix: false };
}

/** Names that nft writes and /etc/protocols does not have, or has otherwise. */
const NFT_PROTOCOLS: ReadonlyMap<string, number> = new Map([
  ['ip', 0],
  ['hopopt', 0],
  ['comp', 108],
  ['ipcomp', 108],
]);

export function protocolNumber(value: unknown): number | null {
  if (typeof value === 'number') return numberOf(value, 0, 255);
  if (typeof value !== 'string' || value === 'all') return null;
  return NFT_PROTOCOLS.get(value) ?? protocolOf(value);
}

export function portNumber(value: unknown): number | null {
  return numberValue(value, 65535);
}

export function markNumber(value: unknown): number | null {
  return numberValue(value, 0xffffffff);
}

/** Family that `meta nfproto` names; `other`: none that this host's stack takes in; null: not known. */
export function nfprotoFamily(value: unknown): AddressFamily | 'other' | null {
  if (value === 'ipv4' || value === 2) return 'ipv4';
  if (value === 'ipv6' || value === 10) return 'ipv6';
  return value === 'inet' || value === 'arp' || value === 'netdev' || value === 'bridge' || value === 'decnet'
    ? 'other'
    : null;
}

/** Family that `meta protocol` (the Ethernet type) names. */
export function etherTypeFamily(value: unknown): AddressFamily | 'other' | null {
  if (value === 'ip') return 'ipv4';
  if (value === 'ip6') return 'ipv6';
  if (value === 'arp') return 'other';
  const number = numberValue(value, 65535);
  if (number === 0x0800) return 'ipv4';
  if (number === 0x86dd) return 'ipv6';
  return number === 0x0806 ? 'other' : null;
}

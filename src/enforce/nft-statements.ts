import { formatAddress } from '../model/address.ts';
import { type AddressRange, type AddressSet, cidrsOfRange, toRanges } from '../model/address-set.ts';
import { formatCidr } from '../model/cidr.ts';
import type { AddressFamily } from '../model/listener.ts';
import type { NumberRange } from '../model/ruleset.ts';

/** A statement or expression of nftables, in both of its notations: as typed, and as `nft -j` lists it. */
export interface Nft {
  readonly text: string;
  readonly json: unknown;
}

export interface NftRule {
  readonly statements: readonly Nft[];
  readonly comment?: string;
}

export interface NftSet {
  readonly name: string;
  readonly family: AddressFamily;
  readonly comment: string;
  readonly elements: readonly Nft[];
}

export interface NftChain {
  readonly name: string;
  readonly policy: 'accept' | 'drop';
  readonly rules: readonly NftRule[];
}

const verdict = (name: 'accept' | 'drop'): Nft => ({ text: name, json: { [name]: null } });
export const ACCEPT = verdict('accept');
export const DROP = verdict('drop');
export const COUNTER: Nft = { text: 'counter', json: { counter: { packets: 0, bytes: 0 } } };

export function limitPerMinute(rate: number, burst: number): Nft {
  return { text: `limit rate ${rate}/minute burst ${burst} packets`, json: { limit: { rate, burst, per: 'minute' } } };
}

/** `prefix`: plain text, at most 127 characters. */
export function log(prefix: string): Nft {
  return { text: `log prefix "${prefix}" level info`, json: { log: { prefix, level: 'info' } } };
}

export const FROM_LOOPBACK: Nft = {
  text: 'iif "lo"',
  json: { match: { op: '==', left: { meta: { key: 'iif' } }, right: 'lo' } },
};

/** `states`: in the order in which nft lists them. */
export function connectionState(states: readonly ('established' | 'related' | 'invalid')[]): Nft {
  const right = states.length === 1 ? states[0] : states;
  return {
    text: `ct state ${states.join(',')}`,
    json: { match: { op: 'in', left: { ct: { key: 'state' } }, right } },
  };
}

function payload(protocol: string, field: string, right: Nft): Nft {
  return {
    text: `${protocol} ${field} ${right.text}`,
    json: { match: { op: '==', left: { payload: { protocol, field } }, right: right.json } },
  };
}

/** One value as it is, several as an anonymous set. */
function oneOf(values: readonly Nft[]): Nft {
  const [only] = values;
  if (only && values.length === 1) return only;
  return { text: `{ ${values.map((v) => v.text).join(', ')} }`, json: { set: values.map((v) => v.json) } };
}

export function icmpTypes(protocol: 'icmp' | 'icmpv6', types: readonly string[]): Nft {
  return payload(protocol, 'type', oneOf(types.map((type) => ({ text: type, json: type }))));
}

export function destinationPorts(transport: string, ports: readonly NumberRange[]): Nft {
  const values = ports.map(
    ({ from, to }): Nft =>
      from === to ? { text: `${from}`, json: from } : { text: `${from}-${to}`, json: { range: [from, to] } },
  );
  return payload(transport, 'dport', oneOf(values));
}

export function familyIs(family: AddressFamily): Nft {
  return {
    text: `meta nfproto ${family}`,
    json: { match: { op: '==', left: { meta: { key: 'nfproto' } }, right: family } },
  };
}

function addressRange(range: AddressRange): Nft {
  const [block, ...more] = cidrsOfRange(range);
  const first = formatAddress(range.first);
  if (range.first.value === range.last.value) return { text: first, json: first };
  if (block && more.length === 0)
    return { text: formatCidr(block), json: { prefix: { addr: formatAddress(block.network), len: block.prefix } } };
  const last = formatAddress(range.last);
  return { text: `${first}-${last}`, json: { range: [first, last] } };
}

/** The addresses of one family as elements of a set, ascending. */
export function elementsOf(set: AddressSet, family: AddressFamily): Nft[] {
  return toRanges(set)
    .filter((range) => range.first.family === family)
    .map(addressRange);
}

export function addressIn(field: 'saddr' | 'daddr', family: AddressFamily, values: readonly Nft[]): Nft {
  return payload(family === 'ipv4' ? 'ip' : 'ip6', field, oneOf(values));
}

export function sourceInSet(family: AddressFamily, set: string): Nft {
  return payload(family === 'ipv4' ? 'ip' : 'ip6', 'saddr', { text: `@${set}`, json: `@${set}` });
}

import type { AddressFamily } from '../model/listener.ts';
import {
  type AddressType,
  ALWAYS,
  CONNECTION_STATES,
  type Condition,
  type ConnectionState,
  NEVER,
  type NumberRange,
} from '../model/ruleset.ts';
import { PORT_PROTOCOLS } from './iptables-values.ts';
import { concatField } from './nftables-concat.ts';
import {
  addressField,
  allOf,
  anyOf,
  type Field,
  familyIs,
  flagsField,
  numberField,
  protocolIs,
  unknownField,
} from './nftables-field.ts';
import { interfaceField } from './nftables-interface.ts';
import { markField } from './nftables-mark.ts';
import type { NftReading } from './nftables-reading.ts';
import { returnRouteField } from './nftables-route.ts';
import { etherTypeFamily, nfprotoFamily, portNumber, protocolNumber } from './nftables-values.ts';
import { listOf, mapOf, shown } from './untrusted.ts';

/** What an expression of nft's JSON looks at, as a field that values are compared with. */
export function fieldOf(expression: unknown, reading: NftReading, depth = 0): Field {
  const map = mapOf(expression);
  const [key, ...more] = Object.keys(map);
  if (key === undefined || more.length > 0 || depth > 20)
    return unknownField([], `${shown(expression)} is no expression that is known`, 'unrecognised');
  const body = map[key];
  switch (key) {
    case 'payload':
      return payloadField(mapOf(body));
    case 'meta':
      return metaField(mapOf(body).key ?? body, reading);
    case 'ct':
      return connectionField(mapOf(body), reading);
    case 'fib':
      return fibField(mapOf(body));
    case 'concat':
      return reading.remember(body, () => concatField(listOf(body).map((part) => fieldOf(part, reading, depth + 1))));
    case '&':
    case '|':
    case '^':
      return maskedField(key, listOf(body), reading, depth);
    case '<<':
    case '>>':
      return unknownField([], 'shifted values are not followed');
    case 'numgen':
      return unknownField([], `numgen chooses ${mapOf(body).mode === 'random' ? 'at random' : 'in turn'}`);
    case 'jhash':
    case 'symhash':
      return unknownField([], `${key} depends on the packet in a way that is not followed`);
    case 'socket':
      return unknownField([], 'it looks up a socket, which a ruleset does not show');
    case 'exthdr':
      return extensionField(mapOf(body));
    case 'ip option':
    case 'tcp option':
    case 'sctp chunk':
    case 'dccp option':
      return unknownField([], `${key}s are chosen by the sender`);
    case 'rt':
    case 'ipsec':
    case 'osf':
    case 'tunnel':
    case 'inner':
    case 'hash':
      return unknownField([], `${key} cannot be known from a ruleset`);
    default:
      return unknownField([], `the expression "${key.slice(0, 40)}" is not known`, 'unrecognised');
  }
}

/** A packet that is whole has no fragment header; which others it has is up to the sender. */
function extensionField({ name, field }: Readonly<Record<string, unknown>>): Field {
  const reason = 'extension headers are chosen by the sender';
  if (name !== 'frag' || field !== undefined) return unknownField([], reason);
  return namedField([], 'a presence', (value, reading) => {
    if (value !== true && value !== 1) return reading.unsupported(reason);
    reading.assumptions.add(WHOLE_PACKETS);
    return NEVER;
  });
}

/** `field & constant` and so on, as `(field & keep) ^ flip`. */
function maskedField(op: '&' | '|' | '^', operands: readonly unknown[], reading: NftReading, depth: number): Field {
  const [left, ...rest] = operands;
  let field = fieldOf(left, reading, depth + 1);
  for (const operand of rest) {
    if (field.constant === undefined) return field;
    const constant = field.constant(operand);
    if (field.masked === undefined || constant === null)
      return unknownField(field.guard, `${op} of ${shown(operand)} is not followed`);
    const all = (1n << 128n) - 1n;
    if (op === '&') field = field.masked(constant, 0n);
    else field = field.masked(op === '|' ? all & ~constant : all, constant);
  }
  return field;
}

/** Protocols with ports, as headers of nft name them. */
const WITH_PORTS: ReadonlyMap<string, number> = new Map([
  ['tcp', 6],
  ['udp', 17],
  ['dccp', 33],
  ['sctp', 132],
  ['udplite', 136],
]);

/** Headers of which no field is decided; what they need is. Nobody asks who can reach a port of ICMP. */
const OTHER_HEADERS: ReadonlyMap<string, readonly Condition[]> = new Map([
  ['icmp', [protocolIs(1)]],
  ['icmpv6', [protocolIs(58)]],
  ['igmp', [protocolIs(2)]],
  ['ah', [protocolIs(51)]],
  ['esp', [protocolIs(50)]],
  ['comp', [protocolIs(108)]],
  ['gre', [protocolIs(47)]],
  ['ether', []],
  ['vlan', []],
  ['arp', []],
]);

export const TCP_FLAGS: ReadonlyMap<string, number> = new Map([
  ['fin', 1],
  ['syn', 2],
  ['rst', 4],
  ['psh', 8],
  ['ack', 16],
  ['urg', 32],
  ['ecn', 64],
  ['cwr', 128],
]);

const PROTOCOL = { what: 'a protocol', bits: 8, numberOf: protocolNumber } as const;

const protocolCondition = (numbers: readonly NumberRange[]): Condition => ({ kind: 'protocol', numbers });

/** Fields of the packet's headers. Equal ones are one object: a ruleset asks for the same few thousands of times. */
const payloadFields = new Map<string, Field>();

function payloadField({ protocol, field, base }: Readonly<Record<string, unknown>>): Field {
  if (typeof protocol !== 'string' || typeof field !== 'string')
    return base === undefined
      ? unknownField([], 'a header without a name is not known', 'unrecognised')
      : unknownField([], 'bytes of the packet without a name are not followed');
  const name = `${protocol} ${field}`;
  const known = payloadFields.get(name);
  if (known !== undefined) return known;
  const made = makePayloadField(protocol, field);
  if (payloadFields.size < 500) payloadFields.set(name, made);
  return made;
}

function makePayloadField(protocol: string, field: string): Field {
  const reason = `${protocol} ${field} is chosen by the sender`;
  if (protocol === 'ip' || protocol === 'ip6') return networkField(protocol === 'ip' ? 'ipv4' : 'ipv6', field, reason);
  const number = WITH_PORTS.get(protocol);
  if (number !== undefined || protocol === 'th') {
    // Any transport header has bytes where others have ports; only these are asked about.
    const guard: Condition[] =
      number !== undefined
        ? [protocolIs(number)]
        : [{ kind: 'protocol', numbers: PORT_PROTOCOLS.map((n) => ({ from: n, to: n })) }];
    if (field === 'sport' || field === 'dport')
      return numberField({
        guard,
        bits: 16,
        what: 'a port',
        numberOf: portNumber,
        condition: (ports) => ({ kind: field === 'sport' ? 'source-port' : 'destination-port', ports }),
      });
    if (protocol === 'tcp' && field === 'flags')
      return flagsField({
        guard,
        all: 0xff,
        what: 'a set of TCP flags',
        names: TCP_FLAGS,
        equals: (mask, value) => ({ kind: 'tcp-flags', mask, value }),
      });
    return unknownField(number === undefined ? [] : guard, reason);
  }
  const guard = OTHER_HEADERS.get(protocol);
  if (guard === undefined)
    return unknownField([], `the header "${protocol.slice(0, 40)}" is not known`, 'unrecognised');
  if (guard.length > 0) return { ...unknownField(guard, reason), oneOf: () => ({ kind: 'unknown', reason }) };
  return unknownField(guard, reason);
}

/** Where a fragment belongs and whether more follow: all zero in a packet that is none. The bits before are not asked. */
function fragmentField(guard: readonly Condition[], mask = 0xffff): Field {
  return {
    kind: 'other',
    guard,
    oneOf: (values, reading) => {
      const numbers = values.map(portNumber);
      if ((mask & 0xc000) !== 0 || numbers.includes(null))
        return reading.unsupported('ip frag-off is chosen by the sender');
      reading.assumptions.add(WHOLE_PACKETS);
      return numbers.includes(0) ? ALWAYS : NEVER;
    },
    constant: (value) => {
      const number = portNumber(value);
      return number === null ? null : BigInt(number);
    },
    masked: (keep, flip) =>
      flip === 0n
        ? fragmentField(guard, mask & Number(keep))
        : unknownField(guard, 'ip frag-off is chosen by the sender'),
  };
}

const WHOLE_PACKETS = 'Packets are whole: fragments are not followed.';

function networkField(family: AddressFamily, field: string, reason: string): Field {
  const guard = [familyIs(family)];
  if (field === 'saddr') return addressField({ guard, family, condition: (set) => ({ kind: 'source', set }) });
  if (field === 'daddr') return addressField({ guard, family, condition: (set) => ({ kind: 'destination', set }) });
  if (field === (family === 'ipv4' ? 'protocol' : 'nexthdr'))
    return numberField({ ...PROTOCOL, guard, condition: protocolCondition });
  if (family === 'ipv4' && field === 'frag-off') return fragmentField(guard);
  if (field === 'version') {
    const version = family === 'ipv4' ? 4 : 6;
    return numberField({
      guard,
      bits: 8,
      what: 'a version',
      numberOf: portNumber,
      condition: (ranges) => (ranges.some(({ from, to }) => from <= version && version <= to) ? ALWAYS : NEVER),
    });
  }
  return unknownField(guard, reason);
}

/** A field whose few values are told apart one by one. */
function namedField(
  guard: readonly Condition[],
  what: string,
  conditionOf: (value: unknown, reading: NftReading) => Condition | null,
): Field {
  return {
    kind: 'other',
    guard,
    oneOf: (values, reading) => {
      if (values.includes('*')) return ALWAYS;
      return anyOf(
        values.map((value) => conditionOf(value, reading) ?? reading.unrecognised(`${shown(value)} is not ${what}`)),
      );
    },
  };
}

function metaField(key: unknown, reading: NftReading): Field {
  switch (key) {
    case 'l4proto':
      return numberField({ ...PROTOCOL, guard: [], condition: protocolCondition });
    case 'nfproto':
    case 'protocol':
      return namedField([], key === 'nfproto' ? 'a family' : 'an Ethernet type', (value) => {
        const family = key === 'nfproto' ? nfprotoFamily(value) : etherTypeFamily(value);
        return family === null ? null : family === 'other' ? NEVER : familyIs(family);
      });
    case 'iif':
    case 'iifname':
      return interfaceField('in-interface', key === 'iif', reading.network);
    case 'oif':
    case 'oifname':
      return interfaceField('out-interface', key === 'oif', reading.network);
    case 'mark':
      return markField('mark', []);
    case 'length':
    case 'priority':
      return unknownField([], `meta ${key} is chosen by the sender`);
    case 'skuid':
    case 'skgid':
    case 'cgroup':
      return unknownField([], `meta ${key} looks up the socket, which a ruleset does not show`);
    case 'time':
    case 'day':
    case 'hour':
      return unknownField([], `meta ${key} depends on when it is asked`);
    case 'random':
      return unknownField([], 'meta random chooses at random');
    default:
      if (META_KEYS.has(String(key))) return unknownField([], `meta ${String(key)} cannot be known from a ruleset`);
      return unknownField([], `meta ${shown(key)} is not known`, 'unrecognised');
  }
}

const META_KEYS = new Set(
  (
    'pkttype cpu iifgroup oifgroup iiftype oiftype iifkind oifkind rtclassid nftrace secpath secmark ibrname obrname ' +
    'ibrpvid ibrvproto ibrhwaddr sdif sdifname broute prandom bri_iifname'
  ).split(' '),
);

const STATES: ReadonlyMap<ConnectionState, number> = new Map([
  ['invalid', 1],
  ['established', 2],
  ['related', 4],
  ['new', 8],
  ['untracked', 64],
]);

const STATUS = new Map([
  ['expected', 1],
  ['seen-reply', 2],
  ['assured', 4],
  ['confirmed', 8],
  ['snat', 16],
  ['dnat', 32],
  ['dying', 512],
] as const);

/** Everything but the state is missing where conntrack has no connection for the packet (nft_ct.c). */
const TRACKED: Condition = { kind: 'not', of: { kind: 'connection-state', states: ['invalid', 'untracked'] } };

function connectionField(ct: Readonly<Record<string, unknown>>, reading: NftReading): Field {
  const key = typeof ct.key === 'string' ? ct.key : '';
  const original = ct.dir === 'original';
  switch (key) {
    case 'state':
      return flagsField({
        guard: [],
        all: 0x7fffffff,
        what: 'a state of a connection',
        names: STATES,
        equals: (mask, value) => ({
          kind: 'connection-state',
          states: CONNECTION_STATES.filter((state) => ((STATES.get(state) ?? 0) & mask) === value),
        }),
      });
    case 'direction':
      return namedField([TRACKED], 'a direction', (value) => {
        if (value === 'original' || value === 0) return { kind: 'connection-direction', direction: 'original' };
        return value === 'reply' || value === 1 ? { kind: 'connection-direction', direction: 'reply' } : null;
      });
    case 'status':
      return flagsField({
        guard: [TRACKED],
        all: 0x7fffffff,
        what: 'a status of a connection',
        names: STATUS,
        equals: statusCondition,
      });
    case 'mark':
      return markField('connection-mark', [TRACKED]);
    case 'saddr':
    case 'daddr':
    case 'ip saddr':
    case 'ip daddr':
    case 'ip6 saddr':
    case 'ip6 daddr': {
      if (!original) return unknownField([TRACKED], 'the address of answers is not followed');
      const family = key.startsWith('ip6') || (reading.family === 'ip6' && !key.startsWith('ip')) ? 'ipv6' : 'ipv4';
      return addressField({
        guard: [TRACKED, familyIs(family)],
        family,
        condition: (set) => ({ kind: key.endsWith('saddr') ? 'original-source' : 'original-destination', set }),
      });
    }
    case 'proto-dst':
      if (!original) return unknownField([TRACKED], 'the port of answers is not followed');
      return numberField({
        guard: [TRACKED],
        bits: 16,
        what: 'a port',
        numberOf: portNumber,
        condition: (ports) => ({ kind: 'original-destination-port', ports }),
      });
    default:
      if (CT_KEYS.has(key)) return unknownField([], `ct ${key} cannot be known from a ruleset`);
      return unknownField([], `ct ${shown(ct.key)} is not known`, 'unrecognised');
  }
}

const CT_KEYS = new Set(
  'proto-src protocol l3proto bytes packets avgpkt expiration helper label zone id secmark event count'.split(' '),
);

function statusCondition(mask: number, value: number, reading: NftReading): Condition {
  // a translated address always has the bit that says it is done, so no connection has the one without the other
  if ((mask & value & 32) !== 0 && (mask & 256) !== 0 && (value & 256) === 0) return NEVER;
  if ((mask & value & 16) !== 0 && (mask & 128) !== 0 && (value & 128) === 0) return NEVER;
  const parts: Condition[] = [];
  let named = 0;
  for (const [bit, flag] of STATUS) {
    if ((mask & flag) === 0) continue;
    named |= flag;
    const is: Condition = { kind: 'connection-status', bits: [bit] };
    parts.push((value & flag) !== 0 ? is : { kind: 'not', of: is });
  }
  if (named === mask) return allOf(parts);
  return reading.unsupported('a connection has more status bits than are followed');
}

const ADDRESS_TYPES: ReadonlySet<string> = new Set<AddressType>([
  'local',
  'unicast',
  'broadcast',
  'multicast',
  'anycast',
  'blackhole',
  'unreachable',
  'prohibit',
]);

function isAddressType(value: unknown): value is AddressType {
  return typeof value === 'string' && ADDRESS_TYPES.has(value);
}

function fibField({ result, flags }: Readonly<Record<string, unknown>>): Field {
  const asked = new Set(typeof flags === 'string' ? [flags] : listOf(flags));
  if (result === 'oif' && asked.has('saddr') && asked.has('iif')) return returnRouteField();
  const of = asked.has('daddr') ? 'destination' : asked.has('saddr') ? 'source' : null;
  if (result !== 'type' || of === null || asked.has('mark'))
    return unknownField([], 'it looks up a route, which is not followed');
  const on = asked.has('iif') ? ({ on: 'in' } as const) : asked.has('oif') ? ({ on: 'out' } as const) : {};
  return {
    kind: 'other',
    guard: [],
    oneOf: (values, reading) => {
      if (values.includes('*')) return ALWAYS;
      const types = values.filter(isAddressType);
      const rest = types.length === values.length ? [] : [reading.unsupported('this type of address is not followed')];
      return anyOf([...(types.length > 0 ? [{ kind: 'address-type', of, types, ...on } as const] : []), ...rest]);
    },
  };
}

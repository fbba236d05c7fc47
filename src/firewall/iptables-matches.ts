import { ALL_IPV4, ALL_IPV6, difference } from '../model/address-set.ts';
import { fromCidrs } from '../model/address-set-text.ts';
import type { HostNetwork } from '../model/host-network.ts';
import type { AddressFamily } from '../model/listener.ts';
import {
  type AddressType,
  ALWAYS,
  type Condition,
  type ConnectionState,
  NEVER,
  type Unknown,
} from '../model/ruleset.ts';
import type { IpSet } from './dialect.ts';
import { ipSetCondition, type Side } from './ipset-condition.ts';
import {
  addressesOf,
  addressRangeOf,
  interfaceOf,
  markOf,
  PORT_PROTOCOLS,
  portListOf,
  portRangeOf,
  protocolOf,
  TCP,
  tcpFlagsOf,
  UDP,
} from './iptables-values.ts';
import { returnRouteExists } from './nftables-route.ts';
import { printable } from './untrusted.ts';

/** An option of a match as it was written: `! --dport 22`. */
export interface MatchOption {
  readonly name: string;
  readonly negated: boolean;
  readonly values: readonly string[];
}

/** What the meaning of a match depends on besides its words. */
export interface MatchSurroundings {
  /** null: not known. */
  readonly family: AddressFamily | null;
  readonly ipsets: ReadonlyMap<string, IpSet> | null;
  /** Sets whose members packets change (`-j SET`). */
  readonly writtenSets: ReadonlySet<string>;
  readonly network: HostNetwork | null;
  /** Sentences that answers rest on. */
  readonly assumptions: Set<string>;
}

/** A match extension, iptables-extensions(8). */
export interface MatchModule {
  /** Number of values by option. */
  readonly options: ReadonlyMap<string, number>;
  /** What must hold; null: a value is none of those that the option takes. */
  read(options: readonly MatchOption[], at: MatchSurroundings): Condition | null;
}

export function all(of: readonly Condition[]): Condition {
  return of.length === 0 ? ALWAYS : of.length === 1 ? (of[0] as Condition) : { kind: 'all', of };
}

export function not(of: Condition): Condition {
  return of === ALWAYS ? NEVER : { kind: 'not', of };
}

export function unknown(reason: string): Unknown {
  return { kind: 'unknown', reason };
}

function protocolIs(...numbers: readonly number[]): Condition {
  return { kind: 'protocol', numbers: numbers.map((n) => ({ from: n, to: n })) };
}

/** A module whose options are conditions that must all hold, each with its own `!`. */
function moduleOf(
  options: Readonly<Record<string, number>>,
  one: (name: string, values: readonly string[], at: MatchSurroundings) => Condition | null,
  implied: readonly Condition[] = [],
): MatchModule {
  return {
    options: new Map(Object.entries(options)),
    read(given, at) {
      const of = [...implied];
      for (const { name, negated, values } of given) {
        const condition = one(name, values, at);
        if (condition === null) return null;
        of.push(negated ? not(condition) : condition);
      }
      return all(of);
    },
  };
}

function map<T>(value: T | null, make: (value: T) => Condition): Condition | null {
  return value === null ? null : make(value);
}

/** A test of addresses that are written as for `-s`. */
function addressTest(
  kind: 'source' | 'destination' | 'original-source' | 'original-destination',
  text: string,
  at: MatchSurroundings,
): Condition | null {
  const set = addressesOf(text, at.family);
  if (set === 'too many') return unknown(`the mask of ${printable(text, 90)} splits the addresses into too many parts`);
  return set === null ? null : { kind, set };
}

/** What every rule can ask without a module. */
export const STANDARD_OPTIONS: ReadonlyMap<string, string> = new Map([
  ['-s', '-s'],
  ['--source', '-s'],
  ['--src', '-s'],
  ['-d', '-d'],
  ['--destination', '-d'],
  ['--dst', '-d'],
  ['-i', '-i'],
  ['--in-interface', '-i'],
  ['-o', '-o'],
  ['--out-interface', '-o'],
  ['-p', '-p'],
  ['--protocol', '-p'],
  ['--proto', '-p'],
  ['-f', '-f'],
  ['--fragment', '-f'],
  ['-4', '-4'],
  ['--ipv4', '-4'],
  ['-6', '-6'],
  ['--ipv6', '-6'],
]);

export const standard: MatchModule = moduleOf(
  { '-s': 1, '-d': 1, '-i': 1, '-o': 1, '-p': 1, '-f': 0, '-4': 0, '-6': 0 },
  (name, [value = ''], at) => {
    switch (name) {
      case '-s':
        return addressTest('source', value, at);
      case '-d':
        return addressTest('destination', value, at);
      case '-i':
      case '-o': {
        const face = interfaceOf(value);
        if (face.prefix && face.name === '') return ALWAYS;
        return { kind: name === '-i' ? 'in-interface' : 'out-interface', names: [face] };
      }
      case '-p':
        return map(protocolOf(value), (number) => (number === 0 ? ALWAYS : protocolIs(number)));
      case '-f':
        // Packets are asked about that open a connection: whole ones, and conntrack puts fragments together before.
        return NEVER;
      default:
        return { kind: 'family', family: name === '-4' ? 'ipv4' : 'ipv6' };
    }
  },
);

const PORT_OPTIONS = { '--sport': 1, '--source-port': 1, '--dport': 1, '--destination-port': 1 };

function portTest(name: string, value: string): Condition | null {
  const kind = name === '--sport' || name === '--source-port' ? 'source-port' : 'destination-port';
  return map(portRangeOf(value), (range) => ({ kind, ports: [range] }));
}

function portsOnly(protocol: number): MatchModule {
  return moduleOf(PORT_OPTIONS, (name, [value = '']) => portTest(name, value), [protocolIs(protocol)]);
}

const tcp = moduleOf(
  { ...PORT_OPTIONS, '--tcp-flags': 2, '--syn': 0, '--tcp-option': 1 },
  (name, [first = '', second = '']) => {
    if (name === '--syn') return { kind: 'tcp-flags', mask: 1 | 2 | 4 | 16, value: 2 };
    if (name === '--tcp-option') return unknown('it depends on the TCP options that the sender chooses');
    if (name !== '--tcp-flags') return portTest(name, first);
    const mask = tcpFlagsOf(first);
    const value = tcpFlagsOf(second);
    return mask === null || value === null ? null : { kind: 'tcp-flags', mask, value };
  },
  [protocolIs(TCP)],
);

const multiport = moduleOf(
  { '--sports': 1, '--source-ports': 1, '--dports': 1, '--destination-ports': 1, '--ports': 1 },
  (name, [value = '']) => {
    const ports = portListOf(value);
    if (ports === null) return null;
    const source: Condition = { kind: 'source-port', ports };
    const destination: Condition = { kind: 'destination-port', ports };
    if (name === '--ports') return { kind: 'any', of: [source, destination] };
    return name === '--sports' || name === '--source-ports' ? source : destination;
  },
  [protocolIs(...PORT_PROTOCOLS)],
);

const iprange = moduleOf({ '--src-range': 1, '--dst-range': 1 }, (name, [value = ''], at) =>
  map(addressRangeOf(value, at.family), (set) => ({ kind: name === '--src-range' ? 'source' : 'destination', set })),
);

/** The match `set` reads its options together: what is asked of counters belongs to the set named beside. */
const set: MatchModule = {
  options: new Map([
    ['--match-set', 2],
    ['--set', 2],
    ['--return-nomatch', 0],
    ['--update-counters', 0],
    ['--update-subcounters', 0],
    ['--packets-eq', 1],
    ['--packets-lt', 1],
    ['--packets-gt', 1],
    ['--bytes-eq', 1],
    ['--bytes-lt', 1],
    ['--bytes-gt', 1],
  ]),
  read(options, at) {
    const main = options.find(({ name }) => name === '--match-set' || name === '--set');
    const [name = '', flags = ''] = main?.values ?? [];
    const sides = flags.split(',');
    if (main === undefined || !sides.every((side): side is Side => side === 'src' || side === 'dst')) return null;
    const shown = printable(name, 60);
    const wantsNomatch = options.some((option) => option.name === '--return-nomatch');
    const test =
      at.ipsets === null
        ? unknown(`the members of the ipset ${shown} were not given; add the output of "ipset save"`)
        : at.writtenSets.has(name)
          ? unknown(`packets change the members of the ipset ${shown}`)
          : ipSetCondition(name, sides, at.ipsets, wantsNomatch);
    const counted = options.some((option) => /^--(packets|bytes)-/.test(option.name));
    const condition = counted ? all([test, unknown(`it depends on counters of the ipset ${shown}`)]) : test;
    return main.negated ? not(condition) : condition;
  },
};

const ADDRESS_TYPES: ReadonlyMap<string, AddressType> = new Map([
  ['LOCAL', 'local'],
  ['UNICAST', 'unicast'],
  ['BROADCAST', 'broadcast'],
  ['MULTICAST', 'multicast'],
  ['ANYCAST', 'anycast'],
  ['BLACKHOLE', 'blackhole'],
  ['UNREACHABLE', 'unreachable'],
  ['PROHIBIT', 'prohibit'],
]);

/** Of IPv6 the kernel tells these two by the address alone (ipv6_addr_type), so `UNICAST` holds for its own ones too. */
const MULTICAST_IPV6 = fromCidrs(['ff00::/8']);
const UNICAST_IPV6 = difference(ALL_IPV6, fromCidrs(['ff00::/8', '::/128', '::ffff:0.0.0.0/96']));

/** Types of the list as a condition; in IPv6 a list asks for multicast, unicast and the others each. */
function addressTypes(
  of: 'source' | 'destination',
  list: string,
  on: 'in' | 'out' | null,
  family: AddressFamily | null,
): Condition | null {
  const types: AddressType[] = [];
  let rare = false;
  for (const name of list.split(',')) {
    const type = ADDRESS_TYPES.get(name.toUpperCase());
    if (type !== undefined) types.push(type);
    else if (/^(UNSPEC|THROW|NAT|XRESOLVE)$/i.test(name)) rare = true;
    else return null;
  }
  const looked = (asked: readonly AddressType[]): Condition => ({
    kind: 'address-type',
    of,
    types: asked,
    ...(on === null ? {} : { on }),
  });
  const doubt = rare ? [unknown(`it depends on the routing table (${printable(list, 60)})`)] : [];
  const ipv4: Condition = { kind: 'any', of: [looked(types), ...doubt] };
  if (family === 'ipv4') return rare ? ipv4 : looked(types);
  const others = types.filter((type) => type !== 'multicast' && type !== 'unicast');
  const ipv6 = all([
    ...(types.includes('multicast') ? [{ kind: of, set: MULTICAST_IPV6 }] : []),
    ...(types.includes('unicast') ? [{ kind: of, set: UNICAST_IPV6 }] : []),
    ...(others.length > 0 ? [looked(others)] : []),
    ...doubt,
  ] as const);
  if (family === 'ipv6') return ipv6;
  return {
    kind: 'any',
    of: [all([{ kind: of, set: ALL_IPV4 }, ipv4]), all([{ kind: of, set: ALL_IPV6 }, ipv6])],
  };
}

const addrtype: MatchModule = {
  options: new Map([
    ['--src-type', 1],
    ['--dst-type', 1],
    ['--limit-iface-in', 0],
    ['--limit-iface-out', 0],
  ]),
  read(options, at) {
    const given = new Set(options.map(({ name }) => name));
    const on = given.has('--limit-iface-in') ? 'in' : given.has('--limit-iface-out') ? 'out' : null;
    const of: Condition[] = [];
    for (const { name, negated, values } of options) {
      if (name !== '--src-type' && name !== '--dst-type') continue;
      const side = name === '--src-type' ? 'source' : 'destination';
      const condition = addressTypes(side, values[0] ?? '', on, at.family);
      if (condition === null) return null;
      of.push(negated ? not(condition) : condition);
    }
    return all(of);
  },
};

const STATES: ReadonlyMap<string, ConnectionState> = new Map([
  ['NEW', 'new'],
  ['ESTABLISHED', 'established'],
  ['RELATED', 'related'],
  ['UNTRACKED', 'untracked'],
  ['INVALID', 'invalid'],
]);

/** States, of which SNAT and DNAT are none of conntrack's but say that an address was rewritten. */
function stateList(text: string): Condition | null {
  const states: ConnectionState[] = [];
  const bits: ('snat' | 'dnat')[] = [];
  for (const name of text.toUpperCase().split(',')) {
    const state = STATES.get(name);
    if (state !== undefined) states.push(state);
    else if (name === 'SNAT') bits.push('snat');
    else if (name === 'DNAT') bits.push('dnat');
    else return null;
  }
  const tracked: Condition = { kind: 'connection-state', states };
  if (bits.length === 0) return tracked;
  const rewritten: Condition = { kind: 'connection-status', bits };
  // also alone in a list: a packet without a connection is in none of these states, so `!` lets it through (xt_conntrack.c)
  return { kind: 'any', of: states.length === 0 ? [rewritten] : [tracked, rewritten] };
}

const STATUS: ReadonlyMap<string, 'expected' | 'seen-reply' | 'assured' | 'confirmed'> = new Map([
  ['EXPECTED', 'expected'],
  ['SEEN_REPLY', 'seen-reply'],
  ['ASSURED', 'assured'],
  ['CONFIRMED', 'confirmed'],
]);

function statusList(text: string): Condition | null {
  const bits: ('expected' | 'seen-reply' | 'assured' | 'confirmed')[] = [];
  for (const name of text.toUpperCase().split(',')) {
    const bit = STATUS.get(name);
    if (bit !== undefined) bits.push(bit);
    else if (name !== 'NONE') return null;
  }
  return bits.length === 0 ? NEVER : { kind: 'connection-status', bits };
}

function connectionTest(name: string, value: string, at: MatchSurroundings): Condition | null {
  switch (name) {
    case '--ctproto':
      return map(protocolOf(value), (number) => protocolIs(number));
    case '--ctorigsrc':
      return addressTest('original-source', value, at);
    case '--ctorigdst':
      return addressTest('original-destination', value, at);
    case '--ctorigdstport':
      return map(portRangeOf(value), (range) => ({ kind: 'original-destination-port', ports: [range] }));
    case '--ctstatus':
      return statusList(value);
    case '--ctdir': {
      const direction = value.toLowerCase();
      return direction === 'original' || direction === 'reply' ? { kind: 'connection-direction', direction } : null;
    }
    default:
      return unknown(`it depends on what conntrack keeps of the connection (${name})`);
  }
}

const TRACKED: Condition = { kind: 'connection-state', states: ['new', 'established', 'related'] };

/**
 * The kernel asks for the state first. Of a packet that conntrack does not know everything else fails, `!` or not; but
 * where a state is asked for too, that alone decides (conntrack_mt).
 */
const conntrack: MatchModule = {
  options: new Map(
    [
      '--ctstate',
      '--state',
      '--ctproto',
      '--ctorigsrc',
      '--ctorigdst',
      '--ctreplsrc',
      '--ctrepldst',
      '--ctorigsrcport',
      '--ctorigdstport',
      '--ctreplsrcport',
      '--ctrepldstport',
      '--ctstatus',
      '--ctexpire',
      '--ctdir',
    ].map((name) => [name, 1] as const),
  ),
  read(options, at) {
    let state: Condition | null = null;
    const others: Condition[] = [];
    for (const { name, negated, values } of options) {
      const isState = name === '--ctstate' || name === '--state';
      const condition = isState ? stateList(values[0] ?? '') : connectionTest(name, values[0] ?? '', at);
      if (condition === null || (isState && state !== null)) return null;
      const test = negated ? not(condition) : condition;
      if (isState) state = test;
      else others.push(test);
    }
    if (others.length === 0) return state ?? TRACKED;
    if (state === null) return all([TRACKED, ...others]);
    return all([state, { kind: 'any', of: [not(TRACKED), all(others)] }]);
  },
};

function markTest(kind: 'mark' | 'connection-mark', implied: readonly Condition[]): MatchModule {
  return moduleOf(
    { '--mark': 1 },
    (_, [text = '']) => map(markOf(text), ({ value, mask }) => ({ kind, mask, values: [{ from: value, to: value }] })),
    implied,
  );
}

/** ICMP has no ports: what kind of it a rule asks for changes nothing for those. */
function icmp(protocol: number, options: readonly string[]): MatchModule {
  return moduleOf(
    Object.fromEntries(options.map((name) => [name, 1])),
    (_, [type = '']) => (type === 'any' ? ALWAYS : unknown('it depends on the type of ICMP message')),
    [protocolIs(protocol)],
  );
}

/** How the frame was addressed. TCP takes only frames sent to this host alone. */
const pkttype = moduleOf({ '--pkt-type': 1 }, (_, [type = '']) => {
  const depends = unknown('it depends on how the link layer addressed the packet');
  if (type === 'unicast') return { kind: 'any', of: [protocolIs(TCP), depends] };
  return type === 'broadcast' || type === 'multicast' ? all([not(protocolIs(TCP)), depends]) : null;
});

const comment = moduleOf({ '--comment': 1 }, () => ALWAYS);

/** `--set` alone always holds; everything else asks what came before. */
const recent: MatchModule = {
  options: new Map([
    ['--set', 0],
    ['--rcheck', 0],
    ['--update', 0],
    ['--remove', 0],
    ['--seconds', 1],
    ['--reap', 0],
    ['--hitcount', 1],
    ['--rttl', 0],
    ['--name', 1],
    ['--rsource', 0],
    ['--rdest', 0],
    ['--mask', 1],
  ]),
  read(options) {
    const action = options.find(({ name }) => /^--(set|rcheck|update|remove)$/.test(name));
    if (action === undefined) return null;
    if (action.name === '--set') return action.negated ? NEVER : ALWAYS;
    return unknown('it depends on which addresses were seen before');
  },
};

/** Whether the way back to the sender is the way that the packet came by. Packets of the host to itself always pass. */
const rpfilter: MatchModule = {
  options: new Map(['--loose', '--validmark', '--accept-local', '--invert'].map((name) => [name, 0] as const)),
  read(options, { network, assumptions }) {
    const given = new Set(options.map(({ name }) => name));
    if (given.has('--loose') || given.has('--accept-local'))
      return unknown('-m rpfilter: whether there is any route back to the sender is not worked out');
    const exists = returnRouteExists({
      network,
      assumptions,
      unsupported: (reason) => unknown(`-m rpfilter: ${reason}`),
      unsupportedQuietly: (reason) => unknown(`-m rpfilter: ${reason}`),
    });
    if (exists.kind === 'unknown') return exists;
    const loopback = network?.interfaces.filter((device) => device.loopback) ?? [];
    const names = loopback.map(({ name }) => ({ name, prefix: false }));
    const passes: Condition = { kind: 'any', of: [{ kind: 'in-interface', names }, exists] };
    return given.has('--invert') ? not(passes) : passes;
  },
};

export const MATCH_MODULES: ReadonlyMap<string, MatchModule> = new Map([
  ['tcp', tcp],
  ['udp', portsOnly(UDP)],
  ['udplite', portsOnly(136)],
  ['sctp', portsOnly(132)],
  ['dccp', portsOnly(33)],
  ['multiport', multiport],
  ['iprange', iprange],
  ['set', set],
  ['addrtype', addrtype],
  ['conntrack', conntrack],
  ['state', conntrack],
  ['mark', markTest('mark', [])],
  ['connmark', markTest('connection-mark', [TRACKED])],
  ['icmp', icmp(1, ['--icmp-type'])],
  ['icmp6', icmp(58, ['--icmpv6-type', '--icmp6-type'])],
  ['icmpv6', icmp(58, ['--icmpv6-type', '--icmp6-type'])],
  ['ipv6-icmp', icmp(58, ['--icmpv6-type', '--icmp6-type'])],
  ['pkttype', pkttype],
  ['comment', comment],
  ['recent', recent],
  ['rpfilter', rpfilter],
]);

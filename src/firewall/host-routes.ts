import type { Address } from '../model/address.ts';
import { type AddressSet, ALL, difference, EMPTY, intersection, isEmpty, union } from '../model/address-set.ts';
import { fromRanges } from '../model/address-set-text.ts';
import { blockOf, type Cidr } from '../model/cidr.ts';
import type { HostNetwork, Route } from '../model/host-network.ts';
import type { AddressType } from '../model/ruleset.ts';

/** What routing says of addresses: which interface leads to them, of which type they are. */
export interface HostRoutes {
  /** Peers by the interface that leads to them; null: no routes were given. */
  readonly byDevice: ReadonlyArray<{ readonly device: string; readonly peers: AddressSet }> | null;
  /** Peers whose interface is not known (multipath routes). */
  readonly unclear: AddressSet;
  /** Every address, by the types that it may have (net/ipv4/fib_frontend.c, inet_dev_addr_type); null: not known. */
  readonly kinds: ReadonlyArray<{ readonly addresses: AddressSet; readonly types: readonly AddressType[] }> | null;
  /** The host's own addresses, loopback included; null: not known. */
  readonly own: AddressSet | null;
  /** Types that addresses of a set may have; null: not known. */
  typesOf(addresses: AddressSet): readonly AddressType[] | null;
  /** Says whether all of the addresses are assigned to an interface (true), none (false); null: not known. */
  isOn(addresses: AddressSet, device: string): boolean | null;
  /** Says whether all of the addresses are the host's own (true), none (false); null: not known. */
  isLocal(addresses: AddressSet): boolean | null;
  /** Interface that leads to all of the addresses; null: not known, or several. */
  deviceTo(addresses: AddressSet): string | null;
}

/** More routes than this are not looked through: a router of the Internet's own table. */
const MAX_ROUTES = 2_000;

const LOOPBACK_BLOCK = cidrSet({ network: { family: 'ipv4', value: 0x7f000000 }, prefix: 8 });
const ZERO_BLOCK = cidrSet({ network: { family: 'ipv4', value: 0 }, prefix: 8 });
const LIMITED_BROADCAST = cidrSet({ network: { family: 'ipv4', value: 0xffffffff }, prefix: 32 });
const MULTICAST = union(
  cidrSet({ network: { family: 'ipv4', value: 0xe0000000 }, prefix: 4 }),
  cidrSet({ network: { family: 'ipv6', value: 0xffn << 120n }, prefix: 8 }),
);

function cidrSet({ network, prefix }: Cidr): AddressSet {
  if (network.family === 'ipv4') return { ipv4: [network.value, network.value + 2 ** (32 - prefix)], ipv6: [] };
  return { ipv4: [], ipv6: [network.value, network.value + (1n << BigInt(128 - prefix))] };
}

export function setOf(addresses: readonly Address[]): AddressSet {
  return fromRanges(addresses.map((address) => ({ first: address, last: address })));
}

/** Works out what the outputs of `ip -j` say; all unknown where there are none. */
export function hostRoutes(network: HostNetwork | null): HostRoutes {
  if (network === null)
    return {
      ...{ byDevice: null, unclear: ALL, kinds: null, own: null },
      ...{ typesOf: () => null, isOn: () => null, isLocal: () => null, deviceTo: () => null },
    };
  const onDevice = new Map(
    network.interfaces.map((device) => [device.name, setOf(device.addresses.map(({ address }) => address))] as const),
  );
  let own = setOf(network.interfaces.flatMap((device) => device.addresses.map(({ address }) => address)));
  if (!isEmpty(intersection(own, LOOPBACK_BLOCK))) own = union(own, LOOPBACK_BLOCK);
  const kinds = kindsOf(network, own);
  const { byDevice, unclear } = routesByDevice(network);
  return {
    ...{ byDevice, unclear, kinds, own },
    typesOf: (addresses) => {
      const types = new Set<AddressType>();
      for (const kind of kinds)
        if (!isEmpty(intersection(kind.addresses, addresses))) for (const type of kind.types) types.add(type);
      return [...types];
    },
    isOn: (addresses, device) => allOrNone(addresses, onDevice.get(device) ?? EMPTY),
    isLocal: (addresses) => allOrNone(addresses, own),
    deviceTo: (addresses) => {
      const parts = byDevice?.filter(({ peers }) => !isEmpty(intersection(peers, addresses))) ?? [];
      const [only] = parts;
      return parts.length === 1 && only && isEmpty(difference(addresses, only.peers)) ? only.device : null;
    },
  };
}

function allOrNone(addresses: AddressSet, of: AddressSet): boolean | null {
  if (isEmpty(difference(addresses, of))) return true;
  return isEmpty(intersection(addresses, of)) ? false : null;
}

function kindsOf(network: HostNetwork, own: AddressSet): NonNullable<HostRoutes['kinds']> {
  let broadcast = union(ZERO_BLOCK, LIMITED_BROADCAST);
  let edge = EMPTY;
  const localRoutes = network.routes?.filter((route) => route.table === 'local') ?? [];
  for (const route of localRoutes)
    if (route.type === 'broadcast') broadcast = union(broadcast, cidrSet(route.destination));
  for (const { address, prefix } of network.interfaces.flatMap((device) => device.addresses)) {
    if (localRoutes.length > 0 || address.family !== 'ipv4' || prefix > 30) continue;
    const block = cidrSet(blockOf(address, prefix)).ipv4 as [number, number];
    broadcast = union(broadcast, { ipv4: [block[1] - 1, block[1]], ipv6: [] });
    // the first address is a broadcast address too before Linux 5.14
    edge = union(edge, { ipv4: [block[0], block[0] + 1], ipv6: [] });
  }
  const anycast: AddressSet = localRoutes
    .filter((route) => route.type === 'anycast')
    .reduce((set, route) => union(set, cidrSet(route.destination)), EMPTY);
  const multicast = difference(MULTICAST, own);
  const isBroadcast = difference(broadcast, own);
  const isEdge = difference(difference(edge, own), isBroadcast);
  const isAnycast = difference(difference(anycast, own), multicast);
  const named = [own, multicast, isBroadcast, isEdge, isAnycast].reduce(union);
  const rest = difference(ALL, named);
  return [
    { addresses: own, types: ['local'] },
    { addresses: multicast, types: ['multicast'] },
    { addresses: isBroadcast, types: ['broadcast'] },
    { addresses: isEdge, types: ['unicast', 'broadcast'] },
    { addresses: isAnycast, types: ['anycast', 'unicast', 'local'] },
    { addresses: { ipv4: rest.ipv4, ipv6: [] }, types: ['unicast'] },
    // IPv6 asks the whole routing table, so an address without a route has another type (nft_fib_ipv6.c)
    { addresses: { ipv4: [], ipv6: rest.ipv6 }, types: ['unicast', 'unreachable', 'blackhole', 'prohibit', 'anycast'] },
  ];
}

function routesByDevice({ routes }: HostNetwork): Pick<HostRoutes, 'byDevice' | 'unclear'> {
  if (routes === null || routes.length > MAX_ROUTES) return { byDevice: null, unclear: ALL };
  const tables = ['local', 'main', 'default'];
  const considered = routes
    .filter((route) => tables.includes(route.table))
    .sort(
      (a, b) =>
        tables.indexOf(a.table) - tables.indexOf(b.table) ||
        b.destination.prefix - a.destination.prefix ||
        a.metric - b.metric,
    );
  const peers = new Map<string, AddressSet>();
  // a family without any route was not listed: `ip -j route` speaks of IPv4 alone
  const listed = new Set(routes.map(({ destination }) => destination.network.family));
  let unclear: AddressSet = { ipv4: listed.has('ipv4') ? [] : ALL.ipv4, ipv6: listed.has('ipv6') ? [] : ALL.ipv6 };
  let taken = EMPTY;
  for (const route of considered) {
    const part = difference(cidrSet(route.destination), taken);
    if (isEmpty(part)) continue;
    taken = union(taken, part);
    const device = deviceOf(route);
    if (device === undefined) continue;
    if (device === null) unclear = union(unclear, part);
    else peers.set(device, union(peers.get(device) ?? EMPTY, part));
  }
  return { byDevice: [...peers].map(([device, set]) => ({ device, peers: set })), unclear };
}

/** Interface that a route leads out by; null: one of several, undefined: none. */
function deviceOf(route: Route): string | null | undefined {
  if (route.type === 'local' || route.type === 'anycast') return 'lo';
  if (route.type !== 'unicast' && route.type !== 'broadcast' && route.type !== 'multicast') return undefined;
  return route.device;
}

import { type AddressSet, difference, EMPTY, isEmpty } from '../model/address-set.ts';
import type { HostNetwork } from '../model/host-network.ts';
import type { AddressFamily } from '../model/listener.ts';
import type { Condition } from '../model/ruleset.ts';
import { type HostRoutes, hostRoutes } from './host-routes.ts';
import { allOf, anyOf, type Field, familyIs, negation } from './nftables-field.ts';
import type { NftReading } from './nftables-reading.ts';

/**
 * `fib saddr . iif oif missing`: whether answers to the sender would leave by the interface that the packet came in by.
 * Known where the routes are: the best route decides (nft_fib_ipv4.c, nft_fib_ipv6.c).
 */
export function returnRouteField(): Field {
  return {
    kind: 'other',
    guard: [],
    oneOf: (values, reading) => {
      const [value] = values;
      const missing = value === false || value === 0 || value === '0';
      if (values.length !== 1 || (!missing && value !== true))
        return reading.unsupported('it looks up a route, which is not followed');
      const exists = returnRouteExists(reading);
      return missing && exists.kind !== 'unknown' ? negation(exists) : exists;
    },
  };
}

/** fe80::/10, of which links use fe80::/64. */
const LINK_LOCAL = { ipv4: [], ipv6: [0xfe80n << 112n, 0xfec0n << 112n] };
const LINK = { ipv4: [], ipv6: [0xfe80n << 112n, (0xfe80n << 112n) + (1n << 64n)] };
const TABLES = new Set(['local', 'main', 'default']);

/** Worked out once per host. */
const known = new WeakMap<HostNetwork, HostRoutes>();

/** What is asked of the host here, and who is told what it rests on. */
export type RouteReading = Pick<NftReading, 'network' | 'unsupported' | 'unsupportedQuietly'> & {
  readonly assumptions: Pick<Set<string>, 'add'>;
};

/** The best route back to the sender leads out by the interface that the packet came in by. */
export function returnRouteExists(reading: RouteReading): Condition {
  const { network } = reading;
  const missing = 'whether answers leave by the same interface depends on routes that were not given';
  if (network?.routes == null) return reading.unsupported(missing);
  if (network.routes.some(({ table }) => !TABLES.has(table)))
    return reading.unsupported('which of several routing tables is asked is not followed');
  const routes = known.get(network) ?? hostRoutes(network);
  known.set(network, routes);
  if (routes.byDevice === null) return reading.unsupported('there are too many routes to look through');
  reading.assumptions.add('Routing asks no other tables than those that were given.');
  const loopback = network.interfaces.filter((device) => device.loopback).map(({ name }) => ({ name, prefix: false }));
  const unclear: Condition = reading.unsupportedQuietly('answers may leave by several interfaces');
  const ways: Condition[] = [];
  for (const family of ['ipv4', 'ipv6'] as const) {
    // no routes of a family: they were not asked for, or there are none
    if (!network.routes.some((route) => route.destination.network.family === family)) {
      ways.push(allOf([familyIs(family), reading.unsupported(missing)]));
      continue;
    }
    const own = routes.own ?? EMPTY;
    for (const { device, peers } of routes.byDevice) {
      const set = difference(difference(ofFamily(peers, family), own), LINK_LOCAL);
      if (!isEmpty(set) && !loopback.some(({ name }) => name === device))
        ways.push(
          allOf([
            familyIs(family),
            { kind: 'in-interface', names: [{ name: device, prefix: false }] },
            { kind: 'source', set },
          ]),
        );
    }
    const several = ofFamily(routes.unclear, family);
    if (!isEmpty(several)) ways.push(allOf([familyIs(family), { kind: 'source', set: several }, unclear]));
  }
  // addresses of one link are looked up on that link alone
  const linked = network.routes.filter(
    ({
      destination: {
        network: { family, value },
      },
      type,
    }) => family === 'ipv6' && type === 'unicast' && value === LINK_LOCAL.ipv6[0],
  );
  for (const { device } of linked)
    if (device !== null)
      ways.push(
        allOf([
          familyIs('ipv6'),
          { kind: 'in-interface', names: [{ name: device, prefix: false }] },
          { kind: 'source', set: difference(LINK, routes.own ?? EMPTY) },
        ]),
      );
  ways.push(allOf([{ kind: 'source', set: difference(LINK_LOCAL, LINK) }, unclear]));
  if (loopback.length > 0) ways.push(allOf([{ kind: 'in-interface', names: loopback }, unclear]));
  return anyOf(ways);
}

function ofFamily(set: AddressSet, family: AddressFamily): AddressSet {
  return family === 'ipv4' ? { ipv4: set.ipv4, ipv6: [] } : { ipv4: [], ipv6: set.ipv6 };
}

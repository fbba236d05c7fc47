import * as z from 'zod';
import { type Address, addressBits, parseAddress } from '../model/address.ts';
import { blockOf, type Cidr } from '../model/cidr.ts';
import type { HostNetwork, NetworkInterface, Route } from '../model/host-network.ts';
import type { RulesetFile } from './dialect.ts';

const FAMILIES: Readonly<Record<string, Address['family']>> = { inet: 'ipv4', inet6: 'ipv6' };

const AddressInfo = z.object({
  family: z.string(),
  local: z.string().optional(),
  /** The other end of a point-to-point link. */
  address: z.string().optional(),
  prefixlen: z.number().int().min(0).max(128).optional(),
  dadfailed: z.boolean().optional(),
});

const LinkEntry = z.object({
  ifname: z.string().min(1).max(64),
  ifindex: z.number().int().min(1),
  flags: z.array(z.string()).optional(),
  link_type: z.string().optional(),
  addr_info: z.array(z.union([AddressInfo, z.object({}).strict()])).optional(),
});

const RouteEntry = z.object({
  type: z.string().optional(),
  dst: z.string(),
  dev: z.string().optional(),
  gateway: z.string().optional(),
  prefsrc: z.string().optional(),
  /** Printed for IPv6 only. */
  pref: z.string().optional(),
  metric: z.number().optional(),
  table: z.union([z.string(), z.number()]).optional(),
  nexthops: z.array(z.object({ dev: z.string().optional(), gateway: z.string().optional() })).optional(),
});

/** Entries that a text is looked at for; a router with the Internet's own table has a million. */
const MAX_ENTRIES = 2_000_000;

/** Says whether a text is the output of `ip -j addr`, `ip -j link` or `ip -j route`. */
export function isHostNetworkFile(text: string): boolean {
  const beginning = text.slice(0, 65_536).trimStart();
  if (!beginning.startsWith('[')) return false;
  if (/^\[\s*\]\s*$/.test(beginning)) return true;
  if (!/^\[\s*\{/.test(beginning)) return false;
  const isLink = beginning.includes('"ifname"') && beginning.includes('"ifindex"');
  return isLink || (beginning.includes('"dst"') && /"(dev|gateway|nexthops|type|flags|protocol)"/.test(beginning));
}

/** What one file says. `unreadable`: it says something that was not understood. */
interface FileFacts {
  readonly links: ReadonlyArray<z.infer<typeof LinkEntry>>;
  readonly routes: readonly Route[];
  readonly isRoutes: boolean;
  readonly unreadable: 'links' | 'routes' | null;
}

/**
 * Reads the host's interfaces, addresses and routes from outputs of `ip -j`, in any order. null: the addresses were not
 * given, or could not all be read: a network that lacks an address would be worse than none.
 */
export function readHostNetwork(files: readonly RulesetFile[]): HostNetwork | null {
  const facts = files.filter((file) => isHostNetworkFile(file.text)).map((file) => factsOf(file.text));
  if (facts.some((file) => file.unreadable === 'links')) return null;
  const links = facts.flatMap((file) => file.links);
  if (!links.some((link) => link.addr_info !== undefined)) return null;
  const interfaces = interfacesOf(links);
  if (interfaces === null) return null;
  const isRead = facts.some((file) => file.isRoutes) && !facts.some((file) => file.unreadable === 'routes');
  return { interfaces, routes: isRead ? routesOnce(facts.flatMap((file) => file.routes)) : null };
}

function factsOf(text: string): FileFacts {
  const isRoutes = !text.slice(0, 65_536).includes('"ifindex"');
  const unreadable: FileFacts = { links: [], routes: [], isRoutes, unreadable: isRoutes ? 'routes' : 'links' };
  let entries: unknown;
  try {
    entries = JSON.parse(text);
  } catch {
    return unreadable;
  }
  if (!Array.isArray(entries) || entries.length > MAX_ENTRIES) return unreadable;
  const links: Array<z.infer<typeof LinkEntry>> = [];
  const routes: Route[] = [];
  for (const entry of entries) {
    // what a filter left out is printed as an empty object
    if (entry !== null && typeof entry === 'object' && Object.keys(entry).length === 0) continue;
    if (isRoutes) {
      const read = RouteEntry.safeParse(entry);
      const route = read.success ? routeOf(read.data) : null;
      if (route === null) return unreadable;
      routes.push(route);
    } else {
      const read = LinkEntry.safeParse(entry);
      if (!read.success) return unreadable;
      links.push(read.data);
    }
  }
  return { links, routes, isRoutes, unreadable: null };
}

/** Interfaces by their numbers, each with the addresses of all entries of it; null: an address could not be read. */
function interfacesOf(links: ReadonlyArray<z.infer<typeof LinkEntry>>): NetworkInterface[] | null {
  const found = new Map<number, NetworkInterface & { addresses: Array<{ address: Address; prefix: number }> }>();
  const seen = new Set<string>();
  for (const { ifname, ifindex, flags, link_type, addr_info } of links) {
    const loopback = flags === undefined ? link_type === 'loopback' : flags.includes('LOOPBACK');
    const before = found.get(ifindex);
    const device = before ?? { name: ifname, index: ifindex, loopback, addresses: [] };
    if (device.name !== ifname) return null;
    found.set(ifindex, device);
    for (const info of addr_info ?? []) {
      if (!('family' in info)) continue;
      const family = FAMILIES[info.family];
      // an address that another host has too was never taken into use
      if (family === undefined || info.dadfailed === true) continue;
      const address = parseAddress(info.local ?? info.address ?? '');
      if (address?.family !== family) return null;
      const bits = addressBits(family);
      const isPeer = info.local !== undefined && info.address !== undefined && info.address !== info.local;
      const prefix = isPeer ? bits : (info.prefixlen ?? bits);
      const key = `${ifindex} ${address.value}`;
      if (prefix > bits) return null;
      if (!seen.has(key)) device.addresses.push({ address, prefix });
      seen.add(key);
    }
  }
  return [...found.values()].sort((a, b) => a.index - b.index);
}

function routeOf(entry: z.infer<typeof RouteEntry>): Route | null {
  const destination = destinationOf(entry);
  if (destination === null) return null;
  const devices = new Set(
    [entry.dev, ...(entry.nexthops ?? []).map((hop) => hop.dev)].filter((dev) => dev !== undefined),
  );
  const [device] = devices;
  return {
    destination,
    type: entry.type ?? 'unicast',
    device: devices.size === 1 && device !== undefined ? device : null,
    metric: entry.metric ?? 0,
    table: String(entry.table ?? 'main'),
  };
}

function destinationOf(entry: z.infer<typeof RouteEntry>): Cidr | null {
  if (entry.dst === 'default') {
    const others = [entry.gateway, entry.prefsrc, ...(entry.nexthops ?? []).map((hop) => hop.gateway)];
    const isIpv6 = entry.pref !== undefined || others.some((text) => text?.includes(':'));
    const network: Address = isIpv6 ? { family: 'ipv6', value: 0n } : { family: 'ipv4', value: 0 };
    return { network, prefix: 0 };
  }
  const [text = '', length] = entry.dst.split('/', 2);
  const network = parseAddress(text);
  if (network === null) return null;
  const bits = addressBits(network.family);
  const prefix = length === undefined ? bits : /^[0-9]{1,3}$/.test(length) ? Number(length) : bits + 1;
  return prefix > bits ? null : blockOf(network, prefix);
}

/** Each route once: `table all` shows those of the main table again. */
function routesOnce(routes: readonly Route[]): Route[] {
  const once = new Map<string, Route>();
  for (const route of routes) {
    const { destination, type, device, metric, table } = route;
    const { family, value } = destination.network;
    once.set(`${family} ${value}/${destination.prefix} ${type} ${device} ${metric} ${table}`, route);
  }
  return [...once.values()];
}

import { type Address, addressBits } from '../../src/model/address.ts';
import type { AddressFamily } from '../../src/model/listener.ts';
import type { Probe } from './frames.ts';
import type { KernelCase } from './kernel-case.ts';
import type { Random } from './random.ts';
import { address, CONTAINER_ADDRESSES, HOST_ADDRESSES, PORTS } from './vocabulary.ts';

/** Everything of a question but the source: one answer of the engine speaks for all probes of a slice. */
export interface Slice {
  readonly transport: 'tcp' | 'udp';
  readonly destination: Address;
  readonly destinationPort: number;
  readonly wire: 0 | 1;
}

/** Says whether routing lets a packet from there in at all: the packet filter is asked, not the routing table. */
export function isOrdinary(source: Address): boolean {
  if (source.family === 'ipv4') {
    const top = source.value >>> 24;
    if (top === 0 || top === 127 || top >= 224) return false;
    return (
      !HOST_ADDRESSES.ipv4.some((text) => address(text).value === source.value) &&
      source.value !== address('172.17.0.1').value
    );
  }
  const top = source.value >> 120n;
  if (top === 0xffn || source.value >> 118n === 0x3fan) return false; // multicast, link-local
  if (source.value >> 32n === 0n || source.value >> 32n === 0xffffn) return false; // ::, ::1, IPv4 in disguise
  return ![...HOST_ADDRESSES.ipv6, 'fd17::1'].some((text) => address(text).value === source.value);
}

function near(edge: Address, step: bigint): Address | null {
  const value = BigInt(edge.value) + step;
  if (value < 0n || value >= 1n << BigInt(addressBits(edge.family))) return null;
  return edge.family === 'ipv4' ? { family: 'ipv4', value: Number(value) } : { family: 'ipv6', value };
}

/** Sources on both sides of every edge, and some from anywhere. */
export function pickSources(
  random: Random,
  edges: readonly Address[],
  family: AddressFamily,
  count: number,
): Address[] {
  const found = new Map<string, Address>();
  const add = (one: Address | null) => {
    if (one !== null && isOrdinary(one)) found.set(String(one.value), one);
  };
  for (const edge of random.some(
    edges.filter((one) => one.family === family),
    count,
  ))
    for (const step of [-1n, 0n, 1n]) add(near(edge, step));
  const sources = random.some([...found.values()], count - 4);
  found.clear();
  for (let i = 0; i < 6; i++) {
    const value = random.bits(addressBits(family));
    add(family === 'ipv4' ? { family, value: Number(value) } : { family, value: (value >> 3n) | (1n << 125n) });
  }
  return [...sources, ...found.values()].slice(0, count);
}

/** One source port of every kind that the rules tell apart. */
export function pickSourcePorts(random: Random, edges: readonly number[]): number[] {
  if (edges.length === 0) return [random.between(1024, 65535)];
  const starts = new Set([0, ...edges, ...edges.map((port) => port + 1)]);
  return [...starts].filter((port) => port <= 65535);
}

export function pickSlices(random: Random, one: KernelCase, count: number): Slice[] {
  const slices = new Map<string, Slice>();
  const ports = [
    ...one.edges.ports,
    ...one.edges.ports.map((port) => port + 1),
    ...one.edges.ports.map((port) => port - 1),
  ];
  for (let i = 0; i < count * 3 && slices.size < count; i++) {
    const family: AddressFamily = random.chance(0.5) ? 'ipv4' : 'ipv6';
    const sentOn = one.mode === 'forward' && random.chance(0.25);
    const port = random.pick(
      random.chance(0.75) && one.edges.ports.length > 0 ? (random.chance(0.8) ? one.edges.ports : ports) : PORTS,
    );
    const slice: Slice = {
      transport: random.chance(0.75) ? 'tcp' : 'udp',
      destination: address(random.pick((sentOn ? CONTAINER_ADDRESSES : HOST_ADDRESSES)[family])),
      destinationPort: Math.min(65535, Math.max(1, port)),
      wire: random.chance(0.65) ? 0 : 1,
    };
    slices.set(JSON.stringify({ ...slice, destination: String(slice.destination.value) }), slice);
  }
  return [...slices.values()];
}

export function probesOf(slice: Slice, sources: readonly Address[], sourcePorts: readonly number[]): Probe[] {
  return sources.flatMap((source) => sourcePorts.map((sourcePort) => ({ ...slice, source, sourcePort })));
}

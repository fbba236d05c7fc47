import { type Address, addressBits, formatAddress, parseAddress } from '../../src/model/address.ts';
import type { AddressFamily } from '../../src/model/listener.ts';
import type { Edges } from './kernel-case.ts';
import type { Random } from './random.ts';

/** Addresses of the bed (prober.py). */
export const HOST_ADDRESSES: Record<AddressFamily, readonly string[]> = {
  ipv4: ['10.77.0.1', '10.77.0.2', '10.78.0.1'],
  ipv6: ['fd77::1', 'fd77::2', 'fd78::1'],
};
export const CONTAINER_ADDRESSES: Record<AddressFamily, readonly string[]> = {
  ipv4: ['172.17.0.2', '172.17.0.3'],
  ipv6: ['fd17::2', 'fd17::3'],
};
export const PORTS = [22, 80, 443, 1000, 5432, 8080, 9000];

export function address(text: string): Address {
  const parsed = parseAddress(text);
  if (parsed === null) throw new Error(`not an address: ${text}`);
  return parsed;
}

function make(family: AddressFamily, value: bigint): Address {
  return family === 'ipv4' ? { family, value: Number(value) } : { family, value };
}

const BASES: Record<AddressFamily, readonly string[]> = {
  ipv4: ['10.1.2.3', '10.1.200.9', '10.200.0.77', '192.168.5.130', '203.0.113.77', '100.64.3.9', '172.20.8.1'],
  ipv6: ['fd00:1:2::3', 'fd00:1:ffff::9', '2001:db8:5::77', '2001:db8:9::1', 'fc00::100'],
};

/** Makes the words of random rules, and remembers what probes should try. Few different values, so that rules overlap. */
export class Vocabulary {
  readonly random: Random;
  readonly edges: { [K in keyof Edges]: Array<Edges[K][number]> } = {
    sources: [],
    sourcePorts: [],
    ports: [],
  };

  constructor(random: Random) {
    this.random = random;
  }

  /** First and last of a block around one of the usual addresses. */
  #block(family: AddressFamily): { first: bigint; last: bigint; prefix: number } {
    const { random } = this;
    const bits = addressBits(family);
    const base = BigInt(address(random.pick(BASES[family])).value);
    const noise = random.bits(random.pick([0, 0, 2, 8, 12]));
    const prefix = random.pick(
      family === 'ipv4' ? [4, 8, 12, 16, 20, 24, 28, 30, 32, 32] : [7, 16, 32, 48, 64, 120, 128, 128],
    );
    const size = 1n << BigInt(bits - prefix);
    const first = ((base ^ noise) / size) * size;
    return { first, last: first + size - 1n, prefix };
  }

  #remember(family: AddressFamily, first: bigint, last: bigint): void {
    this.edges.sources.push(make(family, first), make(family, last));
  }

  /** A source: one address, or a block. */
  block(family: AddressFamily): string {
    const { first, last, prefix } = this.#block(family);
    this.#remember(family, first, last);
    const text = formatAddress(make(family, first));
    return prefix === addressBits(family) ? text : `${text}/${prefix}`;
  }

  single(family: AddressFamily): string {
    const { first, last } = this.#block(family);
    const value = this.random.chance(0.5) ? first : last;
    this.#remember(family, value, value);
    return formatAddress(make(family, value));
  }

  /** A range of sources that is no block, as a rule. */
  range(family: AddressFamily): string {
    const { first, last } = this.#block(family);
    const from = first + this.random.bits(3);
    const to = last + this.random.bits(4) + 8n;
    this.#remember(family, from, to);
    return `${formatAddress(make(family, from))}-${formatAddress(make(family, to))}`;
  }

  /** Blocks and ranges that do not touch each other, for sets that refuse overlaps. */
  apart(family: AddressFamily, count: number, ranges: boolean): string[] {
    const taken: Array<{ first: bigint; last: bigint }> = [];
    const texts: string[] = [];
    for (let i = 0; i < count * 3 && texts.length < count; i++) {
      const { first, last, prefix } = this.#block(family);
      const end = ranges && this.random.chance(0.3) ? last + 5n : last;
      if (taken.some((other) => first <= other.last + 1n && other.first <= end + 1n)) continue;
      taken.push({ first, last: end });
      this.#remember(family, first, end);
      const text = formatAddress(make(family, first));
      if (end !== last) texts.push(`${text}-${formatAddress(make(family, end))}`);
      else texts.push(prefix === addressBits(family) ? text : `${text}/${prefix}`);
    }
    return texts;
  }

  /** A mask and a value under it: contiguous or not. */
  masked(family: AddressFamily): { mask: string; value: string } {
    const base = BigInt(address(this.random.pick(BASES[family])).value);
    const masks =
      family === 'ipv4'
        ? ['255.255.0.255', '255.0.255.0', '0.0.0.1', '255.255.255.0', '0.255.0.0', '240.0.0.15', '255.255.255.254']
        : ['ffff:ffff::', 'ffff::ff', '::1', 'ffff:ffff:ffff:ffff::'];
    const mask = BigInt(address(this.random.pick(masks)).value);
    this.#remember(family, base & mask, base);
    return { mask: formatAddress(make(family, mask)), value: formatAddress(make(family, base & mask)) };
  }

  port(): number {
    const port = this.random.chance(0.9) ? this.random.pick(PORTS) : this.random.between(1, 65535);
    this.edges.ports.push(port);
    return port;
  }

  portRange(): { from: number; to: number } {
    const from = Math.max(1, this.port() - this.random.pick([0, 1, 20]));
    const to = Math.min(65535, from + this.random.pick([1, 20, 500, 60000]));
    this.edges.ports.push(from, to);
    return { from, to };
  }

  /** Different ports, ascending. */
  ports(count: number): number[] {
    return [...new Set(Array.from({ length: count }, () => this.port()))].sort((a, b) => a - b);
  }

  sourcePortRange(): { from: number; to: number } {
    const from = this.random.pick([0, 1, 53, 1024, 20000, 32768]);
    const to = this.random.pick([from, from + 1, 1023, 30000, 65535]);
    const range = { from, to: Math.max(from, to) };
    this.edges.sourcePorts.push(range.from, range.to);
    return range;
  }

  /** Addresses with ports, as concatenations of nftables; no two of them overlap. */
  pairs(family: AddressFamily): string[] {
    const pairs: string[] = [];
    for (const block of this.apart(family, this.random.between(1, 5), true)) {
      const range = this.portRange();
      pairs.push(`${block} . ${this.random.chance(0.4) ? `${range.from}-${range.to}` : this.port()}`);
    }
    return pairs;
  }

  hostAddress(family: AddressFamily): string {
    return this.random.pick(HOST_ADDRESSES[family]);
  }

  containerAddress(family: AddressFamily): string {
    return this.random.pick(CONTAINER_ADDRESSES[family]);
  }
}

import type { AddressSet } from '../model/address-set.ts';
import { EMPTY, union } from '../model/address-set.ts';
import { ACTION, DIRECTION, type DirectionCode } from '../model/flow.ts';
import type { PortRange } from '../model/observation.ts';
import { type AddressTable, FIRST_IPV6_ID } from './address-ids.ts';
import type { FlowRecord } from './flow-format.ts';

/** How surely an address and port are the service side of a connection. */
export const SERVICE = { unknown: 0, registered: 1, listening: 2 } as const;

/** Which endpoints are services: what listens, and what the register declares. */
export interface ServiceIndex {
  /** SERVICE. `address`: a number of a FlowRecord that `ids` gave. */
  find(address: number, port: number, protocol: number, ids: AddressTable): number;
}

/** A listener at one address. */
export interface KnownListener {
  /** Four words, least significant first, as in a FlowBatch. */
  readonly words: readonly [number, number, number, number];
  readonly port: number;
  /** IANA protocol number. */
  readonly protocol: number;
}

/** What one entry of the register declares. */
export interface KnownEntry {
  readonly addresses: AddressSet;
  readonly ports: readonly PortRange[];
  readonly protocol: number;
}

const WORDS = 5;

function hashOf(w0: number, w1: number, w2: number, w3: number, portAndProtocol: number): number {
  let hash = Math.imul(w0, 0x9e3779b1) ^ Math.imul(portAndProtocol, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) ^ Math.imul(w1 ^ Math.imul(w2, 3), 0xc2b2ae35) ^ w3;
  hash = Math.imul(hash ^ (hash >>> 13), 0x297a2d39);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function hash4(address: number, portAndProtocol: number): number {
  const hash = Math.imul(address, 0x9e3779b1) ^ Math.imul(portAndProtocol, 0x85ebca6b);
  return Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d) >>> 12;
}

/** Ports with the same entries have one number; 0: no entry names the port. */
interface RegisteredPorts {
  readonly setOfPort: Uint32Array;
  readonly sets: readonly AddressSet[];
}

/** Joins many sets by halves: joining them one to another would take the square of their number. */
function unionOf(sets: readonly AddressSet[]): AddressSet {
  if (sets.length < 2) return sets[0] ?? EMPTY;
  const middle = sets.length >>> 1;
  return union(unionOf(sets.slice(0, middle)), unionOf(sets.slice(middle)));
}

/** Cuts the ports of entries of one protocol into runs that the same entries name, and joins their addresses. */
function registeredPorts(entries: readonly KnownEntry[]): RegisteredPorts {
  const begins = new Map<number, KnownEntry[]>();
  const ends = new Map<number, KnownEntry[]>();
  const at = (map: Map<number, KnownEntry[]>, port: number, entry: KnownEntry) => {
    const list = map.get(port);
    if (list) list.push(entry);
    else map.set(port, [entry]);
  };
  for (const entry of entries)
    for (const { from, to } of entry.ports) {
      at(begins, from, entry);
      at(ends, to + 1, entry);
    }
  const setOfPort = new Uint32Array(65_536);
  const sets: AddressSet[] = [EMPTY];
  const numbers = new Map<string, number>([['', 0]]);
  const order = new Map(entries.map((entry, n) => [entry, n]));
  const open = new Map<KnownEntry, number>();
  let number = 0;
  for (let port = 0; port < 65_536; port++) {
    const opened = begins.get(port);
    const closed = ends.get(port);
    if (opened || closed) {
      for (const entry of closed ?? []) {
        const times = (open.get(entry) ?? 0) - 1;
        if (times > 0) open.set(entry, times);
        else open.delete(entry);
      }
      for (const entry of opened ?? []) open.set(entry, (open.get(entry) ?? 0) + 1);
      const key = [...open.keys()].map((entry) => order.get(entry)).join(' ');
      number = numbers.get(key) ?? sets.length;
      if (number === sets.length) {
        numbers.set(key, number);
        sets.push(unionOf([...open.keys()].map(({ addresses }) => addresses)));
      }
    }
    setOfPort[port] = number;
  }
  return { setOfPort, sets };
}

/** Says whether an odd number of ascending boundaries is at or below the value. */
function isInside(boundaries: readonly number[], value: number): boolean {
  let low = 0;
  let high = boundaries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((boundaries[middle] as number) <= value) low = middle + 1;
    else high = middle;
  }
  return low % 2 === 1;
}

function isInside6(boundaries: readonly bigint[], value: bigint): boolean {
  let low = 0;
  let high = boundaries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((boundaries[middle] as bigint) <= value) low = middle + 1;
    else high = middle;
  }
  return low % 2 === 1;
}

/** Builds the index. A look-up costs one step where no listener and no entry has the port, and a few otherwise. */
export function buildServiceIndex(listeners: Iterable<KnownListener>, entries: readonly KnownEntry[]): ServiceIndex {
  const known = [...listeners];
  let slots = 64;
  while (slots < known.length * 4) slots *= 2;
  const mask = slots - 1;
  const table = new Uint32Array(slots * WORDS);
  /** Bit 31 of the last word marks a slot that is taken. */
  const TAKEN = 2 ** 31;
  /** 1: something listens on the port, by protocol and port. */
  const hasListener = new Map<number, Uint8Array>();

  function slotOf(w0: number, w1: number, w2: number, w3: number, last: number): number {
    let slot = hashOf(w0, w1, w2, w3, last) & mask;
    for (;;) {
      const i = slot * WORDS;
      const there = table[i + 4] as number;
      if (there === 0) return slot;
      if (there === last && table[i] === w0 && table[i + 1] === w1 && table[i + 2] === w2 && table[i + 3] === w3)
        return slot;
      slot = (slot + 1) & mask;
    }
  }

  for (const { words, port, protocol } of known) {
    const last = TAKEN + protocol * 65_536 + port;
    const slot = slotOf(...words, last);
    table.set([...words, last], slot * WORDS);
    const ports = hasListener.get(protocol) ?? new Uint8Array(65_536);
    ports[port] = 1;
    hasListener.set(protocol, ports);
  }
  const registered = new Map<number, RegisteredPorts>();
  for (const [protocol, list] of Map.groupBy(entries, (entry) => entry.protocol))
    registered.set(protocol, registeredPorts(list));

  // By protocol number, so that the usual look-up has no map in it.
  const listenersOf = Array.from({ length: 256 }, (_, protocol) => hasListener.get(protocol) ?? null);
  const entriesOf = Array.from({ length: 256 }, (_, protocol) => registered.get(protocol) ?? null);
  const words = new Uint32Array(4);

  /** The same for IPv4, which most look-ups are: two words a slot. */
  const table4 = new Uint32Array(slots * 2);
  for (const { words: w, port, protocol } of known) {
    if (w[1] !== 0xffff || w[2] !== 0 || w[3] !== 0) continue;
    const last = TAKEN + protocol * 65_536 + port;
    let slot = hash4(w[0], last) & mask;
    while (table4[slot * 2 + 1] !== 0) slot = (slot + 1) & mask;
    table4[slot * 2] = w[0];
    table4[slot * 2 + 1] = last;
  }

  function isListening4(address: number, last: number): boolean {
    let slot = hash4(address, last) & mask;
    for (let there = table4[slot * 2 + 1] as number; there !== 0; there = table4[slot * 2 + 1] as number) {
      if (there === last && table4[slot * 2] === address) return true;
      slot = (slot + 1) & mask;
    }
    return false;
  }

  function isRegistered(set: AddressSet, address: number, ids: AddressTable): boolean {
    if (address < FIRST_IPV6_ID) return isInside(set.ipv4, address);
    if (set.ipv6.length === 0) return false;
    ids.words(address, words, 0);
    let value = 0n;
    for (let w = 3; w >= 0; w--) value = (value << 32n) | BigInt(words[w] as number);
    return isInside6(set.ipv6, value);
  }

  return {
    find(address, port, protocol, ids) {
      const ports = listenersOf[protocol];
      if (ports && ports[port] === 1) {
        const last = TAKEN + protocol * 65_536 + port;
        if (address < FIRST_IPV6_ID) {
          if (isListening4(address, last)) return SERVICE.listening;
        } else {
          ids.words(address, words, 0);
          const [w0, w1, w2, w3] = words as unknown as [number, number, number, number];
          if (table[slotOf(w0, w1, w2, w3, last) * WORDS + 4] === last) return SERVICE.listening;
        }
      }
      const entries = entriesOf[protocol];
      if (!entries) return SERVICE.unknown;
      const set = entries.setOfPort[port] as number;
      return set !== 0 && isRegistered(entries.sets[set] as AddressSet, address, ids)
        ? SERVICE.registered
        : SERVICE.unknown;
    },
  };
}

/**
 * Which way a record runs: as it says itself; else towards the one side that is known to be a service. Both sides or neither:
 * unknown, however sure one is (whoever chooses the port to connect from could choose one that listens), and a lower port
 * number changes nothing about it. A denied record stays as it is: nothing answered, so it is never taken for an answer on
 * the strength of a look-up.
 */
export function directionOf(record: FlowRecord, services: ServiceIndex | null, ids: AddressTable): DirectionCode {
  if (record.direction !== DIRECTION.unknown) return record.direction as DirectionCode;
  const { srcPort, dstPort, protocol } = record;
  if (services === null || dstPort < 0) return DIRECTION.unknown;
  const isForward = services.find(record.dst, dstPort, protocol, ids) !== SERVICE.unknown;
  // Some logs do not keep the port of the source: then a service at the destination is all there is to know.
  const isReply = srcPort >= 0 && services.find(record.src, srcPort, protocol, ids) !== SERVICE.unknown;
  if (isForward && !isReply) return DIRECTION.forward;
  if (isReply && !isForward && record.action !== ACTION.denied) return DIRECTION.reply;
  return DIRECTION.unknown;
}

import { endianness } from 'node:os';
import { type Address, ipv6Value, unmapAddress } from '../../model/address.ts';
import { getOrMake } from '../../util/get-or-make.ts';
import { readBytes } from './files.ts';

/** A TCP connection that stands. */
export interface Connection {
  readonly local: Address;
  readonly localPort: number;
  readonly peer: Address;
  readonly peerPort: number;
  /** Inode of the socket, 0 where the kernel has none for it. */
  readonly inode: number;
}

/** The TCP sockets of this network namespace. */
export interface Connections {
  /** To ports that listen here, from elsewhere: what a packet filter lets in or not. */
  readonly incoming: readonly Connection[];
  /** Ports that listen, ascending. */
  readonly listening: readonly number[];
  /** Inodes of the sockets that listen, by port. */
  readonly listeners: ReadonlyMap<number, readonly number[]>;
  /** What could not be read, a sentence each. */
  readonly problems: readonly string[];
}

const MAX_BYTES = 64 * 1024 * 1024;
const LITTLE_ENDIAN = endianness() === 'LE';
const ESTABLISHED = 0x01;
const CLOSE_WAIT = 0x08;
const LISTEN = 0x0a;

/** `  1: 0100007F:1F90 0200007F:C001 01 00000000:00000000 00:00000000 00000000  1000  0 23456 1 …` (net/ipv4/tcp_ipv4.c) */
const ROW =
  /^ *\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) ([0-9A-F]{2}) \S+ \S+ \S+ +\d+ +\d+ (\d{1,15}) /;

interface Row extends Connection {
  readonly state: number;
}

/** Reads the connections of the network namespace of a process. `proc`: `/proc/self`. */
export function readConnections(proc: string): Connections {
  const problems: string[] = [];
  const rows: Row[] = [];
  for (const table of ['tcp', 'tcp6']) {
    const bytes = readBytes(`${proc}/net/${table}`, MAX_BYTES);
    if (bytes === undefined) {
      // A kernel without IPv6 has no such table.
      if (table === 'tcp') problems.push(`${proc}/net/${table} cannot be read`);
      continue;
    }
    if (bytes.length >= MAX_BYTES) problems.push(`${proc}/net/${table} is too long; the rest was not read`);
    const parsed = parseConnections(bytes.toString('latin1'));
    if (parsed.malformed > 0)
      problems.push(`${proc}/net/${table} has ${parsed.malformed} lines that are not in the expected form`);
    for (const row of parsed.rows) rows.push(row);
  }
  const listeners = new Map<number, number[]>();
  for (const { state, localPort, inode } of rows)
    if (state === LISTEN) getOrMake(listeners, localPort, () => []).push(inode);
  return {
    incoming: rows.filter(
      ({ state, localPort }) => (state === ESTABLISHED || state === CLOSE_WAIT) && listeners.has(localPort),
    ),
    listening: [...listeners.keys()].sort((a, b) => a - b),
    listeners,
    problems,
  };
}

/** Rows of a table that listen or are connected; `malformed` counts lines that are none, the header apart. */
export function parseConnections(
  text: string,
  littleEndian = LITTLE_ENDIAN,
): { readonly rows: readonly Row[]; readonly malformed: number } {
  const rows: Row[] = [];
  let malformed = 0;
  for (const line of text.split('\n').slice(1)) {
    if (line === '') continue;
    const match = ROW.exec(line);
    if (!match) {
      malformed++;
      continue;
    }
    const [, local, localPort, peer, peerPort, state, inode] = match as unknown as string[];
    const code = Number.parseInt(state as string, 16);
    if (code !== ESTABLISHED && code !== CLOSE_WAIT && code !== LISTEN) continue;
    rows.push({
      state: code,
      local: addressOf(local as string, littleEndian),
      localPort: Number.parseInt(localPort as string, 16),
      peer: addressOf(peer as string, littleEndian),
      peerPort: Number.parseInt(peerPort as string, 16),
      inode: Number(inode),
    });
  }
  return { rows, malformed };
}

/** The kernel prints the bytes of an address as native 32-bit words. IPv4 in an IPv6 socket is IPv4. */
function addressOf(hex: string, littleEndian: boolean): Address {
  const bytes = Buffer.from(hex, 'hex');
  if (littleEndian) bytes.swap32();
  if (bytes.length === 4) return { family: 'ipv4', value: bytes.readUInt32BE(0) };
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return unmapAddress({ family: 'ipv6', value: ipv6Value(view) });
}

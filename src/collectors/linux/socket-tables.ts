import { formatAddress, ipv6Value } from '../../model/address.ts';
import type { Transport } from '../../model/endpoint.ts';
import type { AddressFamily } from '../../model/listener.ts';

/** A table of /proc/net. Formats: net/ipv4/tcp_ipv4.c, net/ipv6/tcp_ipv6.c, net/ipv4/udp.c, net/ipv4/raw.c, net/sctp/proc.c. */
export interface SocketTable {
  /** Path below /proc/PID/net. */
  readonly file: string;
  readonly transport: Transport;
  readonly family: AddressFamily;
  /** Name of its counter in /proc/net/sockstat or sockstat6. */
  readonly counter?: string;
}

/** Every table that is read. One that does not exist belongs to a protocol that the running kernel does not have. */
export const SOCKET_TABLES: readonly SocketTable[] = [
  { file: 'tcp', transport: 'tcp', family: 'ipv4', counter: 'TCP' },
  { file: 'tcp6', transport: 'tcp', family: 'ipv6', counter: 'TCP6' },
  { file: 'udp', transport: 'udp', family: 'ipv4', counter: 'UDP' },
  { file: 'udp6', transport: 'udp', family: 'ipv6', counter: 'UDP6' },
  { file: 'udplite', transport: 'udplite', family: 'ipv4', counter: 'UDPLITE' },
  { file: 'udplite6', transport: 'udplite', family: 'ipv6', counter: 'UDPLITE6' },
  { file: 'raw', transport: 'raw', family: 'ipv4', counter: 'RAW' },
  { file: 'raw6', transport: 'raw', family: 'ipv6', counter: 'RAW6' },
  { file: 'sctp/eps', transport: 'sctp', family: 'ipv4' },
];

/**
 * Numbers of sockets in use by protocol (`TCP`, `UDP6`…) from the text of /proc/net/sockstat or sockstat6
 * (net/ipv4/proc.c): `TCP: inuse 5 orphan 0 tw 0 alloc 8 mem 1`.
 */
export function parseSockstat(text: string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [, name, count] of text.matchAll(/^(\w{1,16}): inuse (\d{1,15})\b/gm))
    counts.set(name as string, Number(count));
  return counts;
}

/** One socket that waits for anybody: TCP and SCTP in state LISTEN, UDP and raw without a peer. */
export interface Socket {
  readonly transport: Transport;
  /** Family of the socket, not of the address: an IPv6 socket may carry `::ffff:127.0.0.1`. */
  readonly family: AddressFamily;
  readonly address: string;
  readonly port: number;
  /** Owner as the kernel's table names it. */
  readonly uid: number;
  /** Inode of the socket, 0 where the kernel has none for it. */
  readonly inode: number;
}

export interface ParsedTable {
  readonly sockets: Socket[];
  /** Lines that did not have the expected form, the header included. */
  readonly malformed: number;
  /** The table ends in the middle of a line. */
  readonly truncated: boolean;
  /** Offset behind the last row that was looked at. */
  readonly end: number;
}

const LISTEN = 0x0a;
const CLOSE = 0x07;

const SPACE = 0x20;
const NEWLINE = 0x0a;
const COLON = 0x3a;

/** Digit values of ASCII hex characters, 255 for any other byte. */
const HEX = new Uint8Array(256).fill(255);
for (let d = 0; d < 16; d++) {
  HEX[d.toString(16).charCodeAt(0)] = d;
  HEX[d.toString(16).toUpperCase().charCodeAt(0)] = d;
}

/** Texts of addresses by their hex form; machines listen on few addresses. Emptied when it grows large. */
const addressTexts = new Map<string, string>();
const addressBytes = { ipv4: new Uint8Array(4), ipv6: new Uint8Array(16) };

/** Text of an address given as its 4 or 16 bytes in network order. */
function addressTextOfBytes(bytes: Uint8Array): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return bytes.length === 4
    ? formatAddress({ family: 'ipv4', value: view.getUint32(0) })
    : formatAddress({ family: 'ipv6', value: ipv6Value(view) });
}

/** Text of an address that the kernel printed as native 32-bit words (`%08X`) of the network-order bytes. */
function addressOf(bytes: Buffer, from: number, to: number, littleEndian: boolean): string {
  const hex = bytes.toString('latin1', from, to);
  const known = addressTexts.get(hex);
  if (known !== undefined) return known;
  const out = to - from === 8 ? addressBytes.ipv4 : addressBytes.ipv6;
  for (let i = 0; i < out.length; i++) {
    const at = from + 2 * (littleEndian ? (i & ~3) + 3 - (i & 3) : i);
    out[i] = ((HEX[bytes[at] as number] as number) << 4) | (HEX[bytes[at + 1] as number] as number);
  }
  const text = addressTextOfBytes(out);
  if (addressTexts.size > 10_000) addressTexts.clear();
  addressTexts.set(hex, text);
  return text;
}

/**
 * Sockets of a table that wait for anybody. Never throws: what is not understood is counted. TCP tables list sockets in
 * LISTEN first (net/ipv4/tcp_ipv4.c, tcp_seq_start), so reading stops at the first other row; `isTableDone` says the
 * same to the reader.
 */
export function parseSocketTable(bytes: Buffer, table: SocketTable, littleEndian: boolean): ParsedTable {
  if (table.transport === 'sctp') return parseSctpEndpoints(bytes);
  const sockets: Socket[] = [];
  const state = { at: 0 };
  let malformed = 0;
  const headerEnd = bytes.indexOf(NEWLINE);
  if (headerEnd < 0) return { sockets, malformed: 0, truncated: true, end: bytes.length };
  if (bytes.indexOf('local_address') < 0 || bytes.indexOf('local_address') > headerEnd) malformed++;
  const wanted = table.transport === 'tcp' ? LISTEN : CLOSE;
  const addressLength = table.family === 'ipv4' ? 8 : 32;
  let start = headerEnd + 1;
  while (start < bytes.length) {
    const end = bytes.indexOf(NEWLINE, start);
    if (end < 0) return { sockets, malformed, truncated: true, end: bytes.length };
    state.at = start;
    const row = parseRow(bytes, state, end, addressLength, wanted, table, littleEndian);
    if (row === 'malformed') malformed++;
    else if (row !== 'other') sockets.push(row);
    else if (table.transport === 'tcp') break;
    start = end + 1;
  }
  return { sockets, malformed, truncated: false, end: start };
}

/** `  12: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000  0 23456 1 …` */
function parseRow(
  bytes: Buffer,
  cursor: { at: number },
  end: number,
  addressLength: number,
  wanted: number,
  table: SocketTable,
  littleEndian: boolean,
): Socket | 'other' | 'malformed' {
  skipToken(bytes, cursor, end); // number of the row
  const address = skipBlanks(bytes, cursor, end);
  const colon = address + addressLength;
  if (colon + 5 >= end || bytes[colon] !== COLON || !isHex(bytes, address, colon)) return 'malformed';
  const port = hexNumber(bytes, colon + 1, colon + 5);
  cursor.at = colon + 5;
  if (port < 0 || bytes[cursor.at] !== SPACE) return 'malformed';
  const remote = skipBlanks(bytes, cursor, end);
  const remoteEnd = remote + addressLength + 5;
  cursor.at = remoteEnd;
  if (remoteEnd >= end || bytes[remote + addressLength] !== COLON) return 'malformed';
  const stateAt = skipBlanks(bytes, cursor, end);
  if (stateAt + 2 >= end || bytes[stateAt + 2] !== SPACE) return 'malformed';
  const state = hexNumber(bytes, stateAt, stateAt + 2);
  if (state < 0) return 'malformed';
  if (state !== wanted) return 'other';
  if (wanted === CLOSE && !isZero(bytes, remote, remoteEnd)) return 'other';
  cursor.at = stateAt + 2;
  skipToken(bytes, cursor, end); // tx_queue:rx_queue
  skipToken(bytes, cursor, end); // tr:tm->when
  skipToken(bytes, cursor, end); // retrnsmt
  const uid = decimal(bytes, cursor, end);
  decimal(bytes, cursor, end); // timeout
  const inode = decimal(bytes, cursor, end);
  if (uid < 0 || inode < 0) return 'malformed';
  return {
    transport: table.transport,
    family: table.family,
    address: addressOf(bytes, address, colon, littleEndian),
    port,
    uid,
    inode,
  };
}

/**
 * /proc/net/sctp/eps: ` ENDPT SOCK STY SST HBKT LPORT UID INODE LADDRS`, SST 10 = listening (sctp_seq_... in
 * net/sctp/proc.c). An endpoint bound to several addresses gives a socket per address.
 */
function parseSctpEndpoints(bytes: Buffer): ParsedTable {
  const sockets: Socket[] = [];
  let malformed = 0;
  const lines = bytes.toString('latin1').split('\n');
  const truncated = lines.pop() !== '';
  if (!truncated && !/\bLPORT\b.*\bINODE\b/.test(lines[0] ?? '')) malformed++;
  for (const line of lines.slice(1)) {
    const [, , , state, , port, uid, inode, ...addresses] = line.trim().split(/\s+/);
    const numbers = [state, port, uid, inode].map((text) => (/^\d{1,15}$/.test(text ?? '') ? Number(text) : -1));
    const [s, p, u, i] = numbers as [number, number, number, number];
    if (numbers.includes(-1) || p > 65535) {
      malformed++;
      continue;
    }
    if (s !== LISTEN) continue;
    for (const written of addresses) {
      const out = sctpAddress(written);
      if (out === undefined) malformed++;
      else
        sockets.push({
          transport: 'sctp',
          family: out.length === 4 ? 'ipv4' : 'ipv6',
          address: addressTextOfBytes(out),
          port: p,
          uid: u,
          inode: i,
        });
    }
  }
  return { sockets, malformed, truncated, end: bytes.length };
}

/** `%pI4` (dotted) or `%pI6` (eight groups of four digits, never compressed), as bytes. */
function sctpAddress(text: string): Uint8Array | undefined {
  const dotted = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (dotted) {
    const parts = dotted.slice(1).map(Number);
    return parts.every((n) => n <= 255) ? Uint8Array.from(parts) : undefined;
  }
  return /^[0-9a-f]{4}(:[0-9a-f]{4}){7}$/i.test(text) ? Buffer.from(text.replaceAll(':', ''), 'hex') : undefined;
}

/**
 * Says whether a table still begins with what was parsed before (`earlier`, up to its `end`) and nothing that listens
 * follows, so that the sockets are the same.
 */
export function isSameTable(bytes: Buffer, earlier: Buffer, table: SocketTable): boolean {
  if (bytes.length < earlier.length || !bytes.subarray(0, earlier.length).equals(earlier)) return false;
  if (bytes.length === earlier.length) return true;
  const end = bytes.indexOf(NEWLINE, earlier.length);
  if (table.transport !== 'tcp' || end < 0) return false;
  const cursor = { at: earlier.length };
  return parseRow(bytes, cursor, end, table.family === 'ipv4' ? 8 : 32, LISTEN, table, true) === 'other';
}

/** Says whether a TCP table read so far already shows a row that does not listen: none that listens follows it. */
export function isTableDone(bytes: Buffer, table: SocketTable): boolean {
  if (table.transport !== 'tcp' || bytes.length < 2) return false;
  const end = bytes.lastIndexOf(NEWLINE);
  const start = bytes.lastIndexOf(NEWLINE, end - 1) + 1;
  if (start === 0 || end < start) return false;
  const cursor = { at: start };
  return parseRow(bytes, cursor, end, table.family === 'ipv4' ? 8 : 32, LISTEN, table, true) === 'other';
}

function skipBlanks(bytes: Buffer, cursor: { at: number }, end: number): number {
  while (cursor.at < end && bytes[cursor.at] === SPACE) cursor.at++;
  return cursor.at;
}

function skipToken(bytes: Buffer, cursor: { at: number }, end: number): void {
  skipBlanks(bytes, cursor, end);
  while (cursor.at < end && bytes[cursor.at] !== SPACE) cursor.at++;
}

/** Reads the next token as a decimal number; -1 if it is none. */
function decimal(bytes: Buffer, cursor: { at: number }, end: number): number {
  const from = skipBlanks(bytes, cursor, end);
  let value = 0;
  while (cursor.at < end && bytes[cursor.at] !== SPACE) {
    const digit = HEX[bytes[cursor.at] as number] as number;
    if (digit > 9) return -1;
    value = value * 10 + digit;
    cursor.at++;
  }
  return cursor.at === from || value > Number.MAX_SAFE_INTEGER ? -1 : value;
}

function isHex(bytes: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (HEX[bytes[i] as number] === 255) return false;
  return true;
}

function hexNumber(bytes: Buffer, from: number, to: number): number {
  let value = 0;
  for (let i = from; i < to; i++) {
    const digit = HEX[bytes[i] as number] as number;
    if (digit > 15) return -1;
    value = value * 16 + digit;
  }
  return value;
}

/** Says whether an `address:port` consists of zeros: no peer. */
function isZero(bytes: Buffer, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (bytes[i] !== 0x30 && bytes[i] !== COLON) return false;
  return true;
}

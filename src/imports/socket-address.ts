import { type Address, formatAddress, parseAddress } from '../model/address.ts';
import type { AddressFamily } from '../model/listener.ts';

/** Local address of a socket. */
export interface SocketAddress {
  /** Canonical text, without zone. */
  readonly address: string;
  /** Family of the socket, not of the address: `::ffff:127.0.0.1` is of an IPv6 one. */
  readonly family: AddressFamily;
}

/**
 * Reads the local address of a socket: plain, in brackets, with a zone or device (`127.0.0.53%lo`, `[fe80::1]%eth0`), or
 * `*`. `family`: that of the socket where the tool says it; an IPv6 socket that is shown with an IPv4 address has it
 * mapped (net-tools and lsof print `127.0.0.1` for `::ffff:127.0.0.1`), and `*` needs it. Null where it is no address.
 */
export function readSocketAddress(text: string, family: AddressFamily | null): SocketAddress | null {
  if (text === '*' || text === '') return family === null ? null : { address: anyOf(family), family };
  const zone = text.indexOf('%');
  const noZone = zone < 0 ? text : text.slice(0, zone);
  const plain = noZone.startsWith('[') ? noZone.slice(1).replace(/\]$/, '') : noZone;
  const parsed = parseAddress(plain);
  if (!parsed) return null;
  if (parsed.family === 'ipv4' && family === 'ipv6') return { address: mapped(parsed), family };
  if (family !== null && parsed.family !== family) return null;
  return { address: formatAddress(parsed), family: parsed.family };
}

function anyOf(family: AddressFamily): string {
  return family === 'ipv4' ? '0.0.0.0' : '::';
}

/** RFC 4291, 2.5.5.2. `0.0.0.0` on an IPv6 socket would be `::`, which tools print as such. */
function mapped(address: Address): string {
  return `::ffff:${formatAddress(address)}`;
}

/** A port in decimal, 1 to 65535; null where it is none. */
export function readPort(text: string): number | null {
  if (!/^\d{1,5}$/.test(text)) return null;
  const port = Number(text);
  return port >= 1 && port <= 65535 ? port : null;
}

/** Splits `ADDRESS:PORT` (or another separator) at the last one; null where there is none. */
export function splitAtLast(text: string, separator: string): readonly [string, string] | null {
  const at = text.lastIndexOf(separator);
  return at < 0 ? null : [text.slice(0, at), text.slice(at + 1)];
}

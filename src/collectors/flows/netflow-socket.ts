import { createSocket, type Socket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import { UserError } from '../../model/errors.ts';

export interface NetflowSocketOptions {
  readonly address: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Says whether datagrams of an address are read; default: all are. */
  readonly isWanted?: (address: string) => boolean;
  /** A datagram: bytes[0, length), good until it returns. */
  readonly onDatagram: (bytes: Uint8Array, from: string) => void;
  readonly onError: (error: Error) => void;
}

/** An open socket that exporters send to. */
export interface NetflowSocket {
  readonly address: string;
  readonly port: number;
  /** Bytes of its buffer, as the kernel gave them. */
  readonly bufferBytes: number;
  /** Datagrams that were read; those of addresses that are not wanted. */
  readonly received: number;
  readonly unwanted: number;
  /** Datagrams that found no room in the buffer, by the kernel's count; null: it cannot be read. */
  drops(): number | null;
  close(): Promise<void>;
}

/** What is asked for; the kernel gives up to net.core.rmem_max. */
const BUFFER = 16_777_216;

/** Binds the socket. Throws UserError where that fails. It only ever receives. */
export async function openNetflowSocket(options: NetflowSocketOptions): Promise<NetflowSocket> {
  const { address } = options;
  const socket = createSocket({ type: isIPv6(address.split('%')[0] as string) ? 'udp6' : 'udp4', ipv6Only: false });
  await new Promise<void>((resolve, reject) => {
    socket.once('error', (error) => reject(bindError(error as NodeJS.ErrnoException, address, options.port)));
    socket.bind({ address, port: options.port, exclusive: true }, () => resolve());
  });
  socket.removeAllListeners('error');
  try {
    socket.setRecvBufferSize(BUFFER);
  } catch {
    // The default stays; its size is told.
  }
  return new OpenSocket(socket, options);
}

class OpenSocket implements NetflowSocket {
  readonly address: string;
  readonly port: number;
  readonly bufferBytes: number;
  received = 0;
  unwanted = 0;
  private readonly socket: Socket;
  private readonly isIpv6: boolean;

  constructor(socket: Socket, options: NetflowSocketOptions) {
    this.socket = socket;
    const bound = socket.address();
    this.address = bound.address;
    this.port = bound.port;
    this.isIpv6 = bound.family === 'IPv6';
    this.bufferBytes = socket.getRecvBufferSize();
    socket.on('error', options.onError);
    socket.on('message', (bytes, { address }) => {
      const from = plainAddress(address);
      if (options.isWanted && !options.isWanted(from)) {
        this.unwanted++;
        return;
      }
      this.received++;
      options.onDatagram(bytes, from);
    });
  }

  drops(): number | null {
    try {
      const table = readFileSync(this.isIpv6 ? '/proc/self/net/udp6' : '/proc/self/net/udp', 'latin1');
      return parseUdpDrops(table, this.port);
    } catch {
      return null;
    }
  }

  close(): Promise<void> {
    return new Promise((resolve) => this.socket.close(() => resolve()));
  }
}

/** Drops of the sockets that are bound to a port; null: there is none. The last column is the kernel's count. */
export function parseUdpDrops(table: string, port: number): number | null {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  let drops: number | null = null;
  for (const line of table.split('\n').slice(1)) {
    const columns = line.trim().split(/\s+/);
    if (columns[1]?.endsWith(wanted) !== true) continue;
    const count = columns.at(-1) ?? '';
    if (/^\d+$/.test(count)) drops = (drops ?? 0) + Number(count);
  }
  return drops;
}

/** Without the zone of a link-local address, and IPv4 as IPv4. */
function plainAddress(address: string): string {
  const zone = address.indexOf('%');
  const plain = zone < 0 ? address : address.slice(0, zone);
  return plain.startsWith('::ffff:') && plain.includes('.') ? plain.slice(7) : plain;
}

function bindError(error: NodeJS.ErrnoException, address: string, port: number): Error {
  const place = isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
  if (error.code === 'EADDRINUSE')
    return new UserError(`${place} is in use: another collector listens there`, {
      hint: 'End it, or choose another port with --netflow ADDRESS:PORT, and tell the exporters.',
      cause: error,
    });
  if (error.code === 'EACCES')
    return new UserError(`${place} may not be opened by this user`, {
      hint: 'Choose a port from 1024 on (2055 and 4739 are usual), or run this as root.',
      cause: error,
    });
  if (error.code === 'EADDRNOTAVAIL')
    return new UserError(`this machine has no address ${address}`, {
      hint: 'Name one of its own addresses, 0.0.0.0 or [::] for all of them.',
      cause: error,
    });
  return error;
}

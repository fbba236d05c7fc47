import type { Scope, Transport } from '../model/endpoint.ts';
import type { ProcessFacts } from '../model/listener.ts';
import { asObject, portOf, secondsToMs, textOf, wholeOf } from './json-fields.ts';
import { readSocketAddress, type SocketAddress } from './socket-address.ts';
import type { SocketRow } from './socket-listing.ts';

/** A row of listening_ports, joined with processes or not. */
export interface OsqueryRow extends SocketAddress {
  readonly transport: Transport;
  readonly port: number;
  /** Number of its network namespace (Linux); absent: not selected. */
  readonly namespace?: string;
  /** The query selects the process: rows of one socket are as many as its holders. */
  readonly hasPid: boolean;
  readonly process: ProcessFacts | null;
}

/** IANA protocol numbers, as the table has them; some joins turn them into names. */
const TRANSPORTS: Readonly<Record<string, Transport>> = {
  ...{ 6: 'tcp', 17: 'udp', 132: 'sctp', 136: 'udplite', tcp: 'tcp', udp: 'udp' },
};

export type OsqueryRead =
  | { readonly kind: 'row'; readonly row: OsqueryRow }
  | { readonly kind: 'other' }
  | { readonly kind: 'problem'; readonly message: string };

/**
 * Reads a row (specs/listening_ports.table). `other`: a row of another query, a unix socket, a protocol without ports.
 * Columns that a join with processes, users or hash adds are taken by their own names: name, path, uid, username,
 * start_time, sha256. Command lines are not taken: they may hold secrets.
 */
export function readOsqueryRow(value: unknown): OsqueryRead {
  const columns = asObject(value);
  if (!columns) return { kind: 'problem', message: 'this row is no object with columns' };
  if (!('port' in columns) || !('protocol' in columns)) return { kind: 'other' };
  if (columns.family === '1' || columns.family === 1) return { kind: 'other' };
  const protocol = textOf(columns.protocol)?.toLowerCase() ?? '';
  const transport = Object.hasOwn(TRANSPORTS, protocol) ? TRANSPORTS[protocol] : undefined;
  if (!transport)
    return /^\d+$/.test(protocol)
      ? { kind: 'other' }
      : { kind: 'problem', message: 'its protocol is no number of a protocol' };
  if (wholeOf(columns.port) === 0) return { kind: 'other' };
  const port = portOf(columns.port);
  if (port === undefined) return { kind: 'problem', message: 'its port is no number from 1 to 65535' };
  const address = readSocketAddress(textOf(columns.address) ?? '', null);
  if (!address) return { kind: 'problem', message: 'its address is no IP address' };
  const namespace = textOf(columns.net_namespace);
  return {
    kind: 'row',
    row: {
      ...{ transport, port, ...address },
      ...(namespace !== undefined && namespace !== '0' && { namespace }),
      hasPid: 'pid' in columns,
      process: processOf(columns),
    },
  };
}

function processOf(columns: Readonly<Record<string, unknown>>): ProcessFacts | null {
  const pid = wholeOf(columns.pid);
  if (pid === undefined || pid === 0) return null; // -1 and 0: not known
  const name = textOf(columns.process_name) ?? textOf(columns.name);
  const exe = textOf(columns.path);
  const uid = wholeOf(columns.uid);
  const user = textOf(columns.username);
  const startedAt = secondsToMs(columns.start_time);
  const sha256 = textOf(columns.sha256);
  return {
    pid,
    ...(name !== undefined && { name }),
    ...(exe !== undefined && { exe }),
    ...(uid !== undefined && { uid }),
    ...(user !== undefined && { user }),
    ...(startedAt !== undefined && { startedAt }),
    ...(sha256 !== undefined && /^[0-9a-f]{64}$/i.test(sha256) && { sha256: sha256.toLowerCase() }),
  };
}

export function rowOf({ transport, port, address, family, process }: OsqueryRow, scope: Scope): SocketRow {
  return { transport, port, address, family, scope, processes: process ? [process] : [] };
}

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { endianness } from 'node:os';
import type { Transport } from '../../model/endpoint.ts';
import { failureOf } from './files.ts';
import { isTableDone, parseSocketTable, SOCKET_TABLES, type Socket, type SocketTable } from './socket-tables.ts';

/** Largest table that is read: half a million UDP sockets. */
const MAX_TABLE_BYTES = 64 * 1024 * 1024;
const LITTLE_ENDIAN = endianness() === 'LE';

/** Shared by all tables, grown as needed; one text per row would cost several times as much. */
let buffer = Buffer.allocUnsafeSlow(256 * 1024);

/** A table of a namespace that was not read as a whole. */
export interface TableProblem {
  readonly file: string;
  readonly transport: Transport;
  readonly message: string;
}

export interface NamespaceTables {
  readonly sockets: readonly Socket[];
  readonly problems: readonly TableProblem[];
}

/**
 * Reads the tables of a namespace through the first of the given /proc/PID/net directories that lasts. Returns
 * `undefined` if none does: every process of the namespace ended meanwhile.
 */
export function readNamespaceTables(directories: Iterable<string>): NamespaceTables | undefined {
  for (const directory of directories) {
    const tables = readTables(directory);
    if (tables !== undefined) return tables;
  }
  return undefined;
}

function readTables(directory: string): NamespaceTables | undefined {
  const sockets: Socket[] = [];
  const problems: TableProblem[] = [];
  let isMissing = false;
  for (const table of SOCKET_TABLES) {
    const { file, transport } = table;
    const read = readTable(`${directory}/${file}`, table);
    if (read === 'missing') isMissing = true;
    else if (read === 'denied') problems.push({ file, transport, message: 'may not be read' });
    else if (read === 'other') problems.push({ file, transport, message: 'could not be read to its end' });
    else {
      const parsed = parseSocketTable(read.bytes, table, LITTLE_ENDIAN);
      for (const socket of parsed.sockets) sockets.push(socket);
      if (read.cut)
        problems.push({ file, transport, message: `is larger than ${MAX_TABLE_BYTES} bytes; the rest was not read` });
      else if (parsed.truncated) problems.push({ file, transport, message: 'ends in the middle of a line' });
      if (parsed.malformed > 0)
        problems.push({ file, transport, message: 'has lines that are not in the expected form' });
    }
  }
  // a protocol that the kernel lacks has no table; a process that ended has none at all
  if (isMissing && !exists(`${directory}/tcp`)) return undefined;
  return { sockets, problems };
}

/** Reads a table into the shared buffer; a TCP table only as far as sockets listen. */
function readTable(path: string, table: SocketTable): { bytes: Buffer; cut: boolean } | 'missing' | 'denied' | 'other' {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch (error) {
    return failureOf(error);
  }
  try {
    let length = 0;
    for (;;) {
      if (length === buffer.length) {
        if (length >= MAX_TABLE_BYTES) return { bytes: buffer.subarray(0, length), cut: true };
        const larger = Buffer.allocUnsafeSlow(length * 2);
        buffer.copy(larger, 0, 0, length);
        buffer = larger;
      }
      const read = readSync(fd, buffer, length, buffer.length - length, null);
      if (read === 0) break;
      length += read;
      if (isTableDone(buffer.subarray(0, length), table)) break;
    }
    return { bytes: buffer.subarray(0, length), cut: false };
  } catch (error) {
    return failureOf(error);
  } finally {
    closeSync(fd);
  }
}

function exists(path: string): boolean {
  try {
    statSync(path);
    return true;
  } catch {
    return false;
  }
}

import { closeSync, openSync, readSync, statSync } from 'node:fs';
import { endianness } from 'node:os';
import type { Transport } from '../../model/endpoint.ts';
import { failureOf, readOnce } from './files.ts';
import {
  isSameTable,
  isTableDone,
  type ParsedTable,
  parseSocketTable,
  parseSockstat,
  SOCKET_TABLES,
  type Socket,
  type SocketTable,
} from './socket-tables.ts';

/** Largest table that is read: half a million UDP sockets. */
const MAX_TABLE_BYTES = 64 * 1024 * 1024;
/**
 * The kernel fills a page (4 KB or more) with whole rows and gives less only at the end of a table (fs/seq_file.c). Rows
 * have less than 256 bytes, but for SCTP's, which list any number of addresses. Asking again at the end of a TCP table
 * would walk the machine's whole hash a second time.
 */
const SHORT_READ_BYTES = 4096 - 256;
const EMPTY: readonly Socket[] = [];
const NO_INODES: ReadonlySet<number> = new Set();
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
  /** One list per table; the very same list of lists as before where no table changed. */
  readonly tables: readonly (readonly Socket[])[];
  /** Of all sockets in the tables; the very same set as before where no table changed. */
  readonly inodes: ReadonlySet<number>;
  readonly problems: readonly TableProblem[];
}

export interface TableReader {
  /**
   * Reads the tables of a namespace through the first of the given /proc/PID/net directories that lasts. Returns
   * `undefined` if none does: every process of the namespace ended meanwhile.
   */
  readonly read: (namespaceId: string, directories: Iterable<string>) => NamespaceTables | undefined;
  /** Of all sockets that the namespace had when it was read last. */
  readonly inodesOf: (namespaceId: string) => ReadonlySet<number>;
  /** Forgets namespaces that are gone. */
  readonly keepOnly: (namespaceIds: { readonly has: (id: string) => boolean }) => void;
}

/** A table as it was read last. */
interface EarlierTable {
  readonly bytes: Buffer;
  readonly parsed: ParsedTable;
}

/** A namespace as it was read last. */
interface Earlier {
  readonly byFile: Map<string, EarlierTable>;
  result: Pick<NamespaceTables, 'tables' | 'inodes'>;
}

/**
 * A reader that parses a table again only when it changed: on a quiet machine a snapshot is a comparison of bytes. `wanted`:
 * the tables to read.
 */
export function createTableReader(wanted: readonly SocketTable[] = SOCKET_TABLES): TableReader {
  const earlier = new Map<string, Earlier>();
  return {
    read: (id, directories) => {
      const known: Earlier = earlier.get(id) ?? { byFile: new Map(), result: { tables: [], inodes: new Set() } };
      earlier.set(id, known);
      for (const directory of directories) {
        const read = readTables(directory, known.byFile, wanted);
        if (read === undefined) continue;
        if (!isSameList(read.tables, known.result.tables))
          known.result = { tables: read.tables, inodes: inodesOf(read.tables) };
        return { ...known.result, problems: read.problems };
      }
      return undefined;
    },
    inodesOf: (id) => earlier.get(id)?.result.inodes ?? NO_INODES,
    keepOnly: (ids) => {
      for (const id of earlier.keys()) if (!ids.has(id)) earlier.delete(id);
    },
  };
}

function isSameList<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, i) => item === b[i]);
}

function inodesOf(tables: NamespaceTables['tables']): Set<number> {
  const inodes = new Set<number>();
  for (const sockets of tables) for (const { inode } of sockets) if (inode > 0) inodes.add(inode);
  return inodes;
}

function readTables(
  directory: string,
  known: Map<string, EarlierTable>,
  wanted: readonly SocketTable[],
): Pick<NamespaceTables, 'tables' | 'problems'> | undefined {
  const tables: (readonly Socket[])[] = [];
  const problems: TableProblem[] = [];
  let isMissing = false;
  const counts = readCounts(directory);
  for (const table of wanted) {
    const { file, transport } = table;
    // The kernel walks the whole machine's hash (1.5 ms for TCP) to print an empty table. Its counter is a sum over
    // processors and may be off for an instant, so a table that had sockets before is read all the same.
    if (counts.get(table.counter ?? '') === 0 && !known.get(file)?.parsed.sockets.length) {
      tables.push(EMPTY);
      continue;
    }
    const read = readTable(`${directory}/${file}`, table);
    if (read === 'missing') isMissing = true;
    else if (read === 'denied') problems.push({ file, transport, message: 'may not be read' });
    else if (read === 'other') problems.push({ file, transport, message: 'could not be read to its end' });
    else {
      const parsed = parse(read.bytes, table, known);
      tables.push(parsed.sockets);
      if (read.cut)
        problems.push({ file, transport, message: `is larger than ${MAX_TABLE_BYTES} bytes; the rest was not read` });
      else if (parsed.truncated) problems.push({ file, transport, message: 'ends in the middle of a line' });
      if (parsed.malformed > 0)
        problems.push({ file, transport, message: 'has lines that are not in the expected form' });
    }
  }
  // a protocol that the kernel lacks has no table; a process that ended has none at all
  if (isMissing && !exists(`${directory}/tcp`)) return undefined;
  return { tables, problems };
}

function readCounts(directory: string): Map<string, number> {
  const texts = ['sockstat', 'sockstat6'].map((file) => readOnce(`${directory}/${file}`)?.toString('latin1') ?? '');
  return parseSockstat(texts.join('\n'));
}

function parse(bytes: Buffer, table: SocketTable, known: Map<string, EarlierTable>): ParsedTable {
  const before = known.get(table.file);
  if (before !== undefined && isSameTable(bytes, before.bytes, table)) return before.parsed;
  const parsed = parseSocketTable(bytes, table, LITTLE_ENDIAN);
  known.set(table.file, { bytes: Buffer.from(bytes.subarray(0, parsed.end)), parsed });
  return parsed;
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
      const room = buffer.length - length;
      const read = readSync(fd, buffer, length, room, null);
      length += read;
      if (read === 0 || (read < Math.min(SHORT_READ_BYTES, room) && table.transport !== 'sctp')) break;
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

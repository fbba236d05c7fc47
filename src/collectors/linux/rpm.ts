import { copyFileSync, fstatSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { PackageFacts } from '../../model/listener.ts';
import { openInside } from './files.ts';
import type { PackageDatabase, PackageProblem } from './packages.ts';

const MAX_DATABASE_BYTES = 512 * 1024 * 1024;
const DIRECTORIES = ['usr/lib/sysimage/rpm', 'var/lib/rpm'];

/** Tags of an RPM header (rpm.org, "RPM Tags"). */
const NAME = 1000;
const VERSION = 1001;
const RELEASE = 1002;
const EPOCH = 1003;
const OLD_FILENAMES = 1027;
const SOURCE_RPM = 1044;
const DIR_INDEXES = 1116;
const BASENAMES = 1117;
const DIR_NAMES = 1118;

const INT32 = 4;
const STRING = 6;
const STRING_ARRAY = 8;
const MAX_ENTRIES = 65_536;
const MAX_VALUES = 1_000_000;

/**
 * Name, version (`[epoch:]version-release`) and files of a package from a header as the database stores it: entry count
 * and data size (big-endian 32-bit), entries of 16 bytes (tag, type, offset, count), data (rpm.org, "RPM V4 Package
 * format"; the database leaves out the magic). `undefined` if it is no such header; never throws.
 */
export function parseRpmHeader(
  bytes: Uint8Array,
): { readonly facts: PackageFacts; readonly files: string[] } | undefined {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (view.length < 8) return undefined;
  const entries = view.readUInt32BE(0);
  const dataAt = 8 + entries * 16;
  if (entries > MAX_ENTRIES || dataAt > view.length) return undefined;
  const dataEnd = Math.min(view.length, dataAt + view.readUInt32BE(4));
  const texts = new Map<number, string[]>();
  const numbers = new Map<number, number[]>();
  for (let i = 0; i < entries; i++) {
    const at = 8 + i * 16;
    const tag = view.readUInt32BE(at);
    const type = view.readUInt32BE(at + 4);
    let from = dataAt + view.readUInt32BE(at + 8);
    const count = view.readUInt32BE(at + 12);
    if (from > dataEnd || count > MAX_VALUES) return undefined;
    if ([NAME, VERSION, RELEASE].includes(tag) && type !== STRING) return undefined;
    if (type === STRING || ([BASENAMES, DIR_NAMES, OLD_FILENAMES].includes(tag) && type === STRING_ARRAY)) {
      const list: string[] = [];
      for (let n = 0; n < (type === STRING ? 1 : count) && from < dataEnd; n++) {
        const end = view.indexOf(0, from);
        if (end < 0 || end > dataEnd) return undefined;
        list.push(view.toString('utf8', from, end));
        from = end + 1;
      }
      texts.set(tag, list);
    } else if ((tag === EPOCH || tag === DIR_INDEXES) && type === INT32) {
      const list: number[] = [];
      for (let n = 0; n < count && from + 4 <= dataEnd; n++, from += 4) list.push(view.readUInt32BE(from));
      numbers.set(tag, list);
    }
  }
  const [name, version, release] = [NAME, VERSION, RELEASE].map((tag) => texts.get(tag)?.[0]);
  if (!name || !version || !release) return undefined;
  const epoch = numbers.get(EPOCH)?.[0] ?? 0;
  const directories = texts.get(DIR_NAMES) ?? [];
  const indexes = numbers.get(DIR_INDEXES) ?? [];
  const files = (texts.get(BASENAMES) ?? []).map((base, i) => `${directories[indexes[i] ?? -1] ?? ''}${base}`);
  return {
    facts: {
      manager: 'rpm',
      name,
      version: `${epoch > 0 ? `${epoch}:` : ''}${version}-${release}`,
      ...sourceOf(name, `${version}-${release}`, texts.get(SOURCE_RPM)?.[0]),
    },
    files: files.length > 0 ? files : (texts.get(OLD_FILENAMES) ?? []),
  };
}

/**
 * Source package from the name of its file, `openssl-3.0.7-24.el9.src.rpm`. The name carries no epoch: the version is
 * given only where it is another than the package's, whose epoch it shares.
 */
function sourceOf(name: string, version: string, file = ''): Pick<PackageFacts, 'source' | 'sourceVersion'> {
  const [, source, sourceVersion] = /^(.+)-([^-]+-[^-]+)\.(?:no)?src\.rpm$/.exec(file) ?? [];
  return {
    ...(source !== undefined && source !== name && { source }),
    ...(sourceVersion !== undefined && sourceVersion !== version && { sourceVersion }),
  };
}

/**
 * rpm's database below `root` (rpm 4.16 and later: SQLite), or why it cannot be read: the older Berkeley DB and the ndb
 * format are not understood. The file of a container is copied first: SQLite resolves links by itself, and a container
 * could lead it out of its root.
 */
export function openRpm(root: string, trusted: boolean): PackageDatabase | PackageProblem | undefined {
  for (const directory of DIRECTORIES) {
    for (const name of ['Packages.db', 'Packages']) {
      const old = openInside(root, `${directory}/${name}`);
      const sqlite = old && openInside(root, `${directory}/rpmdb.sqlite`);
      old?.close();
      sqlite?.close();
      if (old && !sqlite)
        return {
          path: `/${directory}/${name}`,
          message: `is in the ${name === 'Packages' ? 'Berkeley DB' : 'ndb'} format, which is not read`,
        };
    }
    const file = openInside(root, `${directory}/rpmdb.sqlite`);
    if (file === undefined) continue;
    const path = `/${directory}/rpmdb.sqlite`;
    const log = openInside(root, `${directory}/rpmdb.sqlite-wal`);
    try {
      if (!fstatSync(file.fd).isFile()) return { path, message: 'is no regular file' };
      if (file.size > MAX_DATABASE_BYTES) return { path, message: `is larger than ${MAX_DATABASE_BYTES} bytes` };
      if (log !== undefined && log.size > 0)
        return { path, message: 'has changes in its write-ahead log that are not read' };
      return { ownerOf: createLookup(trusted ? join(root, path) : undefined, file.path), release: () => {} };
    } catch (error) {
      return { path, message: `cannot be opened (${(error as Error).message})` };
    } finally {
      file.close();
      log?.close();
    }
  }
  return undefined;
}

/** Looks files up by the database's own index of base names, so that one header is read and not all. */
function createLookup(direct: string | undefined, descriptorPath: string): PackageDatabase['ownerOf'] {
  let copy: string | undefined;
  if (direct === undefined) {
    copy = mkdtempSync(join(tmpdir(), 'quietdoor-rpm-'));
    copyFileSync(descriptorPath, join(copy, 'rpmdb.sqlite'));
  }
  const known = new Map<string, PackageFacts | undefined>();
  let database: DatabaseSync;
  try {
    database = open(direct ?? join(copy as string, 'rpmdb.sqlite'));
    database.prepare('SELECT 1 FROM Basenames, Packages LIMIT 1').get();
  } finally {
    // the file stays open without its name
    if (copy !== undefined) rmSync(copy, { recursive: true, force: true });
  }
  return (paths) => {
    for (const path of paths) {
      if (!known.has(path)) known.set(path, lookUp(database, path));
      const facts = known.get(path);
      if (facts) return facts;
    }
    return undefined;
  };
}

function open(path: string): DatabaseSync {
  // loaded here: most machines have no rpm database, and node:sqlite takes a few milliseconds
  const { DatabaseSync: Sqlite } = process.getBuiltinModule('node:sqlite');
  const url = new URL(`file://${path.split('/').map(encodeURIComponent).join('/')}?immutable=1`);
  return new Sqlite(url, { readOnly: true });
}

function lookUp(database: DatabaseSync, path: string): PackageFacts | undefined {
  try {
    const rows = database
      .prepare(
        'SELECT DISTINCT p.blob AS blob FROM Basenames b JOIN Packages p ON p.hnum = b.hnum WHERE b.key = ? AND length(p.blob) < 67108864 LIMIT 1000',
      )
      .iterate(path.slice(path.lastIndexOf('/') + 1));
    for (const { blob } of rows) {
      const header = blob instanceof Uint8Array ? parseRpmHeader(blob) : undefined;
      if (header?.files.includes(path)) return header.facts;
    }
  } catch {
    // a database that is damaged, or has other tables: the owner stays unknown
  }
  return undefined;
}

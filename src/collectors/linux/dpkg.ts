import type { PackageFacts } from '../../model/listener.ts';
import { appendBeside, type GrowingBuffer, listDirectory, type OpenFile, openInside, readInside } from './files.ts';
import type { PackageDatabase, PackageProblem } from './packages.ts';

const MAX_STATUS_BYTES = 64 * 1024 * 1024;
const MAX_LIST_BYTES = 32 * 1024 * 1024;
const MAX_ALL_LISTS_BYTES = 256 * 1024 * 1024;
const MAX_LISTS = 50_000;
/** Lists of a Debian server with 700 packages take 7 MB. */
const FIRST_LISTS_BYTES = 8 * 1024 * 1024;
const NEWLINE = 0x0a;

/** What the status file says of one installed package. */
export interface InstalledPackage {
  readonly version: string;
  readonly architecture: string | undefined;
  /** Its text, for the fields that are seldom asked for: to find that one is missing, all of it is searched. */
  readonly stanza: string;
}

/**
 * Installed packages from the text of a dpkg status file (deb-control(5) stanzas), by `name` and by `name:architecture`.
 * Packages whose files are not on disk (`deinstall … config-files`) are left out; a stanza without Status (status.d of
 * distroless images) counts as installed.
 */
export function parseDpkgStatus(text: string): Map<string, InstalledPackage> {
  const packages = new Map<string, InstalledPackage>();
  for (const stanza of text.split('\n\n')) {
    const name = field(stanza, 'Package');
    const version = field(stanza, 'Version');
    const status = field(stanza, 'Status');
    if (name === undefined || version === undefined) continue;
    if (
      status !== undefined &&
      !/ (?:installed|unpacked|half-configured|triggers-awaited|triggers-pending)$/.test(status)
    )
      continue;
    const architecture = field(stanza, 'Architecture');
    const installed = { version, architecture, stanza };
    packages.set(name, installed);
    if (architecture !== undefined) packages.set(`${name}:${architecture}`, installed);
  }
  return packages;
}

/** Value of a one-line field. Searched as text: a regular expression per field takes ten times as long. */
export function field(stanza: string, name: string): string | undefined {
  let at = stanza.startsWith(`${name}:`) ? 0 : stanza.indexOf(`\n${name}:`) + 1;
  if (at === 0 && !stanza.startsWith(`${name}:`)) return undefined;
  at += name.length + 1;
  const end = stanza.indexOf('\n', at);
  return stanza.slice(at, end < 0 ? undefined : end).trim() || undefined;
}

/** Diverted files (dpkg-divert(1)): where they lie now, where they would lie, which package took the place. */
export function parseDiversions(text: string): Map<string, { readonly from: string; readonly by: string }> {
  const diversions = new Map<string, { from: string; by: string }>();
  const lines = text.split('\n');
  for (let i = 0; i + 2 < lines.length; i += 3)
    diversions.set(lines[i + 1] as string, { from: lines[i] as string, by: lines[i + 2] as string });
  return diversions;
}

/** Every file list in one buffer: `\n` PATH `\n` PATH … per package, searched as bytes (3-4 ms per file). */
interface FileLists {
  readonly bytes: Buffer;
  /** Start of each package's part, ascending, and its name (`name` or `name:architecture`). */
  readonly starts: readonly number[];
  readonly names: readonly string[];
}

/** dpkg's database below `root`, or `undefined` if there is none. */
export function openDpkg(root: string): PackageDatabase | PackageProblem | undefined {
  const statusDirectory = openInside(root, 'var/lib/dpkg/status.d');
  const status = readInside(root, 'var/lib/dpkg/status', MAX_STATUS_BYTES)?.toString('utf8');
  let distroless = '';
  if (statusDirectory !== undefined) {
    for (const name of (listDirectory(statusDirectory.path) ?? []).slice(0, MAX_LISTS))
      if (!name.endsWith('.md5sums')) distroless += `${readEntry(statusDirectory, name)}\n\n`;
    statusDirectory.close();
  }
  if (status === undefined && distroless === '') {
    const present = openInside(root, 'var/lib/dpkg/status');
    present?.close();
    return (
      present && { path: '/var/lib/dpkg/status', message: `is no readable file of at most ${MAX_STATUS_BYTES} bytes` }
    );
  }
  const installed = parseDpkgStatus(`${status ?? ''}\n\n${distroless}`);
  const diversions = parseDiversions(readInside(root, 'var/lib/dpkg/diversions', 1024 * 1024)?.toString('utf8') ?? '');
  let lists: FileLists | undefined;
  return {
    ownerOf: (paths) => {
      lists ??= readLists(root);
      for (const path of paths) {
        const diversion = diversions.get(path);
        const owners = packagesListing(lists, diversion?.from ?? path);
        const name = diversion
          ? [...owners].find((owner) => owner !== diversion.by)
          : (diverter(diversions, path) ?? owners.next().value);
        const facts = name === undefined ? undefined : describe(name, installed);
        if (facts) return facts;
      }
      return undefined;
    },
    release: () => {
      // frees the memory at once: the next full garbage collection may be far
      (lists?.bytes.buffer as ArrayBuffer | undefined)?.transfer(0);
      lists = undefined;
    },
  };
}

/** One small file of a directory as text. */
function readEntry(directory: OpenFile, name: string): string {
  const entry: GrowingBuffer = { bytes: Buffer.alloc(0), length: 0 };
  appendBeside(directory, name, MAX_LIST_BYTES, entry);
  return entry.bytes.toString('utf8', 0, entry.length);
}

/** The package whose file took the place of a diverted one. */
function diverter(diversions: ReadonlyMap<string, { from: string; by: string }>, path: string): string | undefined {
  for (const { from, by } of diversions.values()) if (from === path && by !== ':') return by;
  return undefined;
}

function describe(owner: string, packages: ReadonlyMap<string, InstalledPackage>): PackageFacts | undefined {
  const name = owner.split(':')[0] as string;
  const installed = packages.get(owner) ?? packages.get(name);
  if (installed === undefined) return undefined;
  const { version } = installed;
  return { manager: 'dpkg', name, version, ...sourceOf(name, version, field(installed.stanza, 'Source')) };
}

/** Source package and version, where they are not the package's own: `Source: openssl (3.0.11-1)` (deb-control(5)). */
export function sourceOf(
  name: string,
  version: string,
  source: string | undefined,
): Pick<PackageFacts, 'source' | 'sourceVersion'> {
  const [, sourceName, sourceVersion] = /^(\S+)(?: +\(([^)]+)\))?$/.exec(source ?? '') ?? [];
  return {
    ...(sourceName !== undefined && sourceName !== name && { source: sourceName }),
    ...(sourceVersion !== undefined && sourceVersion !== version && { sourceVersion }),
  };
}

function readLists(root: string): FileLists {
  const all: GrowingBuffer = { bytes: Buffer.allocUnsafeSlow(FIRST_LISTS_BYTES), length: 0 };
  const starts: number[] = [];
  const names: string[] = [];
  const separate = () => {
    if (all.length === all.bytes.length) all.bytes = Buffer.concat([all.bytes], all.length * 2 + 1);
    all.bytes[all.length++] = NEWLINE;
  };
  const begin = (name: string) => {
    starts.push(all.length);
    names.push(name);
    separate();
  };
  const isFull = () => all.length > MAX_ALL_LISTS_BYTES || names.length >= MAX_LISTS;
  const info = openInside(root, 'var/lib/dpkg/info');
  for (const file of info === undefined ? [] : (listDirectory(info.path) ?? []).sort()) {
    if (!file.endsWith('.list') || isFull()) continue;
    begin(file.slice(0, -5));
    appendBeside(info as OpenFile, file, MAX_LIST_BYTES, all);
    separate();
  }
  info?.close();
  const distroless = openInside(root, 'var/lib/dpkg/status.d');
  for (const file of distroless === undefined ? [] : (listDirectory(distroless.path) ?? []).sort()) {
    if (!file.endsWith('.md5sums') || isFull()) continue;
    const paths = Buffer.from(readEntry(distroless as OpenFile, file).replace(/^[0-9a-f]{32} +(?:\.?\/)?/gm, '/'));
    // the file's name is not always the package's
    begin(field(readEntry(distroless as OpenFile, file.slice(0, -8)), 'Package') ?? file.slice(0, -8));
    all.bytes = Buffer.concat([all.bytes.subarray(0, all.length), paths, Buffer.alloc(1024)]);
    all.length += paths.length;
    separate();
  }
  distroless?.close();
  return { bytes: all.bytes.subarray(0, all.length), starts, names };
}

/** Names of the packages that list a path, searched for as they are asked for. */
function* packagesListing(lists: FileLists, path: string): Generator<string, undefined> {
  if (path.includes('\n')) return;
  const needle = Buffer.from(`\n${path}\n`);
  for (let at = lists.bytes.indexOf(needle); at >= 0; at = lists.bytes.indexOf(needle, at + 1)) {
    let low = 0;
    let high = lists.starts.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((lists.starts[middle] as number) <= at) low = middle;
      else high = middle - 1;
    }
    yield lists.names[low] as string;
  }
}

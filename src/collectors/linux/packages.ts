import type { PackageFacts } from '../../model/listener.ts';
import { openApk } from './apk.ts';
import { openDpkg } from './dpkg.ts';
import { ecosystemOf, readOsRelease } from './ecosystem.ts';
import { identityInside } from './files.ts';
import { openRpm } from './rpm.ts';

/** A package manager's own record of which package owns which file. */
export interface PackageDatabase {
  /** The package that owns one of the paths (spellings of one file), or `undefined`. */
  readonly ownerOf: (paths: readonly string[]) => PackageFacts | undefined;
  /** Gives memory back that is only needed while many files are asked for. */
  readonly release: () => void;
}

/** A database that is there and cannot be read. */
export interface PackageProblem {
  /** Path inside the root. */
  readonly path: string;
  readonly message: string;
}

/** Databases found below a root directory. Never a child process: `dpkg -S` takes 56 ms, and a container has no shell. */
export interface OpenedPackages {
  readonly databases: readonly PackageDatabase[];
  readonly problems: readonly PackageProblem[];
}

/** Directories that are links into /usr on merged-usr systems (file-hierarchy(7)). */
const MERGED = /^\/(?:bin|sbin|lib|lib32|lib64|libx32)\//;

/**
 * Spellings under which a package may list a file: databases of merged-usr systems still name `/bin/x` for what runs as
 * `/usr/bin/x`, and the other way round.
 */
export function packagedPaths(path: string): string[] {
  if (MERGED.test(path)) return [path, `/usr${path}`];
  const unmerged = path.startsWith('/usr/') ? path.slice(4) : '';
  return MERGED.test(unmerged) ? [path, unmerged] : [path];
}

/** Opens every known database below `root`. `trusted`: the root is the machine's own, not a container's. */
export function openPackages(root: string, trusted: boolean): OpenedPackages {
  const databases: PackageDatabase[] = [];
  const problems: PackageProblem[] = [];
  const release = readOsRelease(root);
  for (const open of [openDpkg, openRpm, openApk]) {
    const opened = open(root, trusted);
    if (opened === undefined) continue;
    if ('message' in opened) problems.push(opened);
    else databases.push(withEcosystem(opened, release));
  }
  return { databases, problems };
}

/** Says of each package which distribution it comes from. */
function withEcosystem(database: PackageDatabase, release: string): PackageDatabase {
  return {
    ownerOf: (paths) => {
      const owner = database.ownerOf(paths);
      const ecosystem = owner && ecosystemOf(owner.manager, release);
      return owner && ecosystem !== undefined ? { ...owner, ecosystem } : owner;
    },
    release: database.release,
  };
}

/** What tells one state of the databases below a root from another: changes with every installation and upgrade. */
export function packagesIdentity(root: string): string {
  return [
    'var/lib/dpkg/status',
    'var/lib/dpkg/status.d',
    'var/lib/rpm',
    'usr/lib/sysimage/rpm',
    'lib/apk/db/installed',
    'usr/lib/apk/db/installed',
  ]
    .map((path) => identityInside(root, path) ?? '')
    .join('|');
}

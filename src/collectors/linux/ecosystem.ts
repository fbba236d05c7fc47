import type { PackageFacts } from '../../model/listener.ts';
import { readTextInside } from './files.ts';
import { parseOsRelease } from './host-facts.ts';

/** Text of the os-release(5) of a root, empty where there is none. */
export function readOsRelease(root: string): string {
  for (const path of ['etc/os-release', 'usr/lib/os-release']) {
    const text = readTextInside(root, path, 64 * 1024);
    if (text !== undefined) return text;
  }
  return '';
}

/** Makes the name of a distribution's release from VERSION_ID; `undefined` where that is none. */
type Naming = (version: string) => string | undefined;

const major =
  (name: string): Naming =>
  (version) => {
    const number = /^\d+/.exec(version)?.[0];
    return number && `${name}:${number}`;
  };

/** By manager and os-release ID: names of releases as the OSV schema defines them (ossf.github.io/osv-schema). */
const ECOSYSTEMS: Readonly<Record<PackageFacts['manager'], Readonly<Record<string, Naming>>>> = {
  dpkg: {
    debian: major('Debian'),
    // Every April of an even year is a release with long-term support.
    ubuntu: (version) => {
      const [, year, month] = /^(\d\d)\.(\d\d)$/.exec(version) ?? [];
      if (year === undefined) return undefined;
      return `Ubuntu:${version}${month === '04' && Number(year) % 2 === 0 ? ':LTS' : ''}`;
    },
  },
  rpm: {
    almalinux: major('AlmaLinux'),
    rocky: major('Rocky Linux'),
    // The product's repositories follow after `::`; which of them a package is from, the host does not say.
    rhel: major('Red Hat:enterprise_linux'),
    mageia: major('Mageia'),
    'opensuse-leap': (version) => (version === '' ? undefined : `openSUSE:Leap ${version}`),
    'opensuse-tumbleweed': () => 'openSUSE:Tumbleweed',
    sles: (version) => {
      const [, release, pack] = /^(\d+)(?:\.(\d+))?$/.exec(version) ?? [];
      return release && `SUSE:Linux Enterprise Server ${release}${pack ? ` SP${pack}` : ''}`;
    },
  },
  apk: {
    alpine: (version) => {
      const release = /^(\d+\.\d+)\.\d+$/.exec(version)?.[1];
      return release && `Alpine:v${release}`;
    },
    wolfi: () => 'Wolfi',
    chainguard: () => 'Chainguard',
  },
};

/**
 * OSV ecosystem of packages below a root with this os-release: `Debian:12`. `undefined` where OSV names none, or where
 * the release says nothing of itself (Debian testing, Alpine edge).
 */
export function ecosystemOf(manager: PackageFacts['manager'], osRelease: string): string | undefined {
  const id = parseOsRelease(osRelease, 'ID') ?? '';
  const naming = Object.hasOwn(ECOSYSTEMS[manager], id) ? ECOSYSTEMS[manager][id] : undefined;
  return naming?.(parseOsRelease(osRelease, 'VERSION_ID') ?? '');
}

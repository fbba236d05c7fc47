import type { PackageFacts } from '../../model/listener.ts';
import { readInside } from './files.ts';
import type { PackageDatabase } from './packages.ts';

const MAX_BYTES = 64 * 1024 * 1024;
const PATHS = ['lib/apk/db/installed', 'usr/lib/apk/db/installed'];

/**
 * Owners of files by absolute path, from the text of apk's installed database (apk-tools, doc/apk-v2.5: P: name,
 * V: version, o: origin, F: directory, R: file in it; a blank line ends a package).
 */
export function parseApkInstalled(text: string): Map<string, PackageFacts> {
  const owners = new Map<string, PackageFacts>();
  let name = '';
  let version = '';
  let origin = '';
  let directory = '';
  let facts: PackageFacts | undefined;
  for (const line of text.split('\n')) {
    const value = line.slice(2);
    if (line === '') {
      name = version = origin = directory = '';
      facts = undefined;
    } else if (line.startsWith('P:')) name = value;
    else if (line.startsWith('V:')) version = value;
    else if (line.startsWith('o:')) origin = value;
    else if (line.startsWith('F:')) directory = value;
    else if (line.startsWith('R:') && name !== '' && version !== '') {
      facts ??= { manager: 'apk', name, version, ...(origin !== '' && origin !== name && { source: origin }) };
      owners.set(directory === '' ? `/${value}` : `/${directory}/${value}`, facts);
    }
  }
  return owners;
}

/** apk's database below `root`, or `undefined` if there is none. */
export function openApk(root: string): PackageDatabase | undefined {
  for (const path of PATHS) {
    const bytes = readInside(root, path, MAX_BYTES);
    if (bytes === undefined) continue;
    let owners: Map<string, PackageFacts> | undefined;
    return {
      ownerOf: (paths) => {
        owners ??= parseApkInstalled(bytes.toString('utf8'));
        for (const candidate of paths) {
          const owner = owners.get(candidate);
          if (owner) return owner;
        }
        return undefined;
      },
      release: () => {},
    };
  }
  return undefined;
}

import type { PackageFacts } from '../../model/listener.ts';
import { readTextInside } from './files.ts';
import { createBudget, namesInside, type Offer, type OfferData, stateInside, unpack } from './package-offers.ts';
import { wantedRecords } from './record-scan.ts';

/** `etc/apk/cache` is a link to wherever the administrator put the cache. */
const CACHES = ['etc/apk/cache', 'var/cache/apk'];
const REPOSITORIES = 'etc/apk/repositories';
const MAX_INDEXES = 100;
const PACKAGES = { nameStart: '\nP:', nameEnd: '\n', separator: '\n\n' };

/**
 * What `apk update` has cached below a root: the text of the indexes APKINDEX.*.tar.gz (apk-tools, doc/apk-v2.5). A
 * repository with a tag gives a package only where somebody asked for the tag, and an index does not say which it is, so
 * where there is one nothing is said.
 */
export function openApkIndex(root: string): OfferData | undefined {
  for (const cache of CACHES) {
    const names = namesInside(root, cache).filter((name) => /^APKINDEX\.[0-9a-f]+\.tar\.gz$/.test(name));
    if (names.length === 0) continue;
    const paths = names.slice(0, MAX_INDEXES).map((name) => `${cache}/${name}`);
    const states = paths.map((path) => stateInside(root, path));
    return {
      state: [...states.map((state) => state?.text ?? ''), stateInside(root, REPOSITORIES)?.text ?? ''].join('\n'),
      dataAt: Math.max(...states.map((state) => state?.at ?? 0)),
      offersOf: (wanted) => offersOf(root, paths, wanted),
    };
  }
  return undefined;
}

async function* offersOf(
  root: string,
  paths: readonly string[],
  wanted: ReadonlyMap<string, PackageFacts>,
): AsyncGenerator<Offer> {
  if (/^\s*@/m.test(readTextInside(root, REPOSITORIES) ?? '')) return;
  const budget = createBudget();
  for (const path of paths)
    for await (const record of wantedRecords(unpack(root, path, budget), wanted, PACKAGES)) {
      const name = /^P:(.*)$/m.exec(record)?.[1];
      const version = /^V:(.*)$/m.exec(record)?.[1];
      if (name !== undefined && version !== undefined) yield { name, version };
    }
}

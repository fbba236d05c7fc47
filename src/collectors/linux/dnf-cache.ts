import type { PackageFacts } from '../../model/listener.ts';
import {
  createBudget,
  namesInside,
  type Offer,
  type OfferData,
  PACKED,
  stateInside,
  textsInside,
  unpack,
} from './package-offers.ts';
import { wantedRecords } from './record-scan.ts';

/** Where dnf 4, dnf 5 and zypper keep what they fetched: a directory per repository. */
const CACHES = ['var/cache/dnf', 'var/cache/libdnf5', 'var/cache/zypp/raw'];
const SETTINGS = ['etc/yum.repos.d', 'etc/zypp/repos.d'];
const MAX_REPOSITORIES = 500;
const MAX_SETTINGS_BYTES = 4 * 1024 * 1024;
const PACKAGES = { nameStart: '<name>', nameEnd: '</name>', separator: '</package>' };

interface Repository {
  /** Its list of packages, `…-primary.xml.gz`. */
  readonly primary: string;
  readonly index: string;
}

/**
 * What dnf or zypper have cached below a root: the `primary` lists of the repositories that are enabled there
 * (createrepo_c, "repodata"). Packages of modules are left out on both sides: which stream is chosen, the lists do not
 * say.
 */
export function openDnfCache(root: string): OfferData | undefined {
  const enabled = enabledRepositories(root);
  const caches = CACHES.flatMap((cache) =>
    namesInside(root, cache)
      .filter((name) => enabled.has(idOf(name)))
      .map((name) => `${cache}/${name}`),
  );
  const repositories = caches.slice(0, MAX_REPOSITORIES).flatMap((directory) => findRepository(root, directory) ?? []);
  if (repositories.length === 0) return undefined;
  const states = repositories.map(({ primary }) => stateInside(root, primary)?.text ?? '');
  return {
    state: [...states, ...enabled].join('\n'),
    dataAt: Math.max(...repositories.map(({ index }) => stateInside(root, index)?.at ?? 0)),
    offersOf: (wanted) => offersOf(root, repositories, wanted),
  };
}

async function* offersOf(
  root: string,
  repositories: readonly Repository[],
  wanted: ReadonlyMap<string, PackageFacts>,
): AsyncGenerator<Offer> {
  // a list that cannot be unpacked may hold the newest
  if (repositories.some(({ primary }) => !PACKED.includes(/primary\.xml(.*)$/.exec(primary)?.[1] ?? ''))) return;
  const plain = new Set([...wanted].filter(([, { version }]) => !isModular(version)).map(([name]) => name));
  const budget = createBudget();
  for (const { primary } of plain.size > 0 ? repositories : [])
    for await (const record of wantedRecords(unpack(root, primary, budget), plain, PACKAGES)) {
      const name = /<name>([^<]*)</.exec(record)?.[1];
      const architecture = /<arch>([^<]*)</.exec(record)?.[1];
      const { epoch = '0', ver, rel } = attributesOf(/<version ([^>]*)>/.exec(record)?.[1] ?? '');
      if (name === undefined || ver === undefined || rel === undefined) continue;
      if (architecture === 'src' || isModular(rel)) continue;
      yield { name, version: `${epoch === '0' ? '' : `${epoch}:`}${ver}-${rel}` };
    }
}

function isModular(version: string): boolean {
  return version.includes('.module');
}

function attributesOf(text: string): Record<string, string> {
  return Object.fromEntries([...text.matchAll(/(\w+)="([^"]*)"/g)].map(([, name, value]) => [name, value]));
}

/** dnf names the directory after the repository and a hash, zypper after the repository. */
function idOf(name: string): string {
  return name.replace(/-[0-9a-f]{16}$/, '');
}

function findRepository(root: string, directory: string): Repository | undefined {
  const list = namesInside(root, `${directory}/repodata`).filter((file) => /primary\.xml(?:\.\w+)?$/.test(file));
  const primary = list.find((file) => PACKED.some((end) => file.endsWith(`.xml${end}`))) ?? list[0];
  const repodata = `${directory}/repodata`;
  if (primary === undefined) return undefined;
  return { primary: `${repodata}/${primary}`, index: `${repodata}/repomd.xml` };
}

/** Ids of the repositories that are not switched off (dnf.conf(5), `enabled`). */
function enabledRepositories(root: string): ReadonlySet<string> {
  const enabled = new Set<string>();
  const files = SETTINGS.flatMap((directory) =>
    namesInside(root, directory)
      .filter((file) => file.endsWith('.repo'))
      .map((file) => `${directory}/${file}`),
  );
  const { texts, isWhole } = textsInside(root, files, MAX_SETTINGS_BYTES);
  // what was not read may have the newest
  if (!isWhole) return enabled;
  for (const text of texts.values()) {
    let id = '';
    for (const line of text.split('\n')) {
      const section = /^\[([^\]]+)\]\s*$/.exec(line)?.[1];
      if (section !== undefined) {
        id = section;
        enabled.add(id);
      } else if (/^enabled\s*=\s*(?:0|no|false|off)\s*$/i.test(line)) enabled.delete(id);
    }
  }
  return enabled;
}

import { statSync } from 'node:fs';
import { foldAdvisories } from '../advisories/fold.ts';
import { type Exploited, readKev } from '../advisories/kev.ts';
import { lookUpOsv } from '../advisories/osv.ts';
import type { WantedPackage } from '../advisories/osv-record.ts';
import { exportFiles } from '../advisories/record-files.ts';
import { type Advisory, type AdvisoryData, packageKeyOf, packageKeyText } from '../model/advisory.ts';
import type { PackageFacts } from '../model/listener.ts';
import { holdersOf } from '../model/process-match.ts';
import type { ListenerState } from '../model/state.ts';
import { versionOrder } from '../model/versions/index.ts';
import type { Store } from '../store/store.ts';
import { compareText } from '../util/compare.ts';
import { sha256 } from '../util/sha256.ts';
import type { VulnerabilityFiles } from './vulnerability-files.ts';

/**
 * What the given data knows of the packages behind open listeners. Reading an export takes seconds, so the answer is
 * remembered until a file or a package changes. `mayWrite`: the store can be written.
 */
export async function loadAdvisories(
  files: VulnerabilityFiles,
  listeners: readonly ListenerState[],
  store: Store | null,
  mayWrite: boolean,
): Promise<AdvisoryData> {
  const packages = packagesOf(listeners);
  const key = `advisories-1:${sha256(JSON.stringify([stateOf(files), packages]))}`;
  const remembered = await store?.cacheGet(key);
  const answer: Answer = remembered === undefined ? await lookUp(files, packages) : JSON.parse(remembered);
  // a problem may be gone next time, without any file being another
  if (store && mayWrite && remembered === undefined && answer.problems.length === 0)
    await store.cachePut(key, JSON.stringify(answer));
  return { ...answer, byPackage: new Map(answer.byPackage) };
}

/** AdvisoryData as plain JSON. */
type Answer = Omit<AdvisoryData, 'byPackage'> & {
  readonly byPackage: readonly (readonly [string, readonly Advisory[]])[];
};

async function lookUp(files: VulnerabilityFiles, packages: readonly PackageFacts[]): Promise<Answer> {
  const problems: string[] = [];
  const kev = files.kev === null ? new Map<string, Exploited>() : readKev(files.kev);
  if ('problem' in kev) problems.push(kev.problem);
  const exploited = 'problem' in kev ? new Map<string, Exploited>() : kev;
  if (files.osv.length === 0)
    problems.push('No OSV data is given, and without it the catalogue of exploited vulnerabilities names no package.');
  const known = packages.filter((facts) => facts.ecosystem !== undefined);
  const osv = await lookUpOsv(files.osv, known.map(wantedPackage));
  const byPackage: [string, readonly Advisory[]][] = [];
  const uncovered = new Map<string, number>();
  for (const [index, facts] of known.entries()) {
    const ecosystem = facts.ecosystem as string;
    const packageKey = packageKeyOf(facts);
    if (packageKey === null) continue;
    if (!osv.covered.has(ecosystem)) uncovered.set(ecosystem, (uncovered.get(ecosystem) ?? 0) + 1);
    else {
      const found = (osv.advisories[index] ?? []).map((advisory) => withExploited(advisory, exploited));
      byPackage.push([packageKeyText(packageKey), foldAdvisories(found)]);
    }
  }
  return {
    byPackage,
    newest: osv.newest,
    ecosystems: [...osv.covered].sort(compareText),
    notCovered: [...uncovered]
      .sort(([a], [b]) => compareText(a, b))
      .map(([ecosystem, n]) => ({ ecosystem, packages: n })),
    problems: [...problems, ...osv.problems],
  };
}

/** Packages behind open listeners, each once, sorted. What they are offered is no part of it. */
function packagesOf(listeners: readonly ListenerState[]): PackageFacts[] {
  const found = new Map<string, PackageFacts>();
  for (const { open, listener } of listeners)
    if (open)
      for (const { package: facts } of holdersOf(listener)) {
        if (facts === undefined) continue;
        const { candidate: _candidate, ...own } = facts;
        found.set(JSON.stringify(own), own);
      }
  return [...found].sort(([a], [b]) => compareText(a, b)).map(([, facts]) => facts);
}

function wantedPackage(facts: PackageFacts): WantedPackage {
  const { ecosystem = '', manager, name, version, source = name, sourceVersion = version } = facts;
  // Alma names binary packages, Rocky and SUSE their sources, Red Hat either (OSV schema, "Defined ecosystems")
  const binary = manager === 'rpm' ? [{ name, version }] : [];
  const own = manager === 'rpm' && source === name ? [] : [{ name: source, version: sourceVersion }];
  return { ecosystem, names: [...binary, ...own], compare: versionOrder(manager) };
}

function withExploited(advisory: Advisory, exploited: ReadonlyMap<string, Exploited>): Advisory {
  const hit = [advisory.id, ...advisory.aliases].flatMap((id) => exploited.get(id) ?? [])[0];
  return hit ? { ...advisory, exploited: hit } : advisory;
}

/** Path, size and modification time of every file; one that cannot be read counts as missing. */
function stateOf({ osv, kev }: VulnerabilityFiles): readonly string[] {
  const all = [...osv.flatMap(filesOf), ...(kev === null ? [] : [kev])];
  return all.map((path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    return `${path}|${stat?.size}|${stat?.mtimeMs}`;
  });
}

function filesOf(path: string): string[] {
  try {
    return exportFiles(path);
  } catch {
    return [path];
  }
}

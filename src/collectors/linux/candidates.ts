import type { Listener, PackageFacts, ProcessFacts } from '../../model/listener.ts';
import type { Gap } from '../../model/observation.ts';
import { versionOrder } from '../../model/versions/index.ts';
import { getOrMake } from '../../util/get-or-make.ts';
import { sha256 } from '../../util/sha256.ts';
import { openApkIndex } from './apk-index.ts';
import { openAptLists } from './apt-lists.ts';
import { openDnfCache } from './dnf-cache.ts';
import { createFileViews } from './file-views.ts';
import { gaps } from './gaps.ts';
import type { OfferData, OpenOffers } from './package-offers.ts';

const SOURCES: Readonly<Record<PackageFacts['manager'], OpenOffers>> = {
  dpkg: openAptLists,
  rpm: openDnfCache,
  apk: openApkIndex,
};

/** Newest version on offer, and newest from a repository of security updates. `null`: none is offered, or unknown. */
export type Newest = { readonly version: string; readonly security?: string } | null;

/**
 * Answers by state of the data, then by package: reading the lists of a distribution takes a second, and they change
 * once a day. Plain JSON, so that it can be kept between runs; entries of states that are gone are removed.
 */
export type CandidateMemory = Record<string, Record<string, Newest>>;

/** Packages of one manager below one root. */
interface Group {
  readonly root: string;
  readonly manager: PackageFacts['manager'];
  readonly packages: Map<string, PackageFacts>;
  readonly processes: ProcessFacts[];
}

/**
 * The same listeners with what their package managers' cached data offers (`PackageFacts.candidate`). Reads only what
 * lies below the roots that the processes run in; `root` is `/` or a captured tree. Data that cannot be read is a gap.
 * `learn` false: only what is remembered is told, and nothing is forgotten; reading the lists takes 40 MB.
 */
export async function addCandidates(
  listeners: readonly Listener[],
  root: string,
  memory: CandidateMemory,
  learn = true,
): Promise<{ readonly listeners: readonly Listener[]; readonly gaps: readonly Gap[]; readonly isAllKnown: boolean }> {
  const found: Gap[] = [];
  let isAllKnown = true;
  const updated = new Map<ProcessFacts, ProcessFacts>();
  const used = new Set<string>();
  for (const { root: where, manager, packages, processes } of groupByRoot(listeners, root)) {
    const data = SOURCES[manager](where);
    if (data === undefined) continue;
    const key = sha256(`${manager}\n${data.state}`);
    used.add(key);
    if (learn) memory[key] ??= {};
    const answers = memory[key] ?? {};
    const missing = new Map([...packages].filter(([name]) => !Object.hasOwn(answers, name)));
    try {
      if (missing.size > 0 && learn) Object.assign(answers, await newestOf(data, manager, missing));
      else if (missing.size > 0) isAllKnown = false;
    } catch (error) {
      found.push(gaps.offersUnreadable(manager, (error as Error).message));
      continue;
    }
    for (const process of processes)
      if (process.package) updated.set(process, withCandidate(process, process.package, answers, data.dataAt));
  }
  for (const key of learn ? Object.keys(memory) : []) if (!used.has(key)) delete memory[key];
  if (updated.size === 0) return { listeners, gaps: found, isAllKnown };
  const now = (process: ProcessFacts) => updated.get(process) ?? process;
  return {
    listeners: listeners.map((l) =>
      l.process === null ? l : { ...l, process: now(l.process), sharedWith: l.sharedWith.map(now) },
    ),
    gaps: found,
    isAllKnown,
  };
}

function groupByRoot(listeners: readonly Listener[], root: string): Iterable<Group> {
  const views = createFileViews(root);
  views.begin();
  const groups = new Map<string, Group>();
  const seen = new Set<ProcessFacts>();
  for (const { process, sharedWith } of listeners)
    for (const facts of process === null ? sharedWith : [process, ...sharedWith]) {
      const { package: owner, pid } = facts;
      if (owner === undefined || seen.has(facts)) continue;
      seen.add(facts);
      const view = views.of(pid);
      if (view === undefined) continue; // it ended meanwhile
      const { packages, processes } = getOrMake(groups, `${owner.manager}|${view.key}`, () => ({
        ...{ root: view.root, manager: owner.manager },
        ...{ packages: new Map<string, PackageFacts>(), processes: [] as ProcessFacts[] },
      }));
      packages.set(owner.name, owner);
      processes.push(facts);
    }
  return groups.values();
}

async function newestOf(
  data: OfferData,
  manager: PackageFacts['manager'],
  wanted: ReadonlyMap<string, PackageFacts>,
): Promise<Record<string, Newest>> {
  const compare = versionOrder(manager);
  const newer = (a: string | undefined, b: string) => (a === undefined || compare(a, b) < 0 ? b : a);
  const best = new Map<string, { version: string; security?: string }>();
  for await (const { name, version, security } of data.offersOf(wanted)) {
    const before = best.get(name);
    const known = { ...before, version: newer(before?.version, version) };
    best.set(name, security ? { ...known, security: newer(before?.security, version) } : known);
  }
  return Object.fromEntries([...wanted.keys()].map((name) => [name, best.get(name) ?? null]));
}

function withCandidate(
  process: ProcessFacts,
  owner: PackageFacts,
  answers: Record<string, Newest>,
  dataAt: number,
): ProcessFacts {
  const newest = Object.hasOwn(answers, owner.name) ? answers[owner.name] : null;
  if (!newest) return process;
  const { version, security } = newest;
  const isSecurity = security !== undefined && versionOrder(owner.manager)(owner.version, security) < 0;
  // only apt's lists say which repositories hold security updates
  const known = owner.manager === 'dpkg' ? { security: isSecurity } : {};
  return {
    ...process,
    package: { ...owner, candidate: { version, ...known, dataAt } },
  };
}

import { type Scope, type Transport, UNKNOWN_SCOPE } from '../model/endpoint.ts';
import type { Gap, HostFacts, Observation } from '../model/observation.ts';
import type { Collector, CollectorOptions, RoundOptions } from './collector.ts';
import { coverageOf, type ReadScope } from './linux/coverage.ts';
import { listDirectory, readText, readTextInside } from './linux/files.ts';
import { gaps, sortGaps } from './linux/gaps.ts';
import { type EphemeralPorts, readEphemeralPorts, readHostFacts } from './linux/host-facts.ts';
import { createListenerFolder, type ListenerFolder, type ScopeSockets } from './linux/listeners.ts';
import { createNamespaceRounds, type NamespaceRounds } from './linux/namespace-rounds.ts';
import { listNamedNamespaces, type NamespaceSurvey, surveyNamespaces } from './linux/namespaces.ts';
import { createProcessReader, type ProcessReader } from './linux/process-facts.ts';
import { readProcessStat } from './linux/process-stat.ts';
import { createScopeNames, type ScopeNames } from './linux/scope-names.ts';
import { createSocketOwners, type SocketGroup, type SocketOwners } from './linux/socket-owners.ts';
import { createTableReader, type NamespaceTables, type TableReader } from './linux/table-reader.ts';
import { stopYoungGenerationGrowth } from './linux/young-generation.ts';

type Snapshot = Omit<Observation, 'id'>;

/** A look at some of the namespaces, and what it amounts to with those before it. */
export interface LocalRound {
  /** Covers and holds what was read this time. */
  readonly round: Snapshot;
  /** What was read this time and before, each namespace at its newest. */
  readonly together: Pick<Snapshot, 'coverage' | 'gaps'>;
  /** Every namespace was read since the last round of which this was said. */
  readonly isWhole: boolean;
}

/** A collector that remembers what seldom changes, for callers that look again and again. */
export interface LocalCollector {
  readonly collect: (options: CollectorOptions) => Promise<Snapshot>;
  /** The same, of as many namespaces as may be read at once. */
  readonly collectRound: (options: CollectorOptions, round: RoundOptions) => Promise<LocalRound>;
}

/** Listeners of this machine from the kernel's socket tables (proc(5)), every network namespace. Reads, never writes. */
export const local: Collector = {
  name: 'local',
  collect: (options) => createLocalCollector().collect(options),
};

/** What is kept between snapshots of one root. */
interface Memory {
  readonly root: string;
  readonly owners: SocketOwners;
  readonly processes: ProcessReader;
  readonly scopes: ScopeNames;
  readonly tables: TableReader;
  readonly folder: ListenerFolder;
  readonly rounds: NamespaceRounds;
  host?: {
    readonly facts: HostFacts;
    readonly ephemeral: EphemeralPorts;
    readonly givenName: string | undefined;
    readonly at: number;
  };
}

/** Largest file of a container runtime that is read for a name. */
const MAX_CONFIG_BYTES = 4 * 1024 * 1024;

/** The host's own, and another one: else others would never have their turn. */
const LEAST_NAMESPACES = 2;

/** How long facts of the host itself are kept, in ms. */
const HOST_VALID_MS = 60_000;

/** A warm snapshot costs a tenth of a cold one on a large machine. Never throws for what it could not read: see `gaps`. */
export function createLocalCollector(): LocalCollector {
  let memory: Memory | undefined;
  const look = (options: CollectorOptions, round: RoundOptions = EVERY_NAMESPACE): LocalRound => {
    if (memory?.root !== options.root) memory = createMemory(options.root);
    else stopYoungGenerationGrowth();
    return takeRound(options, round, memory);
  };
  return {
    collectRound: async (options, round) => look(options, round),
    collect: async (options) => {
      const { round: snapshot } = look(options);
      if (options.candidates === undefined) return snapshot;
      const { addCandidates } = await import('./linux/candidates.ts');
      const { listeners, gaps: more } = await addCandidates(snapshot.listeners, options.root, options.candidates);
      return { ...snapshot, listeners, gaps: sortGaps([...snapshot.gaps, ...more]) };
    },
  };
}

const EVERY_NAMESPACE: RoundOptions = { budgetMs: Number.POSITIVE_INFINITY, first: new Set() };

function createMemory(root: string): Memory {
  const proc = procOf(root);
  const elapsed = () => performance.now();
  const processes = createProcessReader(root, elapsed);
  const sources = {
    statOf: (pid: number) => readProcessStat(proc, pid),
    cgroupOf: processes.cgroupOf,
    readAs: processes.readAs,
    readHost: (path: string) => readTextInside(root, path, MAX_CONFIG_BYTES),
  };
  return {
    root,
    processes,
    owners: createSocketOwners(proc, elapsed),
    scopes: createScopeNames(sources, elapsed),
    tables: createTableReader(),
    folder: createListenerFolder(),
    rounds: createNamespaceRounds(),
  };
}

function procOf(root: string): string {
  return root === '/' ? '/proc' : `${root}/proc`;
}

function hostOf({ root, hostName }: CollectorOptions, memory: Memory): { host: HostFacts; ephemeral: EphemeralPorts } {
  const { host } = memory;
  if (host && host.givenName === hostName && performance.now() - host.at < HOST_VALID_MS)
    return { host: host.facts, ephemeral: host.ephemeral };
  const ephemeral = readEphemeralPorts(procOf(root));
  const facts = readHostFacts(root, hostName, ephemeral);
  memory.host = { facts, ephemeral, givenName: hostName, at: performance.now() };
  return { host: facts, ephemeral };
}

function takeRound(options: CollectorOptions, asked: RoundOptions, memory: Memory): LocalRound {
  const started = performance.now();
  const observedAt = options.now();
  const { root } = options;
  const live = root === '/';
  const proc = procOf(root);
  const { host, ephemeral } = hostOf(options, memory);
  /** Of the machine; those of a namespace belong to its round. */
  const found: Gap[] = [];
  const nowhere = (): LocalRound => {
    const round = finish(nothing);
    return { round, together: round, isWhole: true };
  };
  const finish = (rest: Pick<Snapshot, 'privilege' | 'coverage' | 'listeners'>): Snapshot => ({
    collector: local.name,
    vantage: 'local',
    observedAt,
    durationMs: Math.round(performance.now() - started),
    host,
    gaps: sortGaps(found),
    ...rest,
  });
  const isRoot = process.geteuid?.() === 0;
  const nothing = { privilege: isRoot ? ('root' as const) : ('user' as const), coverage: [], listeners: [] };
  if (live && process.platform !== 'linux') {
    found.push(gaps.notLinux(process.platform));
    return nowhere();
  }
  const survey = surveyNamespaces(proc);
  if (survey === undefined || survey.byId.size === 0) {
    found.push(gaps.procUnreadable(proc));
    return nowhere();
  }

  // Sockets first, then their owners: an owner that is gone by then leaves a listener without one, never a lost one.
  const { rounds } = memory;
  const { tables, isAll } = readTables(survey, asked, memory, proc, live, found);
  const named = listNamedNamespaces(root, survey, live);
  memory.processes.begin(options.hashes);
  const mountedNames = new Map(named.flatMap(({ id, name }) => (id === undefined ? [] : [[id, name] as const])));
  const names = memory.scopes.nameAll([...survey.byId.values()], survey.hostId, mountedNames);
  const groups: SocketGroup[] = [];
  for (const { id, pids } of survey.byId.values()) {
    const inodes = tables.get(id)?.inodes;
    if (inodes !== undefined) groups.push({ inodes, pids });
    else if (!isAll) groups.push({ inodes: memory.tables.inodesOf(id), pids, resting: true });
  }
  memory.owners.update(groups, survey.pids);

  const own: Gap[] = [];
  const tell = (scope: string, gap: Gap) => {
    own.push(gap);
    rounds.gap(scope, gap);
  };
  const scopes: ScopeSockets[] = [];
  const read: ReadScope[] = [];
  for (const [id, { tables: sockets, problems }] of tables) {
    const scope = names.get(id) as string;
    scopes.push({ scope, tables: sockets });
    const one = { scope, unread: new Set<Transport>(problems.map((problem) => problem.transport)) };
    read.push(one);
    rounds.tried(id, one);
    for (const { file, message } of problems) tell(scope, gaps.tableUnreadable(scope, file, message));
  }
  const hiddenPids = memory.owners.hiddenPids();
  const privilege = live ? nothing.privilege : hiddenPids === 0 ? 'root' : 'user';
  const listeners = memory.folder.fold(scopes, {
    host: host.name,
    ephemeral,
    holdersOf: memory.owners.holdersOf,
    factsOf: memory.processes.factsOf,
    userNames: memory.processes.userNames(),
    seesAllHolders: hiddenPids === 0 && privilege === 'root',
  });
  if (hiddenPids > 0) {
    const ownerless = new Map<string, number>();
    for (const l of listeners) if (l.process === null) ownerless.set(l.scope, (ownerless.get(l.scope) ?? 0) + 1);
    for (const [scope, count] of ownerless) tell(scope, gaps.ownerHidden(scope, count, privilege === 'root'));
  }
  for (const { path, message } of memory.processes.end()) found.push(gaps.packagesUnreadable(path, message));

  let complete = privilege === 'root' && survey.unknownPids === 0 && survey.hostId !== undefined;
  // It is read in every round.
  complete &&= tables.has(survey.hostId as string);
  if (survey.unknownPids > 0) found.push(gaps.namespaceUnknown(survey.unknownPids));
  for (const { name, id } of named) {
    if (id !== undefined) continue;
    found.push(gaps.namespaceEmpty(`netns:${name}`));
    complete = false;
  }
  if (isHidingPids(proc, survey, isRoot)) {
    found.push(gaps.hidepid(proc));
    complete = false;
  }
  const { isWhole, isEveryRead, ...all } = rounds.end(names);
  const coverage = coverageOf(host.name, read, complete && isAll);
  // Of a namespace that is gone nothing is open; and of one that could not be told nothing, once every one was read since.
  const gone = isWhole ? [...all.gone, UNKNOWN_SCOPE] : all.gone;
  if (complete && !isAll) coverage.push(...coverageOf(host.name, gone.map(readWhole), false));
  const together = {
    coverage: coverageOf(host.name, all.read, complete && isEveryRead),
    gaps: sortGaps([...found, ...all.gaps]),
  };
  found.push(...own);
  return { round: finish({ privilege, coverage, listeners }), together, isWhole };
}

function readWhole(scope: Scope): ReadScope {
  return { scope, unread: new Set() };
}

/**
 * Socket tables by namespace id, of as many as may be read. A namespace whose last process ended meanwhile is left out:
 * that is normal.
 */
function readTables(
  survey: NamespaceSurvey,
  { budgetMs, first }: RoundOptions,
  { tables: reader, rounds }: Memory,
  proc: string,
  live: boolean,
  found: Gap[],
): { readonly tables: Map<string, NamespaceTables>; readonly isAll: boolean } {
  const tables = new Map<string, NamespaceTables>();
  const until = performance.now() + budgetMs;
  let tried = 0;
  for (const id of rounds.begin(survey.byId.keys(), survey.hostId, first)) {
    if (tried >= LEAST_NAMESPACES && performance.now() >= until) break;
    tried++;
    const pids = survey.byId.get(id)?.pids ?? [];
    const read = reader.read(id, tableDirectories(pids, proc, !live && id === survey.hostId));
    if (read !== undefined) tables.set(id, read);
    else if (id === survey.hostId) found.push(gaps.tableUnreadable('host', 'tcp', 'could not be read'));
    rounds.tried(id);
  }
  reader.keepOnly(survey.byId);
  return { tables, isAll: tried === survey.byId.size };
}

/** Where the tables of a namespace may be read, best first. `captured`: the host's namespace in a captured tree. */
function* tableDirectories(pids: readonly number[], proc: string, captured: boolean): Generator<string> {
  // a captured tree holds the host's own tables where everybody looks for them
  if (captured && listDirectory(`${proc}/net`) !== undefined) yield `${proc}/net`;
  for (const pid of pids) yield `${proc}/${pid}/net`;
}

/** Says whether /proc hides processes of others from us (proc(5), mount option hidepid). */
function isHidingPids(proc: string, survey: NamespaceSurvey, isRoot: boolean): boolean {
  const mounts = readText(`${proc}/mounts`, 1024 * 1024) ?? '';
  // the last mount lies on top
  const options = [...mounts.matchAll(/^\S+ \/proc proc (\S+)/gm)].at(-1)?.[1] ?? '';
  if (!/(?:^|,)hidepid=(?!0\b|off\b)/.test(options)) return false;
  return !isRoot || !survey.pids.includes(1);
}

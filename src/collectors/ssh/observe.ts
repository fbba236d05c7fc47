import type { ProcessFacts } from '../../model/listener.ts';
import type { Gap, HostFacts, UnnamedObservation } from '../../model/observation.ts';
import { getOrMake } from '../../util/get-or-make.ts';
import { parseCgroup } from '../linux/cgroup.ts';
import { coverageOf, type ReadScope } from '../linux/coverage.ts';
import { gaps as linuxGaps, sortGaps } from '../linux/gaps.ts';
import {
  type EphemeralPorts,
  parseAddresses,
  parseOsRelease,
  parsePortRange,
  parseReservedPorts,
} from '../linux/host-facts.ts';
import { createListenerFolder, type ScopeSockets } from '../linux/listeners.ts';
import { parseCommandLine } from '../linux/process-facts.ts';
import { parseBootTime, TICKS_PER_SECOND } from '../linux/process-stat.ts';
import { createScopeNames } from '../linux/scope-names.ts';
import type { Holder } from '../linux/socket-owners.ts';
import { parseSocketTable, SOCKET_TABLES, type Socket } from '../linux/socket-tables.ts';
import { parsePasswd, uidInside } from '../linux/users.ts';
import type { Answer } from './answer.ts';
import { probeGaps } from './gaps.ts';

export interface ObserveOptions {
  /** Name of the machine as it was asked for. */
  readonly target: string;
  /** UTC milliseconds at the start of looking. */
  readonly observedAt: number;
  readonly durationMs: number;
  /** What broke the look off, where something did. */
  readonly broken?: Gap;
}

/** What is worked out once for all processes. */
interface Machine {
  readonly answer: Answer;
  /** UTC milliseconds by the machine's own clock. */
  readonly bootTime: number | undefined;
  readonly userNames: ReadonlyMap<number, string>;
}

const MAX_TEXT = 255;
const DELETED = ' (deleted)';

/** What the local collector would have seen on that machine with the same rights. Never throws. */
export function observe(answer: Answer, options: ObserveOptions): UnnamedObservation {
  const { target } = options;
  const ephemeral: EphemeralPorts = {
    range: parsePortRange(answer.files.get('/proc/sys/net/ipv4/ip_local_port_range') ?? ''),
    reserved: parseReservedPorts(answer.files.get('/proc/sys/net/ipv4/ip_local_reserved_ports') ?? ''),
  };
  const host = hostOf(answer, target, ephemeral);
  const found: Gap[] = options.broken === undefined ? [] : [options.broken];
  if (answer.missing.length > 0) found.push(probeGaps.toolsMissing(target, answer.missing));
  const isRoot = answer.uid === 0;

  const hostId = answer.spaceOf.get(1) ?? answer.ownSpace;
  const pidsOfSpace = new Map<string, number[]>();
  for (const [pid, id] of answer.spaceOf) getOrMake(pidsOfSpace, id, () => []).push(pid);
  for (const pids of pidsOfSpace.values()) pids.sort((a, b) => a - b);
  const spaces = [...pidsOfSpace].map(([id, pids]) => ({ id, pids }));
  const idOfLink = new Map<string, string>();
  for (const [id, { link }] of answer.spaces) if (link !== undefined) idOfLink.set(link, id);
  const mountedNames = new Map<string, string>();
  for (const [name, link] of answer.mounted) {
    const id = idOfLink.get(link);
    if (id !== undefined) mountedNames.set(id, name);
  }
  const names = createScopeNames(
    {
      statOf: (pid) => answer.stats.get(pid),
      cgroupOf: (pid) => cgroupOf(answer, pid),
      readAs: () => undefined,
      readHost: (path) => answer.files.get(`/${path}`),
    },
    () => 0,
  ).nameAll(spaces, hostId, mountedNames);

  const scopes: ScopeSockets[] = [];
  const read: ReadScope[] = [];
  let complete =
    isRoot && answer.unknownPids === 0 && hostId !== undefined && answer.reached !== 'begin' && !answer.isTooLong;
  for (const { id } of spaces) {
    const scope = names.get(id) as string;
    const sockets = readTables(answer, id, scope, found);
    if (sockets !== undefined) {
      scopes.push({ scope, tables: sockets.tables });
      read.push({ scope, unread: sockets.unread });
    } else if (id === hostId) found.push(linuxGaps.tableUnreadable('host', 'tcp', 'could not be read'));
    complete &&= sockets !== undefined || (id !== hostId && answer.spaces.has(id));
  }

  const seesAllHolders = answer.isOwnerLookWhole && answer.hiddenPids === 0 && isRoot;
  const machine: Machine = {
    answer,
    bootTime: parseBootTime(answer.files.get('/proc/stat') ?? ''),
    userNames: parsePasswd(answer.files.get('/etc/passwd') ?? ''),
  };
  const facts = new Map<number, ProcessFacts>();
  const listeners = createListenerFolder().fold(scopes, {
    host: host.name,
    ephemeral,
    holdersOf: (inode) => holdersOf(answer, inode),
    factsOf: (holder) => getOrMake(facts, holder.pid, () => factsOf(machine, holder)),
    userNames: machine.userNames,
    seesAllHolders,
  });
  if (!seesAllHolders) {
    const ownerless = new Map<string, number>();
    for (const l of listeners) if (l.process === null) ownerless.set(l.scope, (ownerless.get(l.scope) ?? 0) + 1);
    for (const [scope, count] of ownerless) found.push(linuxGaps.ownerHidden(scope, count, isRoot));
  }
  if (answer.unknownPids > 0) found.push(linuxGaps.namespaceUnknown(answer.unknownPids));
  for (const [name, link] of answer.mounted) {
    if (idOfLink.has(link)) continue;
    found.push(linuxGaps.namespaceEmpty(`netns:${name}`));
    complete = false;
  }
  if (isHidingPids(answer, isRoot)) {
    found.push(linuxGaps.hidepid('/proc'));
    complete = false;
  }
  return {
    collector: 'ssh',
    vantage: 'agentless',
    observedAt: options.observedAt,
    durationMs: options.durationMs,
    privilege: isRoot ? 'root' : 'user',
    host,
    coverage: coverageOf(host.name, read, complete),
    gaps: sortGaps(found.map((gap) => remediedFor(gap, target, isRoot))),
    listeners,
  };
}

/** What helps over SSH is not what helps on the machine. */
function remediedFor(gap: Gap, target: string, isRoot: boolean): Gap {
  if (isRoot || !['process-owner-hidden', 'netns-unreadable', 'hidepid'].includes(gap.code)) return gap;
  if (gap.remedy?.includes('ip netns delete')) return gap;
  return { ...gap, remedy: `quietdoor scan ssh --sudo ${target}   or connect as root.` };
}

function text(value: string | undefined, max = MAX_TEXT): string | undefined {
  const clean = value?.replace(/[\p{Cc}\p{Bidi_Control}]+/gu, ' ').trim();
  return clean === undefined || clean === '' ? undefined : clean.slice(0, max).toWellFormed();
}

/** The machine's own name where it is one, else the name it was asked for by; the other is kept beside it. */
function hostOf(answer: Answer, target: string, ephemeral: EphemeralPorts): HostFacts {
  const own = answer.files.get('/proc/sys/kernel/hostname')?.trim() ?? '';
  const name = /^[A-Za-z0-9_][\w.-]{0,252}$/.test(own) && own !== 'localhost' ? own : target;
  const machineId = answer.files.get('/etc/machine-id')?.trim() ?? '';
  const release = answer.files.get('/etc/os-release') ?? answer.files.get('/usr/lib/os-release') ?? '';
  const os = text(parseOsRelease(release, 'PRETTY_NAME'));
  const kernel = text(answer.files.get('/proc/sys/kernel/osrelease'));
  return {
    name,
    ...(/^[0-9a-f]{32}$/.test(machineId) ? { machineId } : {}),
    addresses: parseAddresses(
      answer.files.get('/proc/net/fib_trie') ?? '',
      answer.files.get('/proc/net/if_inet6') ?? '',
    ),
    tags: [],
    ...(target === name ? {} : { names: [target] }),
    ...(os === undefined ? {} : { os }),
    ...(kernel === undefined ? {} : { kernel }),
    ...(ephemeral.range === undefined ? {} : { ephemeralPorts: ephemeral.range }),
  };
}

/** Sockets of a namespace; `undefined` if its last process ended before its tables were read. */
function readTables(
  answer: Answer,
  id: string,
  scope: string,
  found: Gap[],
): { tables: Socket[][]; unread: ReadScope['unread'] } | undefined {
  const space = answer.spaces.get(id);
  if (space === undefined || !space.tables.has('tcp')) return undefined;
  const tables: Socket[][] = [];
  const unread = new Set<Socket['transport']>();
  for (const table of SOCKET_TABLES) {
    const printed = space.tables.get(table.file);
    // a protocol that the kernel lacks has no table; one that is missing from an answer that was cut off was not read
    if (printed === undefined && space.isWhole) continue;
    const problem = (message: string) => {
      unread.add(table.transport);
      found.push(linuxGaps.tableUnreadable(scope, table.file, message));
    };
    if (printed === undefined) {
      problem('could not be read');
      continue;
    }
    if (printed.state === 'denied') {
      problem('may not be read');
      continue;
    }
    if (printed.state === 'failed') problem('could not be read to its end');
    const { sockets, malformed, truncated } = parseSocketTable(printed.bytes, table, answer.isLittleEndian);
    tables.push(sockets);
    if (truncated) problem('ends in the middle of a line');
    if (malformed > 0) problem('has lines that are not in the expected form');
  }
  return { tables, unread };
}

const NOBODY: readonly Holder[] = [];

function holdersOf(answer: Answer, inode: number): readonly Holder[] {
  const pids = answer.holders.get(inode);
  if (pids === undefined) return NOBODY;
  return [...pids].flatMap((pid) => {
    const stat = answer.stats.get(pid);
    // one that ended meanwhile shows nothing of itself
    return stat === undefined ? [] : [{ pid, ...stat }];
  });
}

function cgroupOf(answer: Answer, pid: number) {
  const { unit, container, ...rest } = parseCgroup(answer.cgroups.get(pid) ?? '');
  const [boundUnit, boundContainer] = [text(unit), text(container)];
  return {
    ...rest,
    ...(boundUnit === undefined ? {} : { unit: boundUnit }),
    ...(boundContainer === undefined ? {} : { container: boundContainer }),
  };
}

function factsOf(machine: Machine, { pid, startTicks, name }: Holder): ProcessFacts {
  const { answer, bootTime } = machine;
  const program = answer.programs.get(pid);
  const exe = program?.exe?.endsWith(DELETED) ? program.exe.slice(0, -DELETED.length) : program?.exe;
  const isOwn = program?.view === 'host' || program?.view === 'own';
  const owner = exe !== undefined && isOwn && program?.state === 'present' ? answer.packages.get(exe) : undefined;
  const sha256 = exe === undefined ? undefined : answer.hashes.get(pid);
  const line = answer.commandLines.get(pid);
  const commandLine = line === undefined ? undefined : parseCommandLine(line);
  const uid = answer.uids.get(pid);
  const user = uid === undefined ? undefined : userOf(machine, pid, uid);
  const { unit, container } = cgroupOf(answer, pid);
  return {
    pid,
    ...(bootTime === undefined ? {} : { startedAt: bootTime + startTicks * (1000 / TICKS_PER_SECOND) }),
    name,
    ...(exe === undefined ? {} : { exe }),
    ...(program?.state === undefined ? {} : { exeState: program.state }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(commandLine === undefined ? {} : { commandLine }),
    ...(uid === undefined ? {} : { uid }),
    ...(user === undefined ? {} : { user }),
    ...(unit === undefined ? {} : { unit }),
    ...(container === undefined ? {} : { container }),
    ...(owner === undefined ? {} : { package: owner }),
  };
}

/** Name of a user as the machine, or the container that the process lives in, has it. */
function userOf({ answer, userNames }: Machine, pid: number, uid: number): string | undefined {
  if (answer.programs.get(pid)?.view !== 'other') return userNames.get(uid);
  const inside = uidInside(answer.uidMaps.get(pid) ?? '', uid);
  return inside === undefined ? undefined : answer.passwds.get(pid)?.get(inside);
}

/** Says whether /proc hides processes of others (proc(5), mount option hidepid). */
function isHidingPids(answer: Answer, isRoot: boolean): boolean {
  const mounts = answer.files.get('/proc/mounts') ?? '';
  const options = [...mounts.matchAll(/^\S+ \/proc proc (\S+)/gm)].at(-1)?.[1] ?? '';
  if (!/(?:^|,)hidepid=(?!0\b|off\b)/.test(options)) return false;
  return !isRoot || !answer.spaceOf.has(1);
}
